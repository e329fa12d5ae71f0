"""Read a Dockerfile into instructions with the numbers of their lines, and the words of those."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from tulou.kernel.errors import WireError

MAX_BYTES = 64 * 1024
MAX_INSTRUCTIONS = 200
_INSTRUCTION = re.compile(r"[ \t]*([A-Za-z]+)(?:[ \t]+(.*))?", re.DOTALL)
_FLAG = re.compile(r"--([a-z][a-z-]*)(?:=(\S*))?(?:\s+|$)")
_VARIABLE = re.compile(r"\\\$|\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+])([^{}$]*))?\})")
_PAIR = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)=")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: `RUN`, its flags (`--mount=…`), what follows them, and the line where it begins."""

    line: int
    name: str
    flags: tuple[tuple[str, str], ...]
    value: str


def parse(text: str) -> list[Instruction]:
    """Return the instructions of a Dockerfile. Raises WireError, which names the line."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise WireError(f"The Dockerfile may have at most {MAX_BYTES // 1024} KiB.")
    if "\0" in text:
        raise WireError("The Dockerfile has a NUL character.")
    found = [_instruction(line, joined) for line, joined in _logical_lines(text)]
    if len(found) > MAX_INSTRUCTIONS:
        raise WireError(f"The Dockerfile may have at most {MAX_INSTRUCTIONS} instructions.")
    return found


def words(instruction: Instruction) -> list[str] | None:
    """Return the words of the form `["a", "b"]`; None when the value is a line for a shell. Raises WireError."""
    if not instruction.value.startswith("["):
        return None
    try:
        value = json.loads(instruction.value)
    except (ValueError, RecursionError):
        return None  # as Docker does: then it is a line that begins with a bracket
    if not isinstance(value, list) or not all(isinstance(word, str) and "\0" not in word for word in value):
        raise WireError(f"Dockerfile line {instruction.line}: the list must have words in double quotes.")
    return value


def split(instruction: Instruction) -> list[str]:
    """Return the words of a value that may have quotes. Raises WireError."""
    try:
        return shlex.split(instruction.value)
    except ValueError as cause:
        raise WireError(f"Dockerfile line {instruction.line}: a quote is not closed.") from cause


def pairs(instruction: Instruction) -> list[tuple[str, str]]:
    """Return the `key=value` pairs of ENV or LABEL, or the one of the old form `key value`. Raises WireError."""
    value = instruction.value
    if not _PAIR.match(value):
        key, _, rest = value.partition(" ")
        if not key or not rest.strip():
            raise WireError(f"Dockerfile line {instruction.line}: {instruction.name} needs key=value.")
        return [(key, rest.strip())]
    found: list[tuple[str, str]] = []
    for word in split(instruction):
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise WireError(f"Dockerfile line {instruction.line}: {instruction.name} needs key=value.")
        found.append((key, text))
    return found


def expand(text: str, known: Mapping[str, str]) -> str:
    r"""Put values in the place of `$name`, `${name}`, `${name:-default}` and `${name:+other}`; `\$` stays a dollar.

    Raises WireError when that makes it too long: values that double themselves are huge within few lines.
    """
    left = MAX_BYTES

    def bounded(match: re.Match[str]) -> str:
        nonlocal left
        found = value(match)
        left -= len(found)
        if left < 0:
            raise WireError(f"The values in the Dockerfile may have at most {MAX_BYTES // 1024} KiB.")
        return found

    def value(match: re.Match[str]) -> str:
        if match[0] == "\\$":
            return "$"
        name, how, other = match[1] or match[2], match[3], match[4]
        found = known.get(name)
        is_set = bool(found) if how and how.startswith(":") else found is not None
        if how and how.endswith("-"):
            return found or "" if is_set else other
        if how:
            return other if is_set else ""
        return found or ""

    return _VARIABLE.sub(bounded, text)


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Join lines that end with a backslash; leave out comments, also those between them."""
    found: list[tuple[int, str]] = []
    joined, start = "", 0
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if number == 1 and re.match(r"#\s*escape\s*=\s*[^\\\s]", line, re.IGNORECASE):
            raise WireError("Dockerfile line 1: only the backslash continues a line here.")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        start = start or number
        if line.rstrip().endswith("\\"):
            joined += line.rstrip()[:-1] + " "
            continue
        found.append((start, joined + line))
        joined, start = "", 0
    if joined.strip():
        found.append((start, joined))
    return found


def _instruction(line: int, text: str) -> Instruction:
    match = _INSTRUCTION.fullmatch(text.strip())
    if match is None:
        raise WireError(f"Dockerfile line {line}: this is no instruction.")
    value, flags = (match[2] or "").strip(), []
    while (flag := _FLAG.match(value)) is not None:
        flags.append((flag[1], flag[2] or ""))
        value = value[flag.end() :]
    return Instruction(line, match[1].upper(), tuple(flags), value.strip())
