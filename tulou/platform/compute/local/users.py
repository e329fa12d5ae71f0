"""Give every sandboxed run a user of its own on this machine, where the hub is root and may."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from tulou.fsio import atomic
from tulou.platform.compute.base import StartFailed

FIRST = 210_000
COUNT = 60_000
"""No system gives people or services ids from 210000 to 269999 by itself; a hub should not share a machine with one that does."""


class Users:
    """Claims on user ids: a file named by the number, with the name of the run's folder in it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._sweep()

    def _sweep(self) -> None:
        """Free what runs hold that are not there any more: a hub was killed in the middle of `forget`.

        An empty claim is left alone: another process may be about to write to it.
        """
        for claim in self._folder.iterdir():
            run = claim.read_text()
            if run and not (self._folder.parent / run).is_dir():
                atomic.remove(claim)

    def claim(self, run: Path) -> int:
        """Return a user id that no other run of this hub has. Raises StartFailed if all are taken."""
        first = zlib.crc32(str(run).encode()) % COUNT
        for step in range(COUNT):
            number = FIRST + (first + step) % COUNT
            try:
                fd = os.open(self._folder / str(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            with os.fdopen(fd, "w") as file:
                file.write(run.name)
            return number
        raise StartFailed("too many runs are here at once")

    def release(self, run: Path) -> None:
        """Free the user of a run."""
        for claim in self._folder.iterdir():
            if claim.read_text() == run.name:
                atomic.remove(claim)
