"""Immutable objects by name: the protocol, and the folder that implements it on one machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tulou.fsio import atomic, space


@dataclass(frozen=True, slots=True)
class Stored:
    """One object in a listing: its key, size in bytes, and when it was written (Unix milliseconds)."""

    key: str
    size: int
    written_at: int


class ObjectStore(Protocol):
    """Write-once objects. A key is a short path made by the functions below, never from user text."""

    def put(self, key: str, source: Path) -> None:
        """Move the finished local file `source` under `key`, durably. Overwriting with equal content is harmless."""

    def size(self, key: str) -> int | None:
        """Return the size in bytes, or None if there is no such object."""

    def read(self, key: str, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start`. Raises FileNotFoundError."""

    def local(self, key: str) -> Path | None:
        """Return the path of the object on this machine, or None if it is only reachable by `read`."""

    def delete(self, key: str) -> None:
        """Remove an object if it is there. Only garbage collection calls this."""

    def list(self, prefix: str) -> Iterator[Stored]:
        """Yield every object whose key begins with `prefix`."""

    def require_space(self, size: int) -> None:
        """Raise StorageFull if `size` more bytes do not fit."""


def pack_key(pack_hash: str) -> str:
    """Key of a git pack; its index has `.idx` in place of `.pack`."""
    return f"packs/{pack_hash[:2]}/{pack_hash}.pack"


def blob_key(sha256: str) -> str:
    """Key of a whole large file."""
    return f"blobs/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def xorb_key(xorb_hash: str) -> str:
    """Key of a xorb; its chunk table has `.idx` appended."""
    return f"xorbs/{xorb_hash[:2]}/{xorb_hash[2:4]}/{xorb_hash}"


def shard_key(shard_hash: str) -> str:
    """Key of an uploaded shard, kept so that the database could be rebuilt from objects."""
    return f"shards/{shard_hash[:2]}/{shard_hash}.mdb"


class FolderStore:
    """Objects as files below one folder, published by write, fsync, rename, fsync of the directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        atomic.make_dirs(root)

    def _path(self, key: str) -> Path:
        return self.root / key

    def put(self, key: str, source: Path) -> None:
        """See ObjectStore.put."""
        atomic.publish(source, self._path(key))

    def size(self, key: str) -> int | None:
        """See ObjectStore.size."""
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, key: str, start: int, length: int) -> bytes:
        """See ObjectStore.read."""
        fd = os.open(self._path(key), os.O_RDONLY)
        try:
            return os.pread(fd, length, start)
        finally:
            os.close(fd)

    def local(self, key: str) -> Path | None:
        """See ObjectStore.local."""
        return self._path(key)

    def delete(self, key: str) -> None:
        """See ObjectStore.delete."""
        atomic.remove(self._path(key))

    def list(self, prefix: str) -> Iterator[Stored]:
        """See ObjectStore.list."""
        base = self.root / prefix
        for path in sorted(base.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                stat = path.stat()
                yield Stored(str(path.relative_to(self.root)), stat.st_size, stat.st_mtime_ns // 1_000_000)

    def require_space(self, size: int) -> None:
        """See ObjectStore.require_space."""
        space.require(self.root, size)
