"""Search within one site: sections of pages that have all words, by an index that is built when it is first asked."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote as quoted

from tulou.features.docs import library as libraries
from tulou.features.docs.library import Tree
from tulou.features.docs.site import Site
from tulou.fsio import atomic
from tulou.kernel.errors import Busy
from tulou.kernel.limits import CARD_BYTES, DOCS_SECONDS, DOCS_TEXT
from tulou.platform.fulltext.index import Document, FullText
from tulou.platform.fulltext.quote import Part, quote
from tulou.platform.fulltext.words import exact_phrases
from tulou.platform.machinery import Machinery
from tulou.platform.markup.place import ID_PREFIX
from tulou.wire.doc_sections import sections

QUERY_CHARS = 200
WORDS = 12
HITS = 60
VERSION = 1
KEPT_DAYS = 30
_SHOWN = 20_000
_KIND = "section"
_CUT = "\x1f"
_BEGINS = {"name": 3.0, "text": 0.4}


@dataclass(frozen=True, slots=True)
class Found:
    """A section that was found: the title of its page, its own, where it is, and the place that has the words."""

    page: str
    title: str
    url: str
    quote: list[Part]


@dataclass(frozen=True, slots=True)
class Answer:
    """The best sections. `is_ready` is False while somebody else builds the index."""

    items: list[Found]
    is_ready: bool


def find(m: Machinery, opened: Site, tree: Tree, query: str) -> Answer:
    """Return the sections of a site that have every word; Chinese exactly as written, words by their beginnings too."""
    phrases = exact_phrases(query[:QUERY_CHARS], WORDS)
    if not phrases:
        return Answer([], is_ready=True)
    folder = _root(m) / hashlib.sha256(f"{opened.library.key} {tree.language}".encode()).hexdigest()[:32]
    index = FullText(folder, _BEGINS)
    if not index.is_complete:
        try:
            index.rebuild(_documents(opened, tree))
        except Busy:
            return Answer([], is_ready=False)
    os.utime(folder)
    base = f"{opened.base}/{tree.language}"
    found = []
    for hit in index.search(phrases, kinds=[_KIND], access=None, limit=HITS):
        local, anchor, title, page, _number = hit.id.split(_CUT)
        place = f"#{ID_PREFIX}{quoted(anchor, safe='-_.~')}" if anchor else ""
        found.append(Found(page, title or page, f"{base}/{quoted(local)}{place}", quote(hit.shown, phrases)))
    return Answer(found, is_ready=True)


def sweep(m: Machinery) -> None:
    """Delete indexes that nobody asked for a month."""
    oldest = m.clock.now() / 1000 - KEPT_DAYS * 86_400
    for folder in _root(m).parent.glob("search-*/*"):
        if folder.stat().st_mtime < oldest or folder.parent != _root(m):
            atomic.remove_tree(folder)


def _root(m: Machinery) -> Path:
    return m.settings.data.resolve() / "cache" / "docs" / f"search-{VERSION}"


def _documents(opened: Site, tree: Tree) -> Iterator[Document]:
    """Yield the sections of every page; of pages without a translation those of the default language."""
    default = opened.library.default
    left, end = DOCS_TEXT, time.monotonic() + DOCS_SECONDS
    for local, path in {**default.pages, **tree.pages}.items():
        content = opened.source.read(path, CARD_BYTES)
        left -= len(content or b"")
        if content is None or left < 0 or time.monotonic() > end:
            continue
        body = libraries.body_of(content)
        parts = sections(body)
        page = tree.title(local) or next((part.title for part in parts if part.title), local)
        for number, part in enumerate(parts):
            fields = (local, part.anchor, part.title[:300], page[:300], str(number))
            id_ = _CUT.join(field.replace(_CUT, " ") for field in fields)  # a heading may have any sign in it
            yield Document(id_, _KIND, "", f"{part.title} {page if part.level < 2 else ''}", "", part.text, part.text[:_SHOWN])
