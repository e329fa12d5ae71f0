"""Lay what a run shall see out where the run's user may reach it: in mounts that only this process and its children have.

bubblewrap 0.11 follows the path of every source, even of a descriptor, as the run's user, who may not enter the hub's folders.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from tulou.platform.compute.local.child import mounts

_PLACE = "/tmp"
"""It is on every machine, and covered in these mounts only."""


def with_program(uid: int, program: str, seen: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """Lay out things to be seen, and a program with the libraries that came with it. Return where all of that is now.

    Programs of the machine are where everybody reaches them. One of a Python package may lie in a home that is closed to
    others, and looks for its libraries beside its package.
    """
    if program.startswith("/usr/"):
        return program, Stage(uid).lay_out(seen)
    home, inside = program.rsplit("/", 3)[0], "/".join(program.rsplit("/", 3)[1:])
    *places, packages = Stage(uid).lay_out([*seen, {"source": home, "mode": "ro", "ours": True}])
    return f"{packages}/{inside}", places


class Stage:
    """Mounts of this process alone. It must be root, and have one thread."""

    def __init__(self, uid: int) -> None:
        self._uid = uid
        self._users = -1
        mounts.unshare(mounts.NEWNS)
        mounts.mount("", "/", "", mounts.REC | mounts.PRIVATE)

    def lay_out(self, seen: list[dict[str, Any]]) -> list[str]:
        """Return for each thing to be seen where it is now. Raises OSError.

        `rw` belongs to the run's user from here on. What the hub owns looks as if that user owned it in `ro` and `overlay`.
        """
        # All are opened first: some may lie in the folder that is covered next.
        opened = [os.open(one["source"], os.O_PATH | os.O_CLOEXEC) for one in seen]
        above = [os.open(one["above"], os.O_PATH | os.O_CLOEXEC) if one["mode"] == "overlay" else -1 for one in seen]
        mounts.mount("stage", _PLACE, "tmpfs", mounts.NOSUID | mounts.NODEV, "mode=711,size=1m")
        places = []
        for index, one in enumerate(seen):
            place = f"{_PLACE}/{index}"
            self._show(opened[index], place, is_ours=one["ours"])
            places.append(self._lay_over(place, above[index]) if one["mode"] == "overlay" else place)
        return places

    def _show(self, fd: int, place: str, *, is_ours: bool) -> None:
        if os.path.isdir(f"/proc/self/fd/{fd}"):
            os.mkdir(place)
        else:
            os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
        if is_ours:
            # Where the file system cannot, the run reads what everybody may read.
            with suppress(OSError):
                mounts.bind_as(fd, place, self._namespace())
                return
        mounts.mount(f"/proc/self/fd/{fd}", place, "", mounts.BIND | mounts.REC)

    def _namespace(self) -> int:
        if self._users < 0:
            self._users = mounts.users_namespace(os.geteuid(), self._uid)
        return self._users

    def _lay_over(self, below: str, above: int) -> str:
        """Return a place that shows `below` with the folder `above` for all that is written."""
        own, shown = f"{below}.own", f"{below}.shown"
        os.mkdir(own)
        os.mkdir(shown)
        mounts.mount(f"/proc/self/fd/{above}", own, "", mounts.BIND)
        for name in ("up", "work"):
            os.chown(f"{own}/{name}", self._uid, self._uid)
        layers = f"lowerdir={below},upperdir={own}/up,workdir={own}/work"
        mounts.mount("overlay", shown, "overlay", mounts.NOSUID | mounts.NODEV, layers)
        return shown
