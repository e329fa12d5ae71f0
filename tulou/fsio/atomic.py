"""Make files durable: write, fsync, rename, fsync every directory whose entries changed."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tulou.fsio import faults

_ROUNDS = 1_000
_NO_HARD_LINKS = frozenset({errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK})
"""Another file system, one that has no hard links, or a file that has too many."""


def sync_dir(path: Path) -> None:
    """Make the entries of a directory durable."""
    faults.io("open")
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        faults.io("fsync")
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_file(path: Path) -> None:
    """Make the content of a closed file durable."""
    faults.io("open")
    fd = os.open(path, os.O_RDONLY)
    try:
        faults.io("fsync")
        os.fsync(fd)
    finally:
        os.close(fd)


def make_dirs(path: Path) -> None:
    """Create a directory and its parents, each durable in its own parent."""
    if path.is_dir():
        return
    make_dirs(path.parent)
    faults.io("mkdir")
    path.mkdir(exist_ok=True)
    sync_dir(path.parent)


def publish(source: Path, target: Path) -> None:
    """Move a finished file on the same file system to its final name, durably.

    Write order: 1 content synced   2 renamed   3 directory synced.
    Crash before 2: only the temporary file, swept at the next start. After 2: the whole file under its name.
    """
    sync_file(source)
    make_dirs(target.parent)
    faults.point("publish.synced")
    faults.io("rename")
    os.replace(source, target)
    faults.point("publish.renamed")
    sync_dir(target.parent)


def write_file(target: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a small file so that a reader or a crash sees the old or the new content, never between."""
    make_dirs(target.parent)
    with _beside(target) as temporary:
        faults.io("open")
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(fd, "wb") as file:
            faults.io("write")
            file.write(content)
            file.flush()
            faults.io("fsync")
            os.fsync(file.fileno())
        faults.io("rename")
        os.replace(temporary, target)
    sync_dir(target.parent)


def link(source: Path, target: Path) -> None:
    """Give a file a second name if it has none there yet. For caches: not synced."""
    faults.io("mkdir")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        faults.io("link")
        os.link(source, target)
    except FileExistsError:
        return
    except OSError as problem:
        if problem.errno not in _NO_HARD_LINKS:
            raise
        with _beside(target) as temporary:
            temporary.symlink_to(source.resolve())
            os.replace(temporary, target)


def link_read_only(source: Path, folder: int, name: str) -> bool:
    """Make a file read-only and give it a second name in an open folder. False where that cannot be: copy it then."""
    faults.io("link")
    if source.stat().st_mode & 0o777 != 0o444:
        source.chmod(0o444)
    try:
        os.link(source, name, dst_dir_fd=folder)
    except OSError as problem:
        if problem.errno not in _NO_HARD_LINKS:
            raise
        return False
    return True


def replace_cached(target: Path, content: bytes) -> None:
    """Swap a cache file in one step, without syncing: losing it costs nothing."""
    with _beside(target) as temporary:
        faults.io("write")
        temporary.write_bytes(content)
        faults.io("rename")
        os.replace(temporary, target)


def publish_cached_tree(source: Path, target: Path) -> bool:
    """Move a finished folder on the same file system to its name in a cache, without syncing. False: one is there already.

    Crash before: the unfinished folder only, swept with the folder it was made in.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        faults.io("rename")
        os.rename(source, target)
    except OSError as problem:
        if problem.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise
        remove_tree(source)
        return False
    return True


def move_cached(source: Path, target: Path) -> None:
    """Give a file or folder of a cache its final name in one step, without syncing. What had the name before is deleted.

    Write order: 1 the old one deleted   2 renamed. Crash between: nothing is there, and the cache makes it again.
    """
    faults.io("mkdir")
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        remove_tree(target)
    faults.io("rename")
    os.replace(source, target)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Yield a fresh name in the folder of `target`; whatever has it when the block fails is deleted."""
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        yield temporary
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove(path: Path) -> None:
    """Delete a file if it is there."""
    path.unlink(missing_ok=True)


def remove_at(folder: int, name: str) -> None:
    """Delete a file, or an empty folder, of an open folder, if it is there."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except IsADirectoryError:
        os.rmdir(name, dir_fd=folder)


def link_at(source: tuple[int, str], target: tuple[int, str]) -> None:
    """Give a file of an open folder a second name in another, without following links."""
    os.link(source[1], target[1], src_dir_fd=source[0], dst_dir_fd=target[0], follow_symlinks=False)


def remove_tree(path: Path) -> None:
    """Delete a folder and everything in it, without following links. What somebody else deletes meanwhile is no problem.

    Folders inside folders are moved up before they are emptied: programs nest them deeper than a path, or a stack, can be long.
    """
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    for _ in range(_ROUNDS):
        waiting = [path]
        while waiting:
            folder = waiting.pop()
            waiting += _empty(folder, path)
            _drop(folder)
        if not path.exists():
            return
    path.rmdir()


def _drop(folder: Path) -> None:
    """Delete a folder that is empty, and leave one that another remover still has something to move out of."""
    try:
        folder.rmdir()
    except OSError as problem:
        if problem.errno not in {errno.ENOENT, errno.ENOTEMPTY}:
            raise


def _empty(folder: Path, top: Path) -> list[Path]:
    """Delete the files of a folder, move its folders to `top` under new names, and return where they are now."""
    moved: list[Path] = []
    with suppress(FileNotFoundError), os.scandir(_readable(folder)) as entries:
        for entry in list(entries):
            with suppress(FileNotFoundError):
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
                    continue
                target = top / f".{secrets.token_hex(12)}"
                os.rename(_readable(Path(entry.path)), target)
                moved.append(target)
    return moved


def _readable(folder: Path) -> Path:
    """Open a folder to its owner, whatever a program made of it: an ordinary user could not delete what is in it."""
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK, follow_symlinks=False):
        folder.chmod(0o700)
    return folder


@contextmanager
def scratch(work: Path, label: str) -> Iterator[Path]:
    """Yield a fresh empty folder under `work` and delete it afterwards."""
    folder = work / f"{label}-{secrets.token_hex(6)}"
    faults.io("mkdir")
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        remove_tree(folder)


def temporary_file(work: Path, label: str) -> Path:
    """Return a fresh name under `work`, not yet created."""
    faults.io("mkdir")
    work.mkdir(parents=True, exist_ok=True)
    return work / f"{label}-{secrets.token_hex(8)}"
