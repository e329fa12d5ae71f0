"""Bring a root file system into the hub as an image: unpacked below its own folder, whatever the archive says."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tulou.features.runs import images
from tulou.fsio import atomic, space
from tulou.kernel.errors import AlreadyExists, BadInput, NotFound
from tulou.kernel.limits import IMAGE_BYTES, IMAGE_FILES, MIB
from tulou.platform.machinery import Machinery

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEVER = frozenset({"proc", "sys", "dev"})
"""What every run gets new."""
_SHELLS = ("bin/sh", "usr/bin/sh", "usr/local/bin/sh")


@dataclass(frozen=True, slots=True)
class Imported:
    """An image: its name, the files and bytes that it has, and what of the archive was left out."""

    name: str
    files: int
    bytes: int
    left_out: int


def add(m: Machinery, name: str, source: Path) -> Imported:
    """Unpack a tar archive of a root file system, or copy a folder with one. Raises InvalidName, AlreadyExists, BadInput.

    Write order: 1 everything in a scratch folder   2 renamed to its name. Crash before 2: swept at the next start.
    Programs of runs read it as users of their own, so everything becomes readable to all; nothing in it keeps an owner,
    a set-user-id bit or a device.
    """
    target = images.folder_for(m, name)
    if target.exists():
        raise AlreadyExists(f"There is an image of that name. Remove it first: tulou image rm {name}")
    with atomic.scratch(m.work, "image") as scratch:
        tree = _Tree(scratch / "image" / images.ROOT)
        try:
            if source.is_dir():
                _copy(tree, source)
            else:
                _unpack(tree, source)
        except tarfile.TarError as cause:
            raise BadInput("That file is no tar archive, or it is damaged.") from cause
        except FileNotFoundError as cause:
            raise BadInput("There is no such file or folder.") from cause
        if not any(os.path.lexists(tree.root / shell) for shell in _SHELLS):
            raise BadInput(
                "That is no root file system: it has no /bin/sh. Export one with: docker export CONTAINER > FILE.tar "
                "(docker save makes another kind of archive)."
            )
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        atomic.publish_cached_tree(scratch / "image", target)
    return Imported(name, tree.files, tree.bytes, tree.left_out)


def remove(m: Machinery, name: str) -> None:
    """Delete an image. Runs that use it keep what they have open, and fail where they need more. Raises NotFound."""
    target = images.folder_for(m, name)
    if not target.is_dir():
        raise NotFound("There is no such image.")
    atomic.remove_tree(target)


class _Tree:
    """A fresh folder to unpack into. No name is opened through a link, so none can lead out of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = self.bytes = self.left_out = 0
        root.mkdir(parents=True)
        root.chmod(0o755)

    def folder(self, path: str, mode: int) -> None:
        """Make a folder."""
        fd = self._open_folder(PurePosixPath(path).parts)
        os.fchmod(fd, 0o755 | (mode & 0o1777))
        os.close(fd)

    def file(self, path: str, mode: int, blocks: Iterator[bytes]) -> None:
        """Write a file; one that is there already gives way, as later entries of an archive do."""
        parent, name = self._parent(path)
        try:
            self._clear(parent, name)
            with os.fdopen(os.open(name, _NEW_FILE, 0o600, dir_fd=parent), "wb") as file:
                for block in blocks:
                    self._count(len(block))
                    file.write(block)
                os.fchmod(file.fileno(), 0o755 if mode & 0o111 else 0o644)
        finally:
            os.close(parent)
        self._add_file()

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link. It may say anything: it is followed inside the sandbox only."""
        parent, name = self._parent(path)
        try:
            self._clear(parent, name)
            os.symlink(target, name, dir_fd=parent)
        finally:
            os.close(parent)
        self._add_file()

    def same(self, path: str, first: str) -> None:
        """Give a file that was unpacked before a second name."""
        place, source = self._parent(path), self._parent(first)
        try:
            self._clear(*place)
            atomic.link_at(source, place)
        except FileNotFoundError as cause:
            raise BadInput("The archive names a file by a second name before the first.") from cause
        finally:
            os.close(place[0])
            os.close(source[0])
        self._add_file()

    def skip(self) -> None:
        """Count an entry that is left out."""
        self.left_out += 1

    @staticmethod
    def _clear(parent: int, name: str) -> None:
        try:
            atomic.remove_at(parent, name)
        except OSError as cause:
            raise BadInput("The archive puts a file in the place of a folder.") from cause

    def _parent(self, path: str) -> tuple[int, str]:
        *folders, name = PurePosixPath(path).parts
        return self._open_folder(tuple(folders)), name

    def _open_folder(self, parts: tuple[str, ...]) -> int:
        at = os.open(self.root, _FOLDER)
        for part in parts:
            try:
                at = self._enter(at, part)
            except OSError as cause:
                raise BadInput("The archive puts a file below something that is not a folder.") from cause
        return at

    @staticmethod
    def _enter(at: int, part: str) -> int:
        """Return the folder `part` of an open one, made if need be, and close that one."""
        try:
            is_new = False
            with suppress(FileExistsError):
                os.mkdir(part, 0o755, dir_fd=at)
                is_new = True
            below = os.open(part, _FOLDER, dir_fd=at)
        finally:
            os.close(at)
        if is_new:
            os.fchmod(below, 0o755)  # whatever the umask says
        return below

    def _add_file(self) -> None:
        self.files += 1
        if self.files > IMAGE_FILES:
            raise BadInput(f"An image has at most {IMAGE_FILES} files.")

    def _count(self, size: int) -> None:
        self.bytes += size
        if self.bytes > IMAGE_BYTES:
            raise BadInput(f"An image has at most {IMAGE_BYTES >> 30} GiB.")
        if self.bytes % (64 * MIB) < size:
            space.require(self.root, 64 * MIB)


def _unpack(tree: _Tree, source: Path) -> None:
    with tarfile.open(source, "r:*") as archive:
        for entry in archive:
            path = _inside(entry.name)
            if path is None:
                tree.skip()
            elif entry.isdir():
                tree.folder(path, entry.mode)
            elif entry.isreg():
                tree.file(path, entry.mode, _blocks_of(archive, entry))
            elif entry.issym():
                tree.link(path, entry.linkname)
            elif entry.islnk() and (first := _inside(entry.linkname)) is not None:
                tree.same(path, first)
            else:
                tree.skip()


def _copy(tree: _Tree, source: Path) -> None:
    for folder, names, files in os.walk(source, followlinks=False):
        here = Path(folder).relative_to(source)
        for name in [*names, *files]:
            place, path = Path(folder) / name, _inside((here / name).as_posix())
            if path is None:
                tree.skip()
            elif place.is_symlink():
                tree.link(path, str(place.readlink()))
            elif place.is_dir():
                tree.folder(path, place.stat().st_mode)
            elif place.is_file():
                tree.file(path, place.stat().st_mode, _blocks(place))
            else:
                tree.skip()
        names[:] = [name for name in names if not (Path(folder) / name).is_symlink() and _inside((here / name).as_posix())]


def _inside(name: str) -> str | None:
    """Return the path of an entry below the root; None for the root itself, and for what has no business in an image."""
    path = PurePosixPath(name)
    parts = [part for part in path.parts if part not in {"/", "."}]
    if not parts or ".." in parts or path.is_absolute() or parts[0] in _NEVER or "\0" in name:
        return None
    return "/".join(parts)


def _blocks_of(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> Iterator[bytes]:
    opened = archive.extractfile(entry)
    while opened is not None and (block := opened.read(MIB)):
        yield block


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(MIB):
            yield block
