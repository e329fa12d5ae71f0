"""One page of a site as it is read: under which address, in which language, and where everything that it names is."""

from __future__ import annotations

import builtins
import posixpath
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

from tulou.features.docs import objects as known_objects
from tulou.features.docs.library import Library, Tree
from tulou.features.docs.objects import Objects
from tulou.features.docs.source import Source
from tulou.kernel.limits import PATH_BYTES
from tulou.platform.markup.docs_model import Described
from tulou.platform.markup.place import fragment, is_remote, tidy
from tulou.platform.markup.place import link as place_link

_BUILT_IN = frozenset(dir(builtins))
"""Names that every program knows, such as ValueError: no page describes them."""
_ENDINGS = (".mdx", ".md", ".html")


@dataclass(frozen=True, slots=True)
class Target:
    """What a relative link means: a page of the site, a file of the source, or nothing that is there."""

    kind: Literal["page", "file", "nothing"]
    name: str
    """The page, or the path of the file."""
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A page at an address. `base` is the address of the site at a revision, without the language."""

    library: Library
    source: Source
    objects: Objects | None
    base: str
    tree: Tree
    local: str
    path: str
    """The file that the text comes from: of the default language when there is no translation."""

    @property
    def language(self) -> str:
        """The language of the text."""
        return (self.tree if self.local in self.tree.pages else self.library.default).language

    @property
    def key(self) -> Hashable:
        """What the page is made of, beside its text."""
        return (self.library.key, self.objects.key if self.objects else "", self.base, self.tree.language, self.local)

    def url(self, local: str, anchor: str = "") -> str:
        """Return the address of a page in this language."""
        return f"{self.base}/{self.tree.language}/{quote(local)}{fragment(anchor)}"

    def link(self, url: str) -> str | None:
        """Return where a link leads; None for one that may run something, or to a file that has no page here."""
        return place_link(url, self._inside)

    def _inside(self, url: str) -> str | None:
        target = self.target(url)
        if target.kind == "file":
            return self.source.file_url(target.name)
        return self.url(target.name, target.anchor)

    def target(self, url: str) -> Target:
        """Return what a relative link means."""
        path, _, anchor = url.partition("#")
        path = unquote(path.partition("?")[0])[:PATH_BYTES]
        inside = posixpath.dirname(self.local)
        # First as the file that it may be, then as an address: writers mean either.
        file = self.file_of(url)
        if path.endswith("/"):
            file += "/index"
        local = self._page(file)
        if local is None:
            local = self._named(posixpath.normpath(f"/{inside}/{path}").lstrip("/")) if path else self.local
        if local is not None:
            return Target("page", local, anchor)
        if self.source.exists(file):
            return Target("file", file)
        return Target("nothing", _bare(posixpath.normpath(f"/{inside}/{path}").lstrip("/")) or "index", anchor)

    def image(self, url: str) -> str | None:
        """Return where a picture is; None on another host, which could watch the readers of a page."""
        url = tidy(url)
        if is_remote(url):
            return None
        if url.startswith("/"):
            return url
        return self.source.raw_url(self.file_of(url))

    def file_of(self, url: str) -> str:
        """Return the path in the source of the file that a relative address names. `..` never leads out of it."""
        path = unquote(url.partition("#")[0].partition("?")[0])[:PATH_BYTES]
        return posixpath.normpath(f"/{posixpath.dirname(self.path)}/{path}").lstrip("/")

    def object_url(self, path: str) -> str | None:
        """Return the address of an object; empty when no page describes it, None when there is no such object."""
        if self.objects is None:
            return ""
        found = self.objects.outline.find(path)
        if found is None:
            return "" if path in _BUILT_IN else None
        place = self.objects.place_of(found)
        return self.url(*place) if place else ""

    def describe(self, path: str, members: Sequence[str]) -> Described | None:
        """Return an object with its members."""
        return known_objects.describe(self.objects, self.source, path, members) if self.objects else None

    def action(self, name: Literal["notebook", "source"]) -> str | None:
        """Return the address of the page as a notebook, or of its source."""
        return f"{self.url(self.local)}.ipynb" if name == "notebook" else self.source.file_url(self.path)

    def _page(self, file: str) -> str | None:
        """Return the page that a path in the source means, in this tree or in the one that it falls back to."""
        for tree in (self.tree, self.library.default):
            if file.startswith(f"{tree.folder}/"):
                found = self._named(file.removeprefix(f"{tree.folder}/"))
                if found is not None:
                    return found
        return None

    def _named(self, name: str) -> str | None:
        for local in (name, _bare(name), f"{_bare(name)}/index".lstrip("/")):
            for tree in (self.tree, self.library.default):
                if local in tree.pages:
                    return local
                if local in tree.redirects and tree.redirects[local] in tree.pages:
                    return tree.redirects[local]
        readme = _bare(name).rpartition("/")
        return self._named(f"{readme[0]}{readme[1]}index") if readme[2].lower() == "readme" else None


def _bare(name: str) -> str:
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return name
