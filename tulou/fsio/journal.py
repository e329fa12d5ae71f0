"""A file that only grows by whole lines: readers see a line or nothing of it."""

from __future__ import annotations

import os


def append(path: str, line: bytes, *, durable: bool = False) -> None:
    """Add one line, which ends with a newline: one write call, so a crash leaves all of it, or a full disk a part."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, line)
        if durable:
            os.fdatasync(fd)
    finally:
        os.close(fd)


def lines(path: str) -> list[bytes]:
    """Return the whole lines so far, without their ends; an unfinished last one is left out. Raises FileNotFoundError."""
    with open(path, "rb") as file:
        return file.read().split(b"\n")[:-1]
