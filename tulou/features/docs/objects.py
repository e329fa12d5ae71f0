"""The Python packages of a source, which pages describe their objects, and how an object is shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from tulou.features.docs import library as libraries
from tulou.features.docs.library import Library
from tulou.features.docs.source import Source
from tulou.fsio import atomic
from tulou.kernel.errors import WireError
from tulou.kernel.limits import DOCS_MEMBERS, DOCS_OBJECTS, DOCS_PACKAGES
from tulou.platform.machinery import Machinery
from tulou.platform.markup.docs_model import Described, Parameter
from tulou.platform.pysource import read
from tulou.platform.pysource.read import CannotRead, SourceFile
from tulou.wire import docstring, pyoutline
from tulou.wire.pyoutline import Object, Outline

_NOT_DOCUMENTED = frozenset({
    "docs", "doc", "tests", "test", "examples", "example", "benchmarks", "bench", "scripts", "tools", "utils",
})  # fmt: skip
_AUTODOC = re.compile(r"^\[\[autodoc\]\][ \t]{1,20}([\w.]{1,300})[ \t]{0,20}$", re.MULTILINE)
_KINDS = {"class": "class", "function": "function", "attribute": "attribute"}
_EMPTY = Outline((), {}, {}, {}, ())


@dataclass(frozen=True, slots=True)
class Objects:
    """The packages, and for each object that a page describes that page. `key` names the content of the packages."""

    key: str
    outline: Outline
    root: str
    """The folder of packages: `src/`, or nothing."""
    pages: dict[str, tuple[str, str]]
    """Full path of an object → the page that describes it, and the path under which it does."""

    def place_of(self, found: Object) -> tuple[str, str] | None:
        """Return the page that describes an object, itself or as a member of its class, and its anchor there."""
        known = self.pages.get(found.path)
        if known is None:
            local, shown = self.pages.get(found.path.rpartition(".")[0], ("", ""))
            known = (local, f"{shown}.{found.name}") if shown else None
        return known

    def shown_path(self, said: str, found: Object) -> str:
        """Return the path under which a page shows an object: as it was said, with the package before it."""
        package = found.path.partition(".")[0]
        return said if said.partition(".")[0] in self.outline.packages else f"{package}.{said}"


def of(m: Machinery, source: Source, library: Library) -> Objects | None:
    """Return the objects of a source; None when no page asks for any, or there is no package."""
    asked = m.markup.kept(("autodoc", library.key), lambda: _asked(source, library), lambda found: 200 * len(found) + 200)
    packages = _packages(source) if asked else []
    if not packages:
        return None
    key = "-".join(source.folder_key(package) or "" for package in packages)
    outline = m.markup.kept(("outline", key), lambda: _outline(m, source, packages, key), lambda o: 800 * len(o.objects) + 200)
    root = packages[0].rpartition("/")[0]
    objects = Objects(key, outline, f"{root}/" if root else "", {})
    for local, said in asked:
        known = outline.find(said)
        if known is not None:
            objects.pages.setdefault(known.path, (local, objects.shown_path(said, known)))
    return objects


def describe(objects: Objects, source: Source, path: str, members: Sequence[str]) -> Described | None:
    """Return an object as a page shows it, with its members: those that were named, or the public methods of a class."""
    found = objects.outline.find(path)
    if found is None:
        return None
    names = [name for name in members if name != "all"]
    if found.kind == "class" and (not members or "all" in members):
        names = [*objects.outline.public_members(found), *names]
    shown = [(name, objects.outline.member(found, name)) for name in dict.fromkeys(names)][:DOCS_MEMBERS]
    own = objects.shown_path(path, found)
    below = tuple(_described(objects, source, child, f"{own}.{name}") for name, child in shown if child is not None)
    return _described(objects, source, found, own, below)


def _described(objects: Objects, source: Source, found: Object, path: str, members: tuple[Described, ...] = ()) -> Described:
    url = source.file_url(f"{objects.root}{found.file}", found.lines) if found.file else None
    kind = _KINDS.get(found.kind, "module")
    parameters = tuple(Parameter(*parameter) for parameter in found.parameters)
    return Described(path, kind, parameters, found.returns, tuple(docstring.parse(found.doc)), url, members)  # type: ignore[arg-type]


def _asked(source: Source, library: Library) -> list[tuple[str, str]]:
    """Return (page, object) of every `[[autodoc]]`."""
    texts = libraries.texts(source, library.default)
    found = ((local, line[1]) for local, text in texts for line in _AUTODOC.finditer(text))
    return list(islice(found, DOCS_OBJECTS))


def _packages(source: Source) -> list[str]:
    """Return the folders of the packages: below `src` if there are any, else beside `docs`."""
    for root in ("src", ""):
        prefix = f"{root}/" if root else ""
        names = [name for name in source.folders(root) if name.isidentifier() and name not in _NOT_DOCUMENTED]
        found = [f"{prefix}{name}" for name in names if source.exists(f"{prefix}{name}/__init__.py")]
        if found:
            return found[:DOCS_PACKAGES]
    return []


def _outline(m: Machinery, source: Source, packages: list[str], key: str) -> Outline:
    """Read the packages, or what an earlier process kept of them.

    # 1 the child prints   2 kept file.   Crash between: it is read once more.
    """
    kept = m.settings.data.resolve() / "cache" / "docs" / f"outline-{read.VERSION}" / f"{key}.json"
    try:
        return pyoutline.parse(kept.read_bytes())
    except (FileNotFoundError, WireError):
        pass  # not read yet, or cut short by a full disk: it is made again
    root = packages[0].rpartition("/")[0]
    files = (
        SourceFile(path.removeprefix(f"{root}/") if root else path, content)
        for package in packages
        for path, content in source.walk(package, lambda name: name.endswith(".py"))
    )
    try:
        content = read.outline(m.work, [package.rpartition("/")[2] for package in packages], files)
    except CannotRead:
        return _EMPTY
    kept.parent.mkdir(parents=True, exist_ok=True)
    atomic.replace_cached(kept, content)
    return pyoutline.parse(content)
