"""Keep a request body in the work folder until it is complete: a slow client then holds a file, not a process."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from tulou.fsio import atomic, faults
from tulou.kernel.errors import TooLarge
from tulou.platform.machinery import Machinery


class Hashed(Protocol):
    """A finished file of known size and SHA-256, in the work folder."""

    @property
    def path(self) -> Path:
        """Where it is."""

    @property
    def size(self) -> int:
        """Its bytes."""

    @property
    def sha256(self) -> str:
        """Its hash, in hex."""


class Spool:
    """A file that exists inside a `with` block. Not durable: nothing in it was acknowledged."""

    def __init__(self, m: Machinery, *, limit: int, is_read: bool = False) -> None:
        """`is_read`: the body only asks for something, which must work when the disk has no more than its reserve left."""
        self._m = m
        self._limit = limit
        self._is_read = is_read
        self.path = atomic.temporary_file(m.work, "body")
        self.size = 0

    def __enter__(self) -> Self:
        faults.io("open")
        self._file = self.path.open("xb", buffering=0)
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
        atomic.remove(self.path)

    def write(self, block: bytes) -> None:
        """Append. Raises TooLarge past the limit, StorageFull before the disk is."""
        self.size += len(block)
        if self.size > self._limit:
            raise TooLarge
        if not self._is_read:
            self._m.store.require_space(len(block))
        faults.io("write")
        view = memoryview(block)
        while view:
            view = view[self._file.write(view) :]


class HashedSpool(Spool):
    """A spool that knows the SHA-256 of what it holds."""

    def __init__(self, m: Machinery, *, limit: int) -> None:
        super().__init__(m, limit=limit)
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of everything written so far, in hex."""
        return self._digest.hexdigest()

    def write(self, block: bytes) -> None:
        """Append, as Spool does."""
        super().write(block)
        self._digest.update(block)
