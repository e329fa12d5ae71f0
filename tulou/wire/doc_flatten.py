"""Rewrite a page of documentation as plain Markdown, for programs and people who read its source."""

from __future__ import annotations

import re

from tulou.wire import doc_tags
from tulou.wire.doc_sections import outside_code, split_anchor

_OBJECT = re.compile(r"\[`([~!]?)([A-Za-z_][\w.]{0,300})((?:\(\))?)`\](?![(\[])")
_AUTODOC = re.compile(r"\[\[autodoc\]\][ \t]{1,20}([\w.]{1,300})[ \t]{0,20}$")
_TITLES = {
    "Tip": "Tip", "pt": "PyTorch", "tf": "TensorFlow", "flax": "Flax", "jax": "JAX", "python": "Python", "js": "JavaScript",
    "curl": "cURL", "rust": "Rust", "node": "Node", "Added": "Added", "Changed": "Changed", "Deprecated": "Deprecated",
}  # fmt: skip
_CARDS = {"HubModel": "", "HubDataset": "datasets/", "HubSpace": "spaces/"}


def flatten(text: str) -> str:
    """Return the Markdown with components written out as text. Code stays as it is."""
    lines = list(outside_code(text))
    found: list[str] = []
    at = 0
    while at < len(lines):
        line, is_prose = lines[at]
        stripped = line.lstrip()
        if not is_prose:
            found.append(line)
        elif doc_tags.begins(stripped):
            taken, words = _component([row for row, _ in lines[at : at + doc_tags.TAG_LINES]])
            found += words
            at += taken
            continue
        elif doc_tags.closes(stripped) is None:
            found.append(_line(line))
        at += 1
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(found)).strip("\n") + "\n"


def _component(lines: list[str]) -> tuple[int, list[str]]:
    """Return how many lines the opening tag takes, and what stands for it."""
    found = doc_tags.read([lines[0].lstrip(), *lines[1:]])
    if found is None:
        return 1, [lines[0]]
    tag, taken, after = found
    name, attributes = tag.name, tag.attributes
    rest = re.sub(rf"</{name}\s{{0,20}}>\s{{0,200}}$", "", after).strip()
    words = [_line(rest)] if rest else []
    if name in _CARDS and attributes.get("id"):
        return taken, [f"[{attributes['id']}](/{_CARDS[name]}{attributes['id']})", *words]
    if name == "Youtube" and attributes.get("id"):
        return taken, [f"https://www.youtube.com/watch?v={attributes['id']}", *words]
    title = attributes.get("id", "") if name == "hfoption" else _TITLES.get(name, "")
    version = f" in version {attributes['version']}" if attributes.get("version") and title else ""
    return taken, [f"**{title}{version}**", "", *words] if title else words


def _line(line: str) -> str:
    if line.startswith("#"):
        line = split_anchor(line)[0]
    found = _AUTODOC.match(line.strip())
    if found:
        return f"`{found[1]}`"
    return _OBJECT.sub(_name, line.replace("[[open-in-colab]]", ""))


def _name(found: re.Match[str]) -> str:
    path = found[2].rpartition(".")[2] if found[1] else found[2]
    return f"`{path}{found[3]}`"
