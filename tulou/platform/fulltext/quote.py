"""Quote the place of a text where it has the words that were searched for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tulou.platform.fulltext.words import is_cjk

BEFORE, AFTER = 60, 180


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a quotation."""

    text: str
    is_hit: bool


def quote(text: str, phrases: Sequence[tuple[str, ...]]) -> list[Part]:
    """Return the text around the first word that was searched for, in pieces; the beginning if there is none."""
    pattern = _pattern(phrases)
    first = pattern.search(text) if pattern else None
    start = max(0, first.start() - BEFORE) if first else 0
    if start:
        space = text.find(" ", start, first.start() if first else start)
        start = space + 1 if space >= 0 else start
    piece = text[start : start + BEFORE + AFTER]
    parts = [Part("… ", is_hit=False)] if start else []
    at = 0
    for begin, end in _spans(pattern, piece):
        parts += [Part(piece[at:begin], is_hit=False), Part(piece[begin:end], is_hit=True)]
        at = end
    parts.append(Part(piece[at:] + (" …" if start + len(piece) < len(text) else ""), is_hit=False))
    return [part for part in parts if part.text]


def _spans(pattern: re.Pattern[str] | None, text: str) -> list[tuple[int, int]]:
    """Return where hits begin and end; those that touch are one."""
    found: list[tuple[int, int]] = []
    for match in pattern.finditer(text) if pattern else ():
        if found and found[-1][1] == match.start():
            found[-1] = (found[-1][0], match.end())
        else:
            found.append(match.span())
    return found


def _pattern(phrases: Sequence[tuple[str, ...]]) -> re.Pattern[str] | None:
    # Letters only as words begin, so that `art` does not light up in `start`.
    words = ["".join(phrase) for phrase in phrases]
    found = [re.escape(word) if is_cjk(word[0]) else rf"\b{re.escape(word)}" for word in sorted(words, key=len, reverse=True)]
    return re.compile("|".join(found), re.IGNORECASE) if found else None
