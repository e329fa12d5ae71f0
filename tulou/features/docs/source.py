"""Where the files of a documentation site come from: a commit of a repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from tulou.features.content import tree
from tulou.features.repos.model import Repo
from tulou.kernel.errors import InvalidPath
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import DOCS_FILES
from tulou.kernel.names import parse_path
from tulou.platform.git.objects import Child, children, walk
from tulou.platform.machinery import Machinery
from tulou.wire.doc_layout import FOLDER


class Source(Protocol):
    """The files that a site is made of. Two with the same key have the same documentation."""

    @property
    def key(self) -> str:
        """What names the content of the folder `docs`."""

    @property
    def version(self) -> str:
        """What names everything in the source, and its history."""

    def paths(self) -> dict[str, str]:
        """Return every file below `docs`, and what names its content."""

    def read(self, path: str, limit: int) -> bytes | None:
        """Return a file anywhere in the source; None when it is missing, in large-file storage, or longer than `limit`."""

    def exists(self, path: str) -> bool:
        """Say whether there is such a file or folder."""

    def file_url(self, path: str, lines: tuple[int, int] | None = None) -> str | None:
        """Return the address of the page of a file, and of its lines; None when there is no such page."""

    def raw_url(self, path: str) -> str | None:
        """Return the address of the bytes of a file."""

    def folder_key(self, path: str) -> str | None:
        """Return what names the content of a folder, or None without one."""

    def folders(self, path: str) -> list[str]:
        """Return the names of the folders in a folder; empty: the root."""

    def walk(self, path: str, accept: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
        """Yield the accepted files below a folder, and their content."""

    def changed_at(self, paths: list[str]) -> dict[str, int]:
        """Return when files were last changed, in Unix milliseconds, as far as that is known."""


@dataclass(frozen=True, slots=True)
class GitSource:
    """A commit of a repository."""

    m: Machinery
    repo: Repo
    commit: Sha1
    revision: str
    """How the reader named the commit, as a part of an address."""

    @property
    def key(self) -> str:
        """The tree of `docs`."""
        return self.folder_key(FOLDER) or self.commit

    @property
    def version(self) -> str:
        """The commit."""
        return self.commit

    def paths(self) -> dict[str, str]:
        """Return the files below `docs`, and their blobs."""
        repository = self.m.git.having(self.repo.id, self.repo.generation, self.commit)
        folder = self._at(FOLDER)
        if folder is None or not folder.is_folder:
            return {}
        found: dict[str, str] = {}
        for path, child in walk(repository, folder.oid, f"{FOLDER}/"):
            if not child.is_folder and not child.is_link:
                found[path] = child.oid
            if len(found) >= DOCS_FILES:
                break
        return found

    def read(self, path: str, limit: int) -> bytes | None:
        """Return a small git blob."""
        child = self._at(path)
        if child is None or child.is_folder or child.is_link:
            return None
        repository = self.m.git.having(self.repo.id, self.repo.generation, self.commit)
        blob = self.m.git.objects.blob(repository, child.oid)
        return self.m.git.objects.content(repository, child.oid) if blob.pointer is None and blob.git_size <= limit else None

    def exists(self, path: str) -> bool:
        """Say whether a path is in the commit."""
        return path == "" or self._at(path) is not None

    def file_url(self, path: str, lines: tuple[int, int] | None = None) -> str | None:
        """Return the address of a file's page, or of a folder's listing."""
        child = self._at(path)
        if path and child is None:
            return None
        verb = "tree" if child is None or child.is_folder else "blob"
        url = f"/{self.repo.name.path}/{verb}/{self.revision}" + (f"/{quote(path)}" if path else "")
        return url + (f"#L{lines[0]}-L{lines[1]}" if lines else "")

    def raw_url(self, path: str) -> str | None:
        """Return the address of the bytes."""
        return f"/{self.repo.name.path}/resolve/{self.revision}/{quote(path)}"

    def folder_key(self, path: str) -> str | None:
        """Return the id of a tree."""
        child = self._at(path)
        return child.oid if child is not None and child.is_folder else None

    def folders(self, path: str) -> list[str]:
        """Return the names of the trees in a tree."""
        child = self._at(path)
        repository = self.m.git.having(self.repo.id, self.repo.generation, self.commit)
        return [entry.name for entry in children(repository, child.oid) if entry.is_folder] if child and child.is_folder else []

    def walk(self, path: str, accept: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
        """Yield blobs; names that no checkout would bear are left out."""
        child = self._at(path)
        if child is None or not child.is_folder:
            return
        repository = self.m.git.having(self.repo.id, self.repo.generation, self.commit)
        for found, entry in walk(repository, child.oid, f"{path}/" if path else ""):
            if not entry.is_folder and not entry.is_link and accept(found) and _is_path(found):
                yield found, self.m.git.objects.content(repository, entry.oid)

    def changed_at(self, paths: list[str]) -> dict[str, int]:
        """Return the times of the last commits that changed the files."""
        found = tree.at_paths(self.m, self.repo, self.commit, paths, expand=True)
        return {entry.path: entry.last_commit.at for entry in found if entry.last_commit is not None}

    def _at(self, path: str) -> Child | None:
        repository = self.m.git.having(self.repo.id, self.repo.generation, self.commit)
        return self.m.git.objects.at(repository, self.commit, path)


def _is_path(path: str) -> bool:
    try:
        return parse_path(path) == path
    except InvalidPath:
        return False
