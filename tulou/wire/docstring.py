"""Read docstrings as the libraries of this field write them: Google's sections, Markdown within.

Looser than the standard parsers on purpose: types in nested parentheses, `*optional*, defaults to …`, lists under `Raises:`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass

LENGTH = 100_000
_FIELDS = {
    "args": "parameters", "arguments": "parameters", "parameters": "parameters", "params": "parameters", "kwargs": "parameters",
    "keyword args": "parameters", "keyword arguments": "parameters", "other parameters": "parameters", "attributes": "attributes",
    "properties": "attributes", "raises": "raises",
}  # fmt: skip
_TEXTS = {
    "returns": "returns", "return": "returns", "yields": "yields", "example": "example", "examples": "example", "note": "note",
    "notes": "note", "warning": "warning", "warnings": "warning", "tip": "tip", "references": "references",
}  # fmt: skip
_HEAD = re.compile(r"([A-Za-z]{3,20}(?: [A-Za-z]{3,20})?)\s{0,4}:\s{0,20}$")
_NAME = re.compile(r"(?:[-*] )?(`?\*{0,2}[A-Za-z_][\w.\[\]]{0,120}`?(?:, ?`?\*{0,2}[A-Za-z_]\w{0,80}`?){0,10})\s{0,4}(?=[(:])")
_RAISED = re.compile(
    r"(?:[-*] )?(\[`[^`\]]{1,200}`\](?:\([^()\s]{1,300}\))?|`[^`]{1,200}`|[A-Za-z_][\w.]{0,120})\s{0,4}"
    r"(?::|$|(?=if |when |[-\u2014] ))"
)
_ROLE = re.compile(r":(?:class|func|meth|obj|attr|mod|ref|doc|exc|data):`~?([^`]{1,300})`")


@dataclass(frozen=True, slots=True)
class Item:
    """One parameter, attribute or error: its name, what it is (Markdown), what is said about it (Markdown)."""

    name: str
    type: str
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a docstring: text, or a section of items. `kind` is text, parameters, returns, raises, example or note."""

    kind: str
    text: str = ""
    items: tuple[Item, ...] = ()


def parse(docstring: str) -> list[Part]:
    """Cut a docstring into its parts, in order."""
    lines = _ROLE.sub(r"`\1`", inspect.cleandoc(docstring[:LENGTH])).split("\n")
    parts: list[Part] = []
    text: list[str] = []
    at, fence = 0, False
    while at < len(lines):
        line = lines[at]
        fence ^= line.lstrip().startswith("```")
        head = _HEAD.match(line) if not fence and line[:1].isalpha() else None
        kind = head[1].lower() if head else ""
        if kind in _FIELDS or kind in _TEXTS:
            end = _end_of_section(lines, at + 1)
            if any(row.strip() for row in lines[at + 1 : end]):
                parts += _text("text", text)
                parts.append(_section(kind, _dedented(lines[at + 1 : end])))
                text, at = [], end
                continue
        text.append(line)
        at += 1
    return [*parts, *_text("text", text)]


def _end_of_section(lines: list[str], at: int) -> int:
    while at < len(lines) and (not lines[at].strip() or lines[at][0] in " \t"):
        at += 1
    return at


def _dedented(lines: list[str]) -> list[str]:
    return inspect.cleandoc("\n" + "\n".join(lines)).split("\n")


def _text(kind: str, lines: list[str]) -> list[Part]:
    words = _with_fences("\n".join(lines).strip("\n"))
    return [Part(kind, words)] if words.strip() else []


def _section(kind: str, lines: list[str]) -> Part:
    if kind in _TEXTS:
        return Part(_TEXTS[kind], _with_fences("\n".join(lines)))
    name = _FIELDS[kind]
    items = _items(lines, _raised if name == "raises" else _field)
    return Part(name, items=items) if items else Part(name, "\n".join(lines))


def _items(lines: list[str], read: Callable[[str], Item | None]) -> tuple[Item, ...]:
    found: list[tuple[str, str, list[str]]] = []
    for line in lines:
        begun = read(line) if line[:1].strip() else None
        if begun is not None:
            found.append((begun.name, begun.type, [begun.text]))
        elif found:
            found[-1][2].append(line)
        elif line.strip():
            return ()
    return tuple(Item(name, kind, _body(text)) for name, kind, text in found)


def _body(lines: list[str]) -> str:
    first, rest = lines[0].strip(), "\n".join(_dedented(lines[1:])) if len(lines) > 1 else ""
    return _with_fences(f"{first}\n{rest}".strip("\n"))


def _field(line: str) -> Item | None:
    """Read `name (`type`, *optional*, defaults to `f(x)`): text`."""
    found = _NAME.match(line)
    if found is None:
        return None
    name, at, kind = found[1].replace("`", ""), found.end(), ""
    if line[at] == "(":
        end = _closing(line, at)
        kind, at = line[at + 1 : end], end + 1
    rest = line[at:].lstrip()
    if rest and not rest.startswith(":"):
        return None
    return Item(name, kind.strip(), rest.removeprefix(":").strip())


def _raised(line: str) -> Item | None:
    found = _RAISED.match(line)
    if found is None:
        return None
    return Item(found[1].partition("](")[0].strip("[]`~"), found[1], line[found.end() :].strip())


def _closing(line: str, at: int) -> int:
    depth = 0
    for here in range(at, len(line)):
        depth += {"(": 1, ")": -1}.get(line[here], 0)
        if depth == 0:
            return here
    return len(line)


def _with_fences(text: str) -> str:
    """Put interactive examples that stand bare, `>>> f()`, between fences: Markdown would take `>` for a quotation."""
    if ">>>" not in text:
        return text
    lines: list[str] = []
    fenced = opened = False
    for line in text.split("\n"):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        if not fenced and not opened and line.lstrip().startswith(">>>"):
            lines.append("```pycon")
            opened = True
        elif opened and not line.strip():
            lines.append("```")
            opened = False
        lines.append(line)
    return "\n".join([*lines, "```"] if opened else lines)
