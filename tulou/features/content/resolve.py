"""Turn a revision and a path into the place where the bytes are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tulou.features.content import objects as large
from tulou.features.repos.model import Repo
from tulou.kernel.errors import EntryNotFound, TooLarge
from tulou.kernel.ids import Sha1
from tulou.platform.machinery import Machinery


@dataclass(frozen=True, slots=True)
class Location:
    """A file at a commit. `etag` is the git blob id, or the SHA-256 of a large file, as clients name their caches."""

    commit: Sha1
    path: str
    size: int
    etag: str
    blob: Sha1
    """The git blob: the file itself, or the pointer to the large one."""
    stored: large.StoredObject | None
    """The large file, if it is one."""


def locate(m: Machinery, repo: Repo, commit: Sha1, path: str, *, raw: bool = False) -> Location:
    """Return where the bytes of a file are; with `raw`, those of the pointer of a large file.

    Raises EntryNotFound for folders, links and what is not there.
    """
    repository = m.git.having(repo.id, repo.generation, commit)
    child = m.git.objects.at(repository, commit, path)
    if child is None or child.is_folder or (child.is_link and child.oid not in repository):
        raise EntryNotFound(commit=commit)
    blob = m.git.objects.blob(repository, child.oid)
    if blob.pointer is None or raw:
        return Location(commit, path, blob.git_size, child.oid, child.oid, None)
    stored = large.find(m, repo, blob.pointer.oid)
    return Location(commit, path, stored.size, stored.sha256, child.oid, stored)


def content(m: Machinery, repo: Repo, location: Location) -> bytes:
    """Return the bytes of the git blob of a file."""
    repository = m.git.having(repo.id, repo.generation, location.commit)
    return m.git.objects.content(repository, location.blob)


def read(m: Machinery, repo: Repo, location: Location, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes `start` to `end` (exclusive) of a file."""
    if location.stored is not None:
        yield from large.read(m, location.stored, start, end)
    else:
        yield content(m, repo, location)[start:end]


def read_file(m: Machinery, repo: Repo, commit: Sha1, path: str, limit: int) -> bytes:
    """Return a whole file of at most `limit` bytes. Raises EntryNotFound or TooLarge."""
    location = locate(m, repo, commit, path)
    if location.size > limit:
        raise TooLarge
    return b"".join(read(m, repo, location, 0, location.size))
