"""Match file paths against git's wildcard patterns, in time that never exceeds pattern length times path length.

Regular expressions made from such patterns (as libraries do) backtrack: `*a*a*a*a*a*b` takes minutes on a long name.
The rules are those of git's wildmatch.c with WM_PATHNAME.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_POSIX = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": r" \t",
    "digit": "0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "xdigit": "0-9A-Fa-f",
    "cntrl": r"\x00-\x1f\x7f",
    "graph": "!-~",
    "print": " -~",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """What stands between two stars: it always matches the same number of characters, so nothing backtracks."""

    regex: re.Pattern[str]
    length: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a pattern between slashes, cut at its stars. None instead of pieces matches nothing."""

    pieces: tuple[Piece, ...] | None

    def matches(self, name: str) -> bool:
        """True when the whole of `name` fits."""
        if self.pieces is None:
            return False
        first, *rest = self.pieces
        if not rest:
            return first.regex.fullmatch(name) is not None
        hit = first.regex.match(name)
        for piece in rest[:-1]:
            hit = piece.regex.search(name, hit.end()) if hit else None
        last = rest[-1]
        tail = len(name) - last.length
        return hit is not None and tail >= hit.end() and last.regex.fullmatch(name, tail) is not None


@dataclass(frozen=True, slots=True)
class Glob:
    """A compiled pattern. None among the segments is `**`: any number of folders."""

    segments: tuple[Segment | None, ...]

    def matches(self, parts: Sequence[str]) -> bool:
        """True when the whole path fits; `parts` is the path split at its slashes."""
        if self._is_name and self.segments[1] is not None:
            return self.segments[1].matches(parts[-1])
        star, resume, at, here = -1, 0, 0, 0
        while here < len(parts):
            segment = self.segments[at] if at < len(self.segments) else _NOTHING
            if segment is None:
                star, resume, at = at, here, at + 1
            elif segment.matches(parts[here]):
                at, here = at + 1, here + 1
            elif star >= 0:
                resume += 1
                at, here = star + 1, resume
            else:
                return False
        return all(segment is None for segment in self.segments[at:])

    def steps(self, depth: int) -> int:
        """Return how many parts of a path with `depth` parts are compared at most."""
        if self._is_name:
            return 1
        return len(self.segments) * (depth if None in self.segments else 1)

    @property
    def _is_name(self) -> bool:
        """True for a pattern about the last part alone, as most are."""
        return len(self.segments) == 2 and self.segments[0] is None


def compile_glob(pattern: str, *, anywhere: bool) -> Glob:
    """Compile a pattern that neither begins nor ends with a slash. `anywhere`: it may match below any folder."""
    segments: list[Segment | None] = [None] if anywhere else []
    for text in _ESCAPED.sub(lambda pair: "/" if pair[1] == "/" else pair[0], pattern).split("/"):
        if text != "**":
            segments.append(_segment(text))
        elif not segments or segments[-1] is not None:
            segments.append(None)
    if segments[-1] is None:
        # A trailing `**` means what is inside the folder, not the folder.
        segments.append(_segment("*"))
    return Glob(tuple(segments))


def _segment(text: str) -> Segment:
    pieces: list[Piece] = []
    items: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "*":
            pieces.append(_piece(items))
            items = []
            at += 1
            continue
        read = _item(text, at)
        if read is None:
            return _NOTHING
        item, at = read
        items.append(item)
    return Segment((*pieces, _piece(items)))


def _piece(items: list[str]) -> Piece:
    return Piece(re.compile("".join(items), re.DOTALL), len(items))


def _item(text: str, at: int) -> tuple[str, int] | None:
    """Read what matches one character. Returns its regular expression and the place after it; None if it is broken."""
    letter = text[at]
    if letter == "?":
        return ".", at + 1
    if letter == "[":
        return _bracket(text, at + 1)
    if letter == "\\":
        return (re.escape(text[at + 1]), at + 2) if at + 1 < len(text) else None
    return re.escape(letter), at + 1


def _bracket(text: str, at: int) -> tuple[str, int] | None:
    negated = text[at : at + 1] in {"!", "^"} and text[at : at + 1] != ""
    at += negated
    start = at
    members: list[str] = []
    while at < len(text) and (text[at] != "]" or at == start):
        posix = re.compile(r"\[:([a-z]*):\]").match(text, at)
        if posix:
            if posix[1] not in _POSIX:
                return None
            members.append(_POSIX[posix[1]])
            at = posix.end()
            continue
        low, at = _literal(text, at)
        high = low
        if text[at : at + 1] == "-" and text[at + 1 : at + 2] not in {"]", ""}:
            high, at = _literal(text, at + 1)
        if low <= high:
            members.append(f"{re.escape(low)}-{re.escape(high)}")
    if at >= len(text):
        return None
    if not members:
        return ("." if negated else "(?!)."), at + 1
    return f"[{'^' if negated else ''}{''.join(members)}]", at + 1


def _literal(text: str, at: int) -> tuple[str, int]:
    if text[at] == "\\" and at + 1 < len(text):
        at += 1
    return text[at], at + 1


_NOTHING = Segment(None)
