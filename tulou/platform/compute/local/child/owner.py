"""What a run may write to: whose it is, and how much there is of it."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

TOO_MUCH = 3
"""How the process that measures ends if there is more than allowed."""
_BLOCK, _SMALLEST = 512, 4096
_POLITE = 10
_DEEPEST = 200
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def give(path: str, uid: int, *, is_final: bool = False) -> None:
    """Make `uid` the owner of a file, or of a folder and all that is in it. Links are not followed. Raises OSError.

    A file with a name elsewhere is left alone: that may lie in the hub's store, which is nobody's to change. In the end no file
    may lend its owner's rights to others (setuid): where the hub is no root, runs write as its user.
    """
    if os.geteuid() == 0:
        os.chown(path, uid, uid, follow_symlinks=False)
    if os.path.isdir(path) and not os.path.islink(path):
        linked: Counter[tuple[int, int]] = Counter()
        whole: set[tuple[int, int]] = set()
        for name, within, found in _entries(path):
            if stat.S_ISDIR(found.st_mode) or found.st_nlink == 1:
                _give(name, within, found, uid, is_final=is_final)
                continue
            inode = found.st_dev, found.st_ino
            linked[inode] += 1
            if linked[inode] == found.st_nlink:
                whole.add(inode)  # all its names are here: programs link within what is theirs
        for name, within, found in _entries(path) if whole else ():
            if (found.st_dev, found.st_ino) in whole:
                _give(name, within, found, uid, is_final=is_final)


def _entries(path: str) -> Iterator[tuple[str, int, os.stat_result]]:
    """Yield everything in a folder and below: its name, the open folder that it is in, and what is known of it."""
    for within, names in _folders(path):
        for name in names:
            try:
                found = os.stat(name, dir_fd=within, follow_symlinks=False)
            except FileNotFoundError:
                continue  # somebody else of the hub is deleting here
            yield name, within, found


def _folders(path: str) -> Iterator[tuple[int, list[str]]]:
    """Yield a folder and each below it, open, with the names in it. Nothing may move them meanwhile.

    One is open at a time: programs nest folders deeper than a stack is high, and deeper than there are descriptors.
    """
    at = os.open(path, _FOLDER)
    above: list[tuple[list[str], tuple[int, int]]] = []
    try:
        while True:
            with os.scandir(at) as entries:
                found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
            yield at, [name for name, _ in found]
            above.append(([name for name, is_folder in found if is_folder], _identity(at)))
            below = -1
            while above and below < 0:
                names = above[-1][0]
                if names:
                    with suppress(FileNotFoundError, PermissionError):
                        below = os.open(names.pop(), _FOLDER, dir_fd=at)
                else:
                    above.pop()
                    at = _up(at)
                    if above and _identity(at) != above[-1][1]:
                        return  # somebody of the hub is taking it away
            if below < 0:
                return
            os.close(at)
            at = below
    finally:
        os.close(at)


def _up(at: int) -> int:
    above = os.open("..", _FOLDER, dir_fd=at)
    os.close(at)
    return above


def _identity(at: int) -> tuple[int, int]:
    found = os.fstat(at)
    return found.st_dev, found.st_ino


def _give(name: str, within: int, found: os.stat_result, uid: int, *, is_final: bool) -> None:
    lends = found.st_mode & (stat.S_ISUID | stat.S_ISGID)
    with suppress(FileNotFoundError):
        if found.st_uid != uid:
            os.chown(name, uid, uid, dir_fd=within, follow_symlinks=False)
        if is_final and lends and not stat.S_ISLNK(found.st_mode):
            os.chmod(name, stat.S_IMODE(found.st_mode) & ~lends, dir_fd=within)


def measure(paths: list[str], limit: int) -> int:
    """Start a process that ends with TOO_MUCH if these folders hold more than `limit` bytes, and return its id."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.nice(_POLITE)
            code = TOO_MUCH if _holds_more(paths, limit) else 0
        finally:
            os._exit(code)
    return pid


def _holds_more(paths: list[str], limit: int) -> bool:
    total = 0
    for path in paths:
        for folder, folders, files, within in os.fwalk(path):
            if folder.count("/") > path.count("/") + _DEEPEST:
                return True  # what is below could not be measured: there are no more descriptors
            for name in (*folders, *files):
                with suppress(FileNotFoundError):
                    # However small, a file takes room: a million empty ones count too.
                    total += max(_SMALLEST, os.stat(name, dir_fd=within, follow_symlinks=False).st_blocks * _BLOCK)
            if total > limit:
                return True
    return False
