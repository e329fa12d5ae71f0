"""Write the files of a commit to a folder of this machine, for programs that want files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pygit2
from pygit2.enums import FileMode

from tulou.features.content import objects as large
from tulou.features.content.objects import StoredObject
from tulou.features.repos.model import Repo
from tulou.fsio import atomic
from tulou.kernel.errors import EntryNotFound, ObjectNotFound, TooLarge
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import EXPORT_BYTES, EXPORT_DEPTH, EXPORT_FILES
from tulou.platform.blobs.store import blob_key
from tulou.platform.machinery import Machinery

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_MODES = frozenset({FileMode.BLOB, FileMode.BLOB_EXECUTABLE})


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: how many files and links, and their bytes."""

    files: int
    bytes: int


def tree(
    m: Machinery, repo: Repo, commit: Sha1, folder: Path, *, prefix: str = "", want: Callable[[str], bool] | None = None
) -> Exported:
    """Write the files of a commit, or of its folder `prefix`, below `folder`, which is empty or not there yet.

    `want` picks files by their path in the repository; folders come as their files do. Large files are there in full. A whole
    blob of the store is linked, not copied, so it is read-only (0444); everything else is 0644, and what git calls executable
    0755. Links that could lead out of the folder, and submodules, are left out.

    Raises EntryNotFound when `prefix` is no folder, TooLarge past the limits, StorageFull. Nothing is synced: a crash, and any
    error, leaves a part of the files, and the caller throws the folder away.
    """
    repository = m.git.having(repo.id, repo.generation, commit)
    start = m.git.objects.at(repository, commit, prefix)
    if start is None or not start.is_folder:
        raise EntryNotFound(commit=commit)
    folder.mkdir(parents=True, exist_ok=True)
    writer = _Writer(m, repo, repository, want)
    writer.folder(os.open(folder, _FOLDER), start.oid, f"{prefix}/" if prefix else "", depth=0)
    return Exported(writer.files, writer.bytes)


class _Writer:
    """Walks one tree. Every name is opened relative to a folder that this made itself, so no link is ever followed."""

    def __init__(self, m: Machinery, repo: Repo, repository: pygit2.Repository, want: Callable[[str], bool] | None) -> None:
        self._m = m
        self._repo = repo
        self._repository = repository
        self._want = want
        self.files = 0
        self.bytes = 0

    def folder(self, at: int, oid: Sha1, prefix: str, *, depth: int) -> None:
        """Fill the folder behind the descriptor `at`, and close it."""
        try:
            os.fchmod(at, 0o755)
            if depth > EXPORT_DEPTH:
                raise TooLarge("The folders of this repository are nested too deeply.")
            entries = [(_name(entry), entry) for entry in cast("pygit2.Tree", self._repository[oid])]
            stored = self._stored([entry for name, entry in entries if self._is_wanted(prefix + name, entry)])
            for name, entry in entries:
                if entry.filemode == FileMode.TREE:
                    self._subfolder(at, name, entry, f"{prefix}{name}/", depth)
                elif self._is_wanted(prefix + name, entry):
                    self._entry(at, name, entry, stored, depth)
        finally:
            os.close(at)

    def _is_wanted(self, path: str, entry: pygit2.Object) -> bool:
        return entry.filemode not in {FileMode.TREE, FileMode.COMMIT} and (self._want is None or self._want(path))

    def _subfolder(self, at: int, name: str, entry: pygit2.Object, prefix: str, depth: int) -> None:
        os.mkdir(name, 0o700, dir_fd=at)
        before = self.files
        self.folder(os.open(name, _FOLDER, dir_fd=at), Sha1(str(entry.id)), prefix, depth=depth + 1)
        if self.files == before:
            os.rmdir(name, dir_fd=at)

    def _stored(self, wanted: list[pygit2.Object]) -> dict[str, StoredObject]:
        blobs = [self._m.git.objects.blob(self._repository, Sha1(str(e.id))) for e in wanted if e.filemode in _FILE_MODES]
        return large.find_many(self._m, self._repo, [blob.pointer.oid for blob in blobs if blob.pointer])

    def _entry(self, at: int, name: str, entry: pygit2.Object, stored: dict[str, StoredObject], depth: int) -> None:
        oid = Sha1(str(entry.id))
        if entry.filemode == FileMode.LINK:
            target = os.fsdecode(self._m.git.objects.content(self._repository, oid))
            if _stays_inside(target, depth):
                self._add(0)
                os.symlink(target, name, dir_fd=at)
            return
        blob = self._m.git.objects.blob(self._repository, oid)
        self._add(blob.size)
        executable = entry.filemode == FileMode.BLOB_EXECUTABLE
        if blob.pointer is None:
            content = self._m.git.objects.content(self._repository, oid)
            _write(at, name, (content,), executable=executable)
            return
        known = stored.get(blob.pointer.oid)
        if known is None:
            raise ObjectNotFound
        if executable or not self._link(at, name, known):
            self._m.store.require_space(known.size)
            _write(at, name, large.read(self._m, known, 0, known.size), executable=executable)

    def _link(self, at: int, name: str, stored: StoredObject) -> bool:
        source = self._m.store.local(blob_key(stored.sha256)) if stored.has_blob else None
        # Read-only first: the two names share one file, and a program must not change the store through its own.
        return source is not None and atomic.link_read_only(source, at, name)

    def _add(self, size: int) -> None:
        self.files += 1
        self.bytes += size
        if self.files > EXPORT_FILES:
            raise TooLarge(f"A program is given at most {EXPORT_FILES} files of a repository.")
        if self.bytes > EXPORT_BYTES:
            raise TooLarge(f"A program is given at most {EXPORT_BYTES >> 30} GiB of a repository.")


def _write(at: int, name: str, blocks: Iterable[bytes], *, executable: bool) -> None:
    with os.fdopen(os.open(name, _NEW_FILE, 0o600, dir_fd=at), "wb") as file:
        for block in blocks:
            file.write(block)
        os.fchmod(file.fileno(), 0o755 if executable else 0o644)


def _name(entry: pygit2.Object) -> str:
    """Return the name of an entry, also one that is not UTF-8. Git's own checks kept `/`, `.` and `..` out of names."""
    return os.fsdecode(entry.raw_name or b"")


def _stays_inside(target: str, depth: int) -> bool:
    """Say whether a link `depth` folders below the top can only lead to something below the top.

    `..` may only stand at the front: there it leads through folders, while behind a name it could step out of another link.
    """
    if not target or target.startswith("/") or "\0" in target:
        return False
    parts = [part for part in target.split("/") if part not in {"", "."}]
    ups = next((i for i, part in enumerate(parts) if part != ".."), len(parts))
    return ups <= depth and ".." not in parts[ups:]
