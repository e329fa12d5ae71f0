"""Check a site: contents without a page, links, anchors, pictures and objects that lead nowhere. Kept for each content."""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import orjson

from tulou.features.docs import library as libraries
from tulou.features.docs import objects
from tulou.features.docs.library import Tree
from tulou.features.docs.objects import Objects
from tulou.features.docs.site import Site
from tulou.features.docs.view import View
from tulou.fsio import atomic
from tulou.kernel.limits import CARD_BYTES, DOCS_PROBLEMS, DOCS_SECONDS, DOCS_TEXT
from tulou.platform.machinery import Machinery
from tulou.platform.markup.place import is_absolute, scheme, tidy

VERSION = 1
_ID = re.compile(r' (?:id|name)="u-([^"]{1,300})"')
_IMAGE = re.compile(
    r"!\[[^\[\]]{0,300}\]\(\s{0,5}<?([^()\s<>]{1,500})|<img\s[^<>]{0,500}?src\s?=\s?[\"']([^\"'<>]{1,500})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that leads nowhere, and the page that names it. An empty page: the contents."""

    language: str
    page: str
    what: str
    name: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. `is_cut`: there is more, or pages too large to look at."""

    pages: int
    findings: list[Finding]
    is_cut: bool


def report(m: Machinery, opened: Site) -> Report:
    """Return the report of a site, checking it when nobody did. Raises Busy.

    # 1 checked   2 kept file.   Crash between: it is checked once more.
    """
    packages = objects.of(m, opened.source, opened.library)
    kept = _file(m, opened, packages)
    try:
        value = orjson.loads(kept.read_bytes())
        return Report(value["pages"], [Finding(**row) for row in value["findings"]], value["is_cut"])
    except (FileNotFoundError, orjson.JSONDecodeError):
        pass  # not checked yet, or cut short by a full disk
    made = _check(m, opened, packages)
    kept.parent.mkdir(parents=True, exist_ok=True)
    atomic.replace_cached(kept, orjson.dumps(asdict(made)))
    return made


def known(m: Machinery, opened: Site) -> Report | None:
    """Return the report of a site if it was checked already."""
    kept = _file(m, opened, objects.of(m, opened.source, opened.library))
    return report(m, opened) if kept.exists() else None


def sweep(m: Machinery, days: int = 30) -> None:
    """Delete reports and outlines of contents that nobody looked at for a while."""
    oldest = m.clock.now() / 1000 - days * 86_400
    for kept in [*_root(m).parent.glob("check-*/*.json"), *_root(m).parent.glob("outline-*/*.json")]:
        if kept.stat().st_mtime < oldest:
            atomic.remove(kept)


def _file(m: Machinery, opened: Site, packages: Objects | None) -> Path:
    key = f"{opened.library.key}-{packages.key if packages else 'none'}"
    return _root(m) / f"{key[:200]}.json"


def _root(m: Machinery) -> Path:
    return m.settings.data.resolve() / "cache" / "docs" / f"check-{VERSION}"


def _check(m: Machinery, opened: Site, packages: Objects | None) -> Report:
    checker = _Checker(m, opened, packages)
    for tree in opened.library.trees.values():
        checker.contents(tree)
        checker.pages(tree)
    checker.links()
    found = list(dict.fromkeys(checker.findings))
    return Report(checker.count, found[:DOCS_PROBLEMS], checker.is_cut or len(found) > DOCS_PROBLEMS)


class _Checker:
    """Lays out every page first: only then are all anchors known."""

    def __init__(self, m: Machinery, opened: Site, packages: Objects | None) -> None:
        self._m = m
        self._site = opened
        self._packages = packages
        self._anchors: dict[str, frozenset[str]] = {}
        self._named: list[tuple[View, tuple[str, ...]]] = []
        self._left = DOCS_TEXT
        self._end = time.monotonic() + DOCS_SECONDS
        self.findings: list[Finding] = []
        self.count = 0
        self.is_cut = False

    def contents(self, tree: Tree) -> None:
        """Look for lines of the contents without a page."""
        if tree.problem:
            self._note(tree, "", "contents", tree.problem)
        for entry in tree.order:
            if entry.local not in tree.pages:
                self._note(tree, "", "contents", entry.local or "")

    def pages(self, tree: Tree) -> None:
        """Look at every page of a language."""
        for local, path in tree.pages.items():
            content = self._site.source.read(path, CARD_BYTES)
            self._left -= len(content or b"")
            if content is None or self._left < 0 or len(self.findings) > DOCS_PROBLEMS or time.monotonic() > self._end:
                self.is_cut = True
                continue
            self.count += 1
            body = libraries.body_of(content)
            view = View(self._site.library, self._site.source, self._packages, self._site.base, tree, local, path)
            page = self._m.markup.docs(body, view, key=path)
            self._anchors[path] = frozenset({*map(unescape, _ID.findall(page.html)), page.anchor})
            self._named.append((view, page.links))
            for problem in page.problems:
                self._note(tree, local, problem.what, problem.name)
            for found in _IMAGE.finditer(body):
                self._image(view, found[1] or found[2])

    def links(self) -> None:
        """Follow the links of the pages that were looked at."""
        for view, urls in self._named:
            for url in map(tidy, urls):
                if scheme(url) is None and not is_absolute(url):
                    self._link(view, url)

    def _link(self, view: View, url: str) -> None:
        target = view.target(url)
        if target.kind == "nothing":
            self._note(view.tree, view.local, "link", url)
        if target.kind != "page" or not target.anchor:
            return
        path = view.tree.pages.get(target.name) or self._site.library.default.pages[target.name]
        if path in self._anchors and not {target.anchor, unquote(target.anchor)} & self._anchors[path]:
            self._note(view.tree, view.local, "anchor", url)

    def _image(self, view: View, url: str) -> None:
        url = tidy(url)
        if scheme(url) is None and not is_absolute(url) and not self._site.source.exists(view.file_of(url)):
            self._note(view.tree, view.local, "image", url)

    def _note(self, tree: Tree, local: str, what: str, name: str) -> None:
        shown = "".join(letter if letter.isprintable() else "�" for letter in name[:300])
        self.findings.append(Finding(tree.language, local, what, shown))
