"""The documentation of one content of `docs`: its languages, their contents and pages. Made once, kept by that content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tulou.features.docs.source import Source
from tulou.kernel.errors import EntryNotFound, WireError
from tulou.kernel.limits import CARD_BYTES, DOCS_PAGES, DOCS_TEXT, FRONT_MATTER
from tulou.platform.machinery import Machinery
from tulou.wire import doc_layout, doc_toctree, frontmatter
from tulou.wire.doc_layout import Layout
from tulou.wire.doc_sections import title_of
from tulou.wire.doc_toctree import Entry

_HOME = ("index", "README", "readme")


@dataclass(frozen=True, slots=True)
class Tree:
    """The pages of one language. `pages`: name → path of the file, `problem`: why the contents could not be read."""

    language: str
    folder: str
    contents: tuple[Entry, ...]
    pages: dict[str, str]
    redirects: dict[str, str] = field(default_factory=dict)
    problem: str | None = None

    @property
    def order(self) -> list[Entry]:
        """The pages in reading order."""
        return [entry for top in self.contents for entry in top.pages()]

    @property
    def home(self) -> str | None:
        """The page that one begins with."""
        first = next((entry.local for entry in self.order if entry.local in self.pages), None)
        return next((name for name in _HOME if name in self.pages), first or next(iter(sorted(self.pages)), None))

    def title(self, local: str) -> str | None:
        """Return the title of a page in the contents."""
        return next((entry.title for entry in self.order if entry.local == local), None)


@dataclass(frozen=True, slots=True)
class Library:
    """The whole documentation of a source."""

    key: str
    layout: Layout
    files: dict[str, str]
    """Every file below `docs` and what names its content."""
    trees: dict[str, Tree]

    @property
    def default(self) -> Tree:
        """The tree that others fall back to."""
        return self.trees[self.layout.default]

    def tree(self, language: str) -> Tree:
        """Return the tree of a language. Raises EntryNotFound."""
        found = self.trees.get(language)
        if found is None:
            raise EntryNotFound("There is no documentation in that language.")
        return found


def of(m: Machinery, source: Source) -> Library:
    """Return the documentation of a source. Raises EntryNotFound when it has none."""
    found = m.markup.kept(("library", source.key), lambda: _read(source) or "none", _weight)
    if isinstance(found, str):
        raise EntryNotFound("There is no documentation in this repository at this revision.")
    return found


def texts(source: Source, tree: Tree) -> Iterator[tuple[str, str]]:
    """Yield (page, Markdown) of the pages of a tree that can be read."""
    left = DOCS_TEXT
    for local, path in tree.pages.items():
        content = source.read(path, CARD_BYTES)
        left -= len(content or b"")
        if content is not None and left > 0:
            yield local, body_of(content)


def body_of(content: bytes) -> str:
    """Return the Markdown of a page, without front matter."""
    return frontmatter.split(content.decode("utf-8", "replace").removeprefix("\ufeff")).body


def _weight(found: Library | str) -> int:
    return 200 if isinstance(found, str) else 300 * len(found.files) + 2_000


def _read(source: Source) -> Library | None:
    files = source.paths()
    layout = doc_layout.find(files)
    if layout is None:
        return None
    trees = {language: _tree(source, layout, files, language) for language in layout.folders}
    return Library(source.key, layout, files, trees)


def _tree(source: Source, layout: Layout, files: dict[str, str], language: str) -> Tree:
    folder = layout.folders[language]
    others = tuple(f"{other}/" for other in layout.folders.values() if other.startswith(f"{folder}/"))
    inside = [path for path in sorted(files) if path.startswith(f"{folder}/") and not path.startswith(others)]
    # Of `a.md` and `a.mdx` the first one is the page.
    pages: dict[str, str] = {}
    for path in filter(doc_layout.is_page, inside):
        pages.setdefault(doc_layout.local_of(path, folder), path)
        if len(pages) >= DOCS_PAGES:
            break
    if not layout.has_contents:
        return Tree(language, folder, _listed(source, pages), pages)
    try:
        contents = doc_toctree.parse(_text(source, f"{folder}/{doc_layout.CONTENTS}")) or _listed(source, pages)
        redirects = doc_toctree.redirects(_text(source, f"{folder}/_redirects.yml"))
    except WireError as problem:
        return Tree(language, folder, _listed(source, pages), pages, problem=problem.message)
    return Tree(language, folder, contents, pages, redirects)


def _text(source: Source, path: str) -> str:
    content = source.read(path, FRONT_MATTER)
    if content is None and source.exists(path):
        raise WireError(f"The file may have at most {FRONT_MATTER // 1024} KiB.")
    return (content or b"").decode("utf-8", "replace")


def _listed(source: Source, pages: dict[str, str]) -> tuple[Entry, ...]:
    """Make contents of plain folders: the pages of a folder, its `index` first, then the folders in it."""
    titles = {local: title_of(text) for local, text in texts(source, Tree("", "", (), pages))}
    folders: dict[str, list[Entry]] = {}
    for local in pages:
        folder, _, name = local.rpartition("/")
        folders.setdefault(folder.partition("/")[0], []).append(Entry(titles.get(local) or name, local))
    for entries in folders.values():
        entries.sort(key=lambda entry: ((entry.local or "").rpartition("/")[2] not in _HOME, entry.local or ""))
    here = folders.pop("", [])
    words = {name: name.replace("-", " ").replace("_", " ").capitalize() for name in folders}
    return (*here, *(Entry(words[name], None, tuple(entries)) for name, entries in folders.items()))
