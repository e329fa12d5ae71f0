"""The files of one commit as a file system for the `datasets` library: read-only, and nothing beyond them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, ClassVar

import fsspec
from fsspec.spec import AbstractFileSystem

PROTOCOL = "repo"
ROOT = f"{PROTOCOL}://files"
"""Where the root folder of the repository is, for the library."""
_BLOCK = 1 << 20

Read = Callable[[int, int, int], bytes]
"""(number of the file, start, length) → bytes."""
Entry = dict[str, Any]


class Index:
    """Every path of the commit, known beforehand: looking around costs nothing."""

    def __init__(self, files: list[tuple[str, int]], read: Read) -> None:
        self.read = read
        self.numbers = {f"files/{path}": number for number, (path, _) in enumerate(files)}
        self.entries: dict[str, Entry] = {}
        self.inside: dict[str, list[Entry]] = {}
        self._enter({"name": "files", "size": 0, "type": "directory"})
        for path, size in files:
            self._enter({"name": f"files/{path}", "size": size, "type": "file"})

    def _enter(self, entry: Entry) -> None:
        name: str = entry["name"]
        if name in self.entries:
            return
        folder = name.rpartition("/")[0]
        if folder:
            self._enter({"name": folder, "size": 0, "type": "directory"})
        self.entries[name] = entry
        self.inside.setdefault(folder, []).append(entry)


class RepoFiles(AbstractFileSystem):  # type: ignore[misc]
    """The file system. The library makes one where it needs it, so what it shows belongs to the class."""

    protocol = PROTOCOL
    index: ClassVar[Index] = Index([], lambda _file, _start, _length: b"")

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(path).removeprefix(f"{PROTOCOL}://").strip("/")

    def info(self, path: str, **_options: Any) -> Entry:
        """Describe one entry."""
        name = self._strip_protocol(path)
        if name not in self.index.entries:
            raise FileNotFoundError(path)
        return self.index.entries[name]

    def ls(self, path: str, detail: bool = True, **_options: Any) -> list[Any]:  # noqa: FBT001, FBT002 - fsspec's signature
        """Return the entries of a folder, or the one that is a file."""
        found = self.info(path)
        entries = [found] if found["type"] == "file" else self.index.inside.get(found["name"], [])
        return list(entries) if detail else [entry["name"] for entry in entries]

    def _open(self, path: str, mode: str = "rb", **_options: Any) -> io.BufferedReader:
        if mode != "rb":
            raise PermissionError("the files of a commit cannot be written")
        found = self.info(path)
        if found["type"] != "file":
            raise IsADirectoryError(path)
        number, read = self.index.numbers[found["name"]], self.index.read
        return _Buffered(_Raw(lambda start, length: read(number, start, length), found["size"]), _BLOCK)


class _Buffered(io.BufferedReader):
    """A buffered file with the size that fsspec's archives ask for."""

    @property
    def size(self) -> int:
        """The size of the file in bytes."""
        return int(self.raw.size)  # type: ignore[attr-defined]


class _Raw(io.RawIOBase):
    """One file, read by ranges."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read = read
        self._at = 0
        self.size = size

    def readable(self) -> bool:
        """It can."""
        return True

    def seekable(self) -> bool:
        """It can."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go somewhere else; past the end there is nothing to read."""
        to = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence] + offset
        if to < 0:
            raise ValueError("a position before the start")
        self._at = to
        return to

    def readinto(self, buffer: Any) -> int:
        """Read up to the length of the buffer."""
        length = max(0, min(len(buffer), self.size - self._at))
        if length:
            buffer[:length] = self._read(self._at, length)
            self._at += length
        return length


def install(files: list[tuple[str, int]], read: Read) -> None:
    """Make these files what `repo://files` shows."""
    shown = type("RepoFilesHere", (RepoFiles,), {"index": Index(files, read)})
    fsspec.register_implementation(PROTOCOL, shown, clobber=True)
