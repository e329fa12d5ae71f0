"""Lay what a run shall see out where the run's user may reach it: in mounts that only this process and its children have.

bubblewrap 0.11 follows the path of every source, even of a descriptor, as the run's user, who may not enter the hub's folders.
"""

from __future__ import annotations

import ctypes
import os

_NEWNS = 0x00020000
_BIND, _REC, _PRIVATE, _NOSUID, _NODEV = 4096, 16384, 1 << 18, 2, 4
_PLACE = "/tmp"
"""It is on every machine, and covered in these mounts only."""


class Stage:
    """Mounts of this process alone. It must be root, and have one thread."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        if self._libc.unshare(_NEWNS) != 0:
            raise _problem()
        self._mount(None, "/", None, _REC | _PRIVATE)

    def lay_out(self, sources: list[str]) -> list[str]:
        """Return for each source where it is seen now. Raises OSError."""
        # All are opened first: some may lie in the folder that is covered next.
        opened = [os.open(source, os.O_PATH | os.O_CLOEXEC) for source in sources]
        self._mount("stage", _PLACE, "tmpfs", _NOSUID | _NODEV, "mode=711,size=1m")
        places = [f"{_PLACE}/{index}" for index in range(len(sources))]
        for fd, place in zip(opened, places, strict=True):
            _like(fd, place)
            self._mount(f"/proc/self/fd/{fd}", place, None, _BIND | _REC)
            os.close(fd)
        return places

    def _mount(self, source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
        parts = [None if part is None else part.encode() for part in (source, target, kind)]
        if self._libc.mount(*parts, ctypes.c_ulong(flags), None if options is None else options.encode()) != 0:
            raise _problem()


def _like(fd: int, place: str) -> None:
    """Make a folder for a folder, and a file for anything else."""
    if os.path.isdir(f"/proc/self/fd/{fd}"):
        os.mkdir(place)
    else:
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))


def _problem() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
