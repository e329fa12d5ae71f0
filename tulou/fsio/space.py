"""Refuse new bytes before the disk is full, so that reading and signing in go on."""

from __future__ import annotations

import os
from pathlib import Path

from tulou.kernel.errors import StorageFull
from tulou.kernel.limits import DISK_RESERVE


def free_bytes(path: Path) -> int:
    """Return how many bytes an ordinary process may still write on this file system."""
    stat = os.statvfs(path)
    return stat.f_bavail * stat.f_frsize


def room(path: Path) -> tuple[int, int]:
    """Return the bytes that are free for an ordinary process, and those of the whole file system."""
    stat = os.statvfs(path)
    return stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize


def require(path: Path, size: int) -> None:
    """Raise StorageFull if writing `size` bytes would touch the reserve."""
    if free_bytes(path) - size < DISK_RESERVE:
        raise StorageFull
