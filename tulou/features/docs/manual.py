"""The hub's own manual: the folder `docs` of the program, in the wheel or in the checkout, as a site like any other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tulou
from tulou.features.docs import library as libraries
from tulou.features.docs.site import Site
from tulou.kernel.errors import EntryNotFound
from tulou.platform.machinery import Machinery
from tulou.wire.doc_layout import FOLDER

NAME = "tulou"
BASE = f"/docs/{NAME}/{tulou.__version__}"
_PLACES = (Path(tulou.__file__).parent / "manual", Path(tulou.__file__).parents[1])


def is_here() -> bool:
    """Say whether the program came with its manual."""
    return _source() is not None


def open_manual(m: Machinery) -> Site:
    """Open the manual of this version. Raises EntryNotFound in a program that came without it."""
    source = _source()
    if source is None:
        raise EntryNotFound("This program came without its manual.")
    return Site(NAME, BASE, tulou.__version__, source, libraries.of(m, source))


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A folder of the program. It has no pages for single files, and no Python to describe."""

    root: Path
    files: dict[str, str]
    key: str

    @property
    def version(self) -> str:
        """The same: there is no history."""
        return self.key

    def paths(self) -> dict[str, str]:
        """Return every file, and its hash."""
        return self.files

    def read(self, path: str, limit: int) -> bytes | None:
        """Return a file."""
        if path not in self.files:
            return None
        content = (self.root / path).read_bytes()
        return content if len(content) <= limit else None

    def exists(self, path: str) -> bool:
        """Say whether a file is there. What lies outside of `docs` is part of the checkout only: a link to it is just words."""
        return not path.startswith(f"{FOLDER}/") or path in self.files

    def file_url(self, path: str, lines: tuple[int, int] | None = None) -> str | None:  # noqa: ARG002 - see Source
        """Return nothing: there are no such pages."""
        return None

    def raw_url(self, path: str) -> str | None:  # noqa: ARG002 - see Source
        """Return nothing: the manual has no pictures."""
        return None

    def folder_key(self, path: str) -> str | None:  # noqa: ARG002 - see Source
        """Return nothing: there are no packages."""
        return None

    def folders(self, path: str) -> list[str]:  # noqa: ARG002 - see Source
        """Return nothing: there are no packages."""
        return []

    def walk(self, path: str, accept: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:  # noqa: ARG002 - see Source
        """Yield nothing: there are no packages."""
        return iter(())

    def changed_at(self, paths: list[str]) -> dict[str, int]:  # noqa: ARG002 - see Source
        """Return nothing: the program does not bring its history."""
        return {}


@cache
def _source() -> FolderSource | None:
    root = next((place for place in _PLACES if (place / FOLDER / "_toctree.yml").is_file()), None)
    if root is None:
        return None
    contents = {
        path.relative_to(root).as_posix(): path.read_bytes() for path in sorted((root / FOLDER).rglob("*")) if path.is_file()
    }
    files = {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}
    return FolderSource(root, files, hashlib.sha256(repr(files).encode()).hexdigest())
