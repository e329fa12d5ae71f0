"""Read `.gitattributes` and say which paths belong in large-file storage (`filter=lfs`)."""

from __future__ import annotations

from dataclasses import dataclass

from tulou.kernel.errors import WireError
from tulou.wire.wildmatch import Glob, compile_glob

MAX_BYTES = 64 * 1024
MAX_LINE = 2048
"""Git itself skips longer lines (attr.c, ATTR_MAX_LINE_LENGTH)."""
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", '"': '"', "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Rule:
    """Paths that fit `glob` have this filter; None: the line takes the filter away."""

    glob: Glob
    filter: str | None


@dataclass(frozen=True, slots=True)
class Attributes:
    """The filter rules of one file, in its order."""

    rules: tuple[Rule, ...]

    def is_lfs(self, path: str) -> bool:
        """True when the last rule that fits `path` (relative to the folder of the file) says `filter=lfs`."""
        parts = path.split("/")
        for rule in reversed(self.rules):
            if rule.glob.matches(parts):
                return rule.filter == "lfs"
        return False

    def steps(self, depth: int) -> int:
        """Return how many comparisons a path with `depth` parts may take."""
        return sum(rule.glob.steps(depth) for rule in self.rules)


NO_ATTRIBUTES = Attributes(())


def parse(text: str) -> Attributes:
    """Read the rules about `filter`; other attributes do not concern us. Raises WireError past 64 KiB."""
    if len(text) > MAX_BYTES:
        raise WireError(".gitattributes may have at most 64 KiB.")
    macros: dict[str, str | None] = {}
    rules: list[Rule] = []
    for line in text.split("\n"):
        pattern, attributes = _cut(line.strip(" \t\r"))
        changes = _filters(attributes, macros)
        if not pattern or not changes:
            continue
        if pattern.startswith("[attr]"):
            macros[pattern.removeprefix("[attr]")] = changes[-1]
        elif not pattern.startswith("!") and not pattern.endswith("/"):
            # Git refuses negative patterns here, and a pattern for folders never fits a file.
            anchored = "/" in pattern
            rules.append(Rule(compile_glob(pattern.removeprefix("/"), anywhere=not anchored), changes[-1]))
    return Attributes(tuple(rules))


def _cut(line: str) -> tuple[str, list[str]]:
    if not line or line.startswith("#") or len(line) > MAX_LINE:
        return "", []
    if line.startswith('"'):
        quoted = _unquote(line)
        if quoted is not None:
            return quoted[0], line[quoted[1] :].split()
    pattern, *attributes = line.split()
    return pattern, attributes


def _unquote(line: str) -> tuple[str, int] | None:
    """Read a C-style quoted pattern; returns it and the place after it."""
    letters: list[str] = []
    at = 1
    while at < len(line) and line[at] != '"':
        if line[at] == "\\":
            at += 1
            if line[at : at + 1] not in _ESCAPES:
                return None
            letters.append(_ESCAPES[line[at]])
        else:
            letters.append(line[at])
        at += 1
    return ("".join(letters), at + 1) if at < len(line) else None


def _filters(attributes: list[str], macros: dict[str, str | None]) -> list[str | None]:
    """Return what the attributes of one line set `filter` to, in order; empty when they do not speak of it."""
    found: list[str | None] = []
    for attribute in attributes:
        if attribute.startswith("filter="):
            found.append(attribute.removeprefix("filter="))
        elif attribute in {"filter", "-filter", "!filter"}:
            found.append(None)
        elif attribute in macros:
            found.append(macros[attribute])
    return found


def lfs_line(path: str) -> str:
    """Return a line that sends one path to large-file storage, with everything special in it escaped."""
    escaped = "".join(f"\\{c}" if c in "\\*?[" else c for c in path).replace(" ", "[[:space:]]")
    if escaped[0] in "#!":
        escaped = "\\" + escaped
    # A pattern that begins with a quote would be read as a quoted one; `?` stands for the quote instead.
    return f"{escaped.replace(chr(34), '?')} filter=lfs diff=lfs merge=lfs -text"
