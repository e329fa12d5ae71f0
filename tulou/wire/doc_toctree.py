"""Read `_toctree.yml`, the table of contents of a documentation tree, and `_redirects.yml` beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tulou.kernel.errors import InvalidPath, WireError
from tulou.kernel.names import parse_path
from tulou.wire import frontmatter
from tulou.wire.frontmatter import Json

DEPTH = 6
TITLE = 200
REDIRECTS = 2_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the contents: a page, a group of pages, or both. `local` is the path of the page without its ending."""

    title: str
    local: str | None
    below: tuple[Entry, ...] = ()
    is_expanded: bool = False
    """Its author wants it open from the start."""

    def pages(self) -> Iterator[Entry]:
        """Yield the entries with a page, in reading order."""
        if self.local is not None:
            yield self
        for entry in self.below:
            yield from entry.pages()

    def holds(self, local: str) -> bool:
        """Say whether a page is here or below."""
        return any(entry.local == local for entry in self.pages())


def parse(text: str) -> tuple[Entry, ...]:
    """Read a `_toctree.yml`. Raises WireError when it is not a list of entries; entries without a meaning are left out."""
    value = frontmatter.parse(text)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise WireError("A table of contents is a list of entries.")
    return _entries(value, DEPTH)


def redirects(text: str) -> dict[str, str]:
    """Read a `_redirects.yml`: old page to new page. Raises WireError."""
    value = frontmatter.parse(text)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise WireError("Redirects are `old: new` lines.")
    pairs = ((_local(old), new) for old, new in list(value.items())[:REDIRECTS])
    return {old: new.strip("/") for old, new in pairs if old is not None and isinstance(new, str)}


def _entries(value: Json, depth: int) -> tuple[Entry, ...]:
    items = value if isinstance(value, list) and depth > 0 else []
    return tuple(found for item in items if isinstance(item, dict) and (found := _entry(item, depth)) is not None)


def _entry(item: dict[str, Json], depth: int) -> Entry | None:
    local = _local(item.get("local"))
    below = _entries(item.get("sections"), depth - 1)
    title = item.get("title")
    words = str(title).strip()[:TITLE] if isinstance(title, str | int | float) else ""
    if local is None and not below:
        return None
    return Entry(words or (local or "").rpartition("/")[2], local, below, item.get("isExpanded") is True)


def _local(value: Json) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return parse_path(value.strip("/"))
    except InvalidPath:
        return None
