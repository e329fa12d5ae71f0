"""Cut the Markdown of a page at its headings: for the search, for anchors, for tables of contents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"[ >]{0,12}(`{3,}|~{3,})")
_CUSTOM = re.compile(r"[ \t]{0,20}\[\[([\w.-]{1,200})\]\][ \t]{0,20}$")
_NOT_IN_SLUG = re.compile(r"[^\w\- ]")
_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\([^()\s]{0,500}\)")
_SIGNS = re.compile(r"[`*~]|<[^<>]{0,200}>")
_NOISE = re.compile(
    r"<!--.{0,1000}?-->|<[^<>]{1,2000}>|^[ \t]{0,12}(?:[-*+]|\d{1,3}\.)[ \t]|^[ \t]{0,12}(?:>[ \t]?){1,9}|\[![A-Za-z]{3,9}\]|"
    r"^[ \t]{0,12}(?:`{3,9}|~{3,9})[^\n]{0,200}$|[-=]{3,}|[`*|~]|\[\[[^\[\]]{0,200}\]\]",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading; what stands before the first has level 0, no title and no anchor."""

    level: int
    title: str
    anchor: str
    text: str


class Anchors:
    """Gives headings their anchors: the chosen one, or one made of the words; a second one of the same name is numbered."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}

    def of(self, words: str, chosen: str | None) -> str:
        """Return the anchor of the next heading."""
        slug = chosen or _NOT_IN_SLUG.sub("", words.strip().lower()).replace(" ", "-")[:100] or "section"
        count = self._used[slug] = self._used.get(slug, -1) + 1
        return f"{slug}-{count}" if count else slug


def split_anchor(title: str) -> tuple[str, str | None]:
    """Cut `Use it[[use]]` into the words and the chosen anchor."""
    found = _CUSTOM.search(title[-300:])
    return (title[: len(title) - len(found[0])].rstrip(), found[1]) if found else (title, None)


def plain_title(title: str) -> str:
    """Return a heading without the signs of Markdown."""
    return _SIGNS.sub("", _LINK.sub(r"\1", title)).strip()


def outside_code(text: str) -> Iterator[tuple[str, bool]]:
    """Yield every line, and whether it stands outside of code fences."""
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if found and not fence:
            fence = found[1]
            yield line, False
        elif found and found[1].startswith(fence) and not line[found.end() :].strip():
            fence = ""
            yield line, False
        else:
            yield line, not fence


def heading(line: str) -> tuple[int, str] | None:
    """Return the level and the words of a heading, or None for another line."""
    rest = line.lstrip(" ")
    words = rest.lstrip("#")
    level = len(rest) - len(words)
    if len(line) - len(rest) > 3 or not 1 <= level <= 6 or (words and words[0] not in " \t"):
        return None
    words = words.strip()
    bare = words.rstrip("#")
    return level, (bare.rstrip() if not bare or bare[-1] in " \t" else words)


def sections(text: str) -> list[Section]:
    """Return the sections of a page in order."""
    anchors = Anchors()
    found = [Section(0, "", "", "")]
    lines: list[str] = []
    for line, is_prose in outside_code(text):
        begun = heading(line) if is_prose else None
        if begun is None:
            lines.append(line)
            continue
        found[-1] = _with(found[-1], lines)
        lines = []
        words, chosen = split_anchor(begun[1])
        title = plain_title(words)
        found.append(Section(begun[0], title, anchors.of(title, chosen), ""))
    found[-1] = _with(found[-1], lines)
    return [section for section in found if section.title or section.text]


def title_of(text: str) -> str:
    """Return the first heading of a page, or nothing."""
    for line, is_prose in outside_code(text[:20_000]):
        begun = heading(line) if is_prose else None
        if begun and begun[1]:
            return plain_title(split_anchor(begun[1])[0])
    return ""


def plain(text: str) -> str:
    """Return text without the signs of Markdown and tags, on one line."""
    return " ".join(_NOISE.sub(" ", _LINK.sub(r"\1", text)).split())


def _with(section: Section, lines: list[str]) -> Section:
    return Section(section.level, section.title, section.anchor, plain("\n".join(lines)))
