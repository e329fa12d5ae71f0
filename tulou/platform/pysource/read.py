"""Read the outline of Python packages in a child process: bounded in time, memory, input and output."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tulou.fsio import atomic
from tulou.kernel.limits import MIB

VERSION = 2
"""Grows when outlines say more, or something else: kept ones are made again."""
FILES = 4_000
FILE_BYTES = MIB
TOTAL_BYTES = 24 * MIB
OUTPUT_BYTES = 48 * MIB
SECONDS = 40
NAME_BYTES = 200
"""git keeps longer names than file systems do; nobody imports one."""
_PROGRAM = Path(__file__).parent / "child" / "outline.py"
_ONE_AT_A_TIME = threading.BoundedSemaphore(1)


class CannotRead(Exception):
    """The packages cannot be read: too large, too deep, or the reader ran out of time or memory."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a package, by its path below the folder of packages."""

    path: str
    content: bytes


def outline(work: Path, packages: list[str], files: Iterable[SourceFile]) -> bytes:
    """Return the outline as JSON. Raises CannotRead."""
    with atomic.scratch(work, "outline") as folder:
        _write(folder, files)
        with _ONE_AT_A_TIME, (folder / "..outline").open("w+b") as out:
            command = [sys.executable, "-I", "-X", "utf8", str(_PROGRAM), str(folder), *packages]
            environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
            try:
                done = subprocess.run(  # noqa: S603 - our own program, on a folder of our own
                    command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, env=environment, cwd=folder,
                    timeout=SECONDS, check=False,
                )  # fmt: skip
            except subprocess.TimeoutExpired as cause:
                raise CannotRead from cause
            size = out.seek(0, os.SEEK_END)
            if done.returncode != 0 or size > OUTPUT_BYTES:
                raise CannotRead
            out.seek(0)
            return out.read()


def _write(folder: Path, files: Iterable[SourceFile]) -> None:
    total = 0
    for number, file in enumerate(files):
        total += len(file.content)
        if number >= FILES or total > TOTAL_BYTES:
            raise CannotRead
        if len(file.content) <= FILE_BYTES and all(len(part.encode()) <= NAME_BYTES for part in file.path.split("/")):
            target = folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.content)
