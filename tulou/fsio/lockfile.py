"""Hold a data folder for one process at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from tulou.kernel.errors import SettingError


class FolderLock:
    """An advisory lock on a file; the kernel lets go of it when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as cause:
            os.close(self._fd)
            raise SettingError(f"Another tulou is already running on {path.parent}.") from cause
        os.ftruncate(self._fd, 0)
        os.write(self._fd, f"{os.getpid()}\n".encode())

    def note(self, line: str) -> None:
        """Write a line for others to read, after the one with the process id."""
        os.write(self._fd, f"{line}\n".encode())

    def release(self) -> None:
        """Let go of the folder."""
        os.close(self._fd)
