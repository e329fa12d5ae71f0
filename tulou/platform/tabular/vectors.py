"""Lists of row numbers in files, by what they are the answer to: the second page of a filter costs one small read."""

from __future__ import annotations

import hashlib
import os
import secrets
import struct
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tulou.fsio import atomic
from tulou.platform.tabular.pool import Turns

MOST_BYTES = 1 << 30
_WAITING = 4


@dataclass(frozen=True, slots=True)
class Vector:
    """Row numbers on disk, each of `width` bytes."""

    path: Path
    total: int
    width: int

    def slice(self, offset: int, length: int) -> list[int]:
        """Return some of the numbers, in their order."""
        count = max(0, min(length, self.total - offset))
        fd = os.open(self.path, os.O_RDONLY)
        try:
            raw = os.pread(fd, count * self.width, offset * self.width)
        finally:
            os.close(fd)
        return list(struct.unpack(f"<{count}{'I' if self.width == 4 else 'Q'}", raw))


class Vectors:
    """The vectors of this process, the most recent kept. The folder is its own, and swept at the next start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: OrderedDict[str, Vector] = OrderedDict()
        self._making: dict[str, Turns] = {}
        self._lock = threading.Lock()

    def get(self, key: tuple[str, ...], rows: int, make: Callable[[Path], int]) -> Vector:
        """Return the vector of a question about a table of `rows` rows. Raises Busy.

        `make` writes it into a file and returns its length; of two that ask at the same time, one waits.
        """
        name = hashlib.sha256("\0".join(key).encode("utf-8", "surrogatepass")).hexdigest()
        found = self._recent(name)
        if found is not None:
            return found
        with self._lock:
            turn = self._making.setdefault(name, Turns(1, _WAITING))
        try:
            with turn.take():
                # Under a name of its own: whoever still reads an older file of this question is not disturbed.
                path = self._folder / f"{name[:32]}-{secrets.token_hex(4)}"
                return self._recent(name) or self._keep(name, self._made(path, rows, make))
        finally:
            with self._lock:
                self._making.pop(name, None)

    def _made(self, path: Path, rows: int, make: Callable[[Path], int]) -> Vector:
        try:
            return Vector(path, make(path), 4 if rows < 1 << 32 else 8)
        except BaseException:
            atomic.remove(path)
            raise

    def _recent(self, name: str) -> Vector | None:
        with self._lock:
            if name in self._known:
                self._known.move_to_end(name)
            return self._known.get(name)

    def _keep(self, name: str, vector: Vector) -> Vector:
        with self._lock:
            known = self._known.setdefault(name, vector)
            if known is not vector:
                atomic.remove(vector.path)
            size = sum(kept.total * kept.width for kept in self._known.values())
            while size > MOST_BYTES and len(self._known) > 1:
                _old, dropped = self._known.popitem(last=False)
                size -= dropped.total * dropped.width
                atomic.remove(dropped.path)
            return known
