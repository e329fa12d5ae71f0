"""Read git objects: what a path names, what a folder holds, what a blob is. Answers by object id never grow old."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import pygit2
from pygit2.enums import FileMode, ObjectType

from tulou.kernel.ids import Sha1
from tulou.wire.lfs import LfsPointer, parse_pointer

POINTER_BYTES = 1024
K = TypeVar("K")
V = TypeVar("V")


class Lru(Generic[K, V]):
    """A dictionary that forgets what was used longest ago, bounded by weight."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._weight = 0
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return the value, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        try:
            self._entries.move_to_end(key)
        except KeyError:  # another thread dropped it meanwhile
            return None
        return entry[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        """Keep a value."""
        old = self._entries.pop(key, None)
        self._entries[key] = (value, weight)
        self._weight += weight - (old[1] if old else 0)
        while self._weight > self._capacity and self._entries:
            self._weight -= self._entries.popitem(last=False)[1][1]


@dataclass(frozen=True, slots=True)
class Blob:
    """A file as git sees it: its size in git, and the large file it stands for, if it is an LFS pointer."""

    oid: Sha1
    git_size: int
    pointer: LfsPointer | None

    @property
    def size(self) -> int:
        """The size of the content that people mean, in bytes."""
        return self.pointer.size if self.pointer else self.git_size


@dataclass(frozen=True, slots=True)
class Child:
    """One entry of a folder."""

    name: str
    oid: Sha1
    is_folder: bool
    is_link: bool = False
    """A submodule or symbolic link: shown, never followed."""


class GitObjects:
    """Reads with small caches, all keyed by object id."""

    def __init__(self) -> None:
        self._blobs: Lru[str, Blob] = Lru(50_000)
        self._small: Lru[str, bytes] = Lru(24 << 20)
        self._paths: Lru[tuple[str, str], Child] = Lru(50_000)
        # Sorted listings, weighed by entries: what makes the tenth page of a huge folder as cheap as the first.
        self.folders: Lru[str, list[Child]] = Lru(200_000)
        self.walks: Lru[tuple[str, str], list[tuple[str, Child]]] = Lru(200_000)

    def blob(self, repository: pygit2.Repository, oid: Sha1) -> Blob:
        """Describe a blob."""
        known = self._blobs.get(oid)
        if known is None:
            found = cast("pygit2.Blob", repository[oid])
            small = found.size <= POINTER_BYTES
            known = Blob(oid, found.size, parse_pointer(found.data) if small else None)
            self._blobs.put(oid, known)
        return known

    def kept(self, oid: Sha1) -> bytes | None:
        """Return the content of a small blob that was read lately, without touching the disk."""
        return self._small.get(oid)

    def content(self, repository: pygit2.Repository, oid: Sha1) -> bytes:
        """Return the whole content of a git blob."""
        known = self._small.get(oid)
        if known is None:
            known = bytes(cast("pygit2.Blob", repository[oid]).data)
            if len(known) <= 256 << 10:
                self._small.put(oid, known, len(known) + 100)
        return known

    def at(self, repository: pygit2.Repository, commit: Sha1, path: str) -> Child | None:
        """Return what `path` names at a commit, or None. An empty path is the root folder."""
        known = self._paths.get((commit, path))
        if known is None:
            tree = repository[commit].tree
            if path == "":
                return Child("", Sha1(str(tree.id)), is_folder=True)
            try:
                entry = tree[path]
            except (KeyError, ValueError):
                return None
            known = _child(entry, path)
            self._paths.put((commit, path), known)
        return known


def children(repository: pygit2.Repository, tree: Sha1) -> list[Child]:
    """Return the entries of a folder in git's order. Names that are not UTF-8 are left out: they have no URL."""
    return [_child(entry, str(entry.name)) for entry in cast("pygit2.Tree", repository[tree]) if _is_text(entry)]


def walk(repository: pygit2.Repository, tree: Sha1, prefix: str = "") -> Iterator[tuple[str, Child]]:
    """Yield every entry below a folder as (path, entry), depth first, folders before what is in them."""
    for child in children(repository, tree):
        path = f"{prefix}{child.name}"
        yield path, child
        if child.is_folder:
            yield from walk(repository, child.oid, path + "/")


def is_commit(repository: pygit2.Repository, oid: str) -> bool:
    """True if the object is there and is a commit."""
    found = repository.get(oid)
    return found is not None and found.type == ObjectType.COMMIT


def expand_prefix(repository: pygit2.Repository, prefix: str) -> Sha1 | None:
    """Return the one commit whose id begins with `prefix`, or None."""
    try:
        found = repository[prefix]
    except (KeyError, ValueError):
        return None
    return Sha1(str(found.id)) if found.type == ObjectType.COMMIT else None


def _child(entry: pygit2.Object, name: str) -> Child:
    mode = entry.filemode
    return Child(name, Sha1(str(entry.id)), is_folder=mode == FileMode.TREE, is_link=mode in {FileMode.COMMIT, FileMode.LINK})


def _is_text(entry: pygit2.Object) -> bool:
    try:
        return entry.name is not None
    except UnicodeDecodeError:
        return False
