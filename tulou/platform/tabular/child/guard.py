"""Shut the doors that a dataset could lead a library through, on hosts where no sandbox does: paths, sockets, programs."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tulou.platform.tabular.child import confine

_NEVER = (
    "socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn",
    "os.system", "os.fork", "os.forkpty", "pty.spawn", "ctypes.dlopen", "os.symlink", "os.link", "os.chmod", "os.chown",
)  # fmt: skip
_SYSTEM = (
    "/usr/share/zoneinfo",
    "/usr/share/mime",
    "/etc/mime.types",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys",
    "/dev/null",
)
_WRITING = frozenset("wax+")


def close_doors(folder: Path) -> None:
    """Allow files only in `folder` and, to read, in Python's own folders; no network and no programs. There is no way back."""
    inside = str(folder.resolve())
    readable = (*_python_folders(), *_SYSTEM)
    confine.fence(read=[Path(place) for place in readable if Path(place).exists()], write=[folder])

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _NEVER:
            raise PermissionError(f"{event} is not allowed here")
        if event == "open" and isinstance(arguments[0], str | bytes):
            path = arguments[0] if isinstance(arguments[0], str) else arguments[0].decode("utf-8", "surrogateescape")
            place = os.path.realpath(path)
            if _is_below(place, (inside,)):
                return
            mode = arguments[1]
            if (isinstance(mode, str) and set(mode) & _WRITING) or not _is_below(place, readable):
                raise PermissionError("that file is not part of the dataset")

    sys.addaudithook(watch)


def _is_below(place: str, folders: Iterable[str]) -> bool:
    return any(place == folder or place.startswith(f"{folder}/") for folder in folders)


def _python_folders() -> list[str]:
    # Shared libraries are mapped by the loader, which asks nobody; what Python itself imports late lies here.
    found = {
        str(Path(__file__).parents[3]),
        sys.prefix,
        sys.base_prefix,
        *site.getsitepackages(),
        *sysconfig.get_paths().values(),
        *(path for path in sys.path if path.endswith("site-packages")),
    }
    return sorted(str(Path(folder).resolve()) for folder in found if folder)
