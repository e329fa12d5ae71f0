"""Make pages out of texts within bounds: so much text, so much time, so many at once, each text only once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TypeVar, cast

from tulou.kernel.errors import Busy
from tulou.kernel.limits import CARD_BYTES, MIB
from tulou.platform.git.objects import Lru
from tulou.platform.markup import docs_page, highlight, markdown, sanitize
from tulou.platform.markup.budget import Budget, Overdue
from tulou.platform.markup.docs_model import Page, Site
from tulou.platform.markup.place import Place

SECONDS = 1.0
MAX_TAGS = 20_000
"""More `<` than this are no text: the parser of the sanitiser takes the square of their number when they nest."""
AT_ONCE = 2
WAIT_SECONDS = 10
KEPT = 24 * MIB
SHELF = 64 * MIB

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Prose:
    """A text as safe HTML. `is_plain`: it was too long or too slow to lay out, and is shown as it is."""

    html: str
    is_plain: bool


class Markup:
    """Lays out texts, and remembers what it made by the name of the content."""

    def __init__(self) -> None:
        self._prose: Lru[Hashable, Prose] = Lru(KEPT)
        self._code: Lru[Hashable, list[str]] = Lru(KEPT)
        self._docs: Lru[Hashable, Page] = Lru(KEPT)
        self._shelf: Lru[Hashable, object] = Lru(SHELF)
        # Python runs one of them at a time anyway; more at once would only make everybody else wait.
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    def prose(self, text: str, place: Place, *, key: Hashable) -> Prose:
        """Return Markdown as HTML. `key` names the text, such as a blob id. Raises Busy."""
        known = self._prose.get((key, place))
        if known is None:
            with self._turn():
                known = _prose(text, place)
            self._prose.put((key, place), known, len(known.html) + 200)
        return known

    def code(self, text: str, path: str, *, key: Hashable) -> list[str]:
        """Return the lines of a file as HTML, coloured where its name tells a language. Raises Busy."""
        language = highlight.language_of(path)
        known = self._code.get((key, language))
        if known is None:
            with self._turn():
                known = _code(text, language)
            self._code.put((key, language), known, sum(map(len, known)) + 60 * len(known) + 200)
        return known

    def docs(self, text: str, site: Site, *, key: Hashable) -> Page:
        """Return a page of documentation. `key` names the text and its place in the site. Raises Busy."""
        known = self._docs.get((key, site.key))
        if known is None:
            with self._turn():
                known = docs_page.lay_out(text, site)
            self._docs.put((key, site.key), known, len(known.html) + 2_000)
        return known

    def kept(self, key: Hashable, make: Callable[[], T], weight: Callable[[T], int]) -> T:
        """Return what was made once of an immutable content that `key` names, such as the contents of a commit's site."""
        known = self._shelf.get(key)
        if known is not None:
            return cast("T", known)
        made = make()
        self._shelf.put(key, made, weight(made))
        return made

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=WAIT_SECONDS):
            raise Busy
        try:
            yield
        finally:
            self._turns.release()


def _prose(text: str, place: Place) -> Prose:
    if len(text) > CARD_BYTES or text.count("<") > MAX_TAGS:
        return _plain(text[:CARD_BYTES])
    try:
        return Prose(sanitize.clean(markdown.to_html(text, Budget(SECONDS)), place), is_plain=False)
    except (Overdue, RecursionError):
        return _plain(text)


def _plain(text: str) -> Prose:
    return Prose(f'<pre tabindex="0">{escape(text)}</pre>', is_plain=True)


def _code(text: str, language: str | None) -> list[str]:
    try:
        return highlight.lines(text, language, Budget(SECONDS))
    except Overdue:
        return highlight.lines(text, None, Budget(SECONDS))
