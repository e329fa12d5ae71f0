"""What the footer of a Parquet file says about where its pages lie, read without decoding any data."""

from __future__ import annotations

import os
import struct
from array import array
from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tulou.kernel.errors import WireError
from tulou.platform.tabular.child.problems import Unreadable
from tulou.wire import thrift

FOOTER_BYTES = 1 << 20
"""A longer footer takes this pure Python parser a second and forty times its size; pyarrow reads such a file instead."""
_WALKED_PAGES = 4_096
_HEADER = 4_096
_KEPT_PAGES = 100_000
_INDEX_BYTES = 4 << 20
_MAGIC = b"PAR1"

# Field numbers of parquet.thrift.
_SCHEMA, _GROUPS = 2, 4
_CHILDREN, _REPETITION = 5, 3
_REPEATED = 2
_G_COLUMNS, _G_ROWS = 1, 3
_C_META, _C_OFFSET_INDEX, _C_OFFSET_INDEX_LENGTH, _C_CRYPTO = 3, 4, 5, 8
_M_PATH, _M_SIZE, _M_DATA, _M_DICTIONARY = 3, 7, 9, 11
_H_TYPE, _H_UNPACKED, _H_PACKED, _H_V1, _H_V2 = 1, 2, 3, 5, 8
_DATA, _DATA_V2 = 0, 3


@dataclass(frozen=True, slots=True)
class Pages:
    """The data pages of a column chunk: the first row of each in its group, and where its header and body lie."""

    rows: array[int]
    offsets: array[int]
    sizes: array[int]

    def add(self, row: int, offset: int, size: int) -> None:
        """Append a page."""
        self.rows.append(row)
        self.offsets.append(offset)
        self.sizes.append(size)

    def is_sound(self, rows: int) -> bool:
        """Say whether pages follow each other, begin with the first row and lie within a group of so many rows."""
        if not self.rows:
            return rows == 0
        is_ordered = all(one < other for one, other in pairwise(self.rows))
        lies_within = self.rows[0] == 0 and self.rows[-1] < rows
        return is_ordered and lies_within and min(self.sizes) > 0 and min(self.offsets) >= 0


def _no_pages() -> Pages:
    return Pages(array("q"), array("q"), array("q"))


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column that holds values. `path` are the schema elements from the root to it."""

    path: tuple[int, ...]
    name: str
    """The top-level column that it is a part of."""
    is_repeated: bool


class LongFooter(Exception):
    """The footer is too long for this parser."""


class Footer:
    """The footer of an open file, and the page indexes that were asked for."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.meta = _footer(fd)
        try:
            self.groups: list[thrift.Struct] = self.meta[_GROUPS][1][1]
            self.schema: list[thrift.Struct] = self.meta[_SCHEMA][1][1]
            self.starts = [0]
            for group in self.groups:
                self.starts.append(self.starts[-1] + group[_G_ROWS][1])
            self.leaves = _leaves(self.schema)
        except (KeyError, IndexError, TypeError) as cause:
            raise Unreadable("The footer of the Parquet file is damaged.") from cause
        self._pages: OrderedDict[tuple[int, int], Pages | None] = OrderedDict()
        self._kept = 0
        self.bytes_read = 0

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes of the file."""
        content = os.pread(self._fd, length, offset) if offset >= 0 <= length else b""
        self.bytes_read += len(content)
        return content

    def rows(self, group: int) -> int:
        """Return how many rows a group has."""
        return self.starts[group + 1] - self.starts[group]

    def chunk(self, group: int, leaf: int) -> thrift.Struct:
        """Return the description of a column chunk. Raises Unreadable for an encrypted one."""
        try:
            found: thrift.Struct = self.groups[group][_G_COLUMNS][1][1][leaf]
        except (KeyError, IndexError, TypeError) as cause:
            raise Unreadable("The footer of the Parquet file is damaged.") from cause
        if _C_CRYPTO in found or _C_META not in found:
            raise Unreadable("The Parquet file is encrypted.")
        return found

    def pages(self, group: int, leaf: int) -> Pages | None:
        """Return the pages of a column chunk; None when nothing says which rows they hold."""
        key = (group, leaf)
        if key not in self._pages:
            found = self._find_pages(group, leaf)
            self._pages[key] = found
            self._kept += len(found.rows) if found else 0
            while self._kept > _KEPT_PAGES and len(self._pages) > 1:
                _key, dropped = self._pages.popitem(last=False)
                self._kept -= len(dropped.rows) if dropped else 0
        self._pages.move_to_end(key)
        return self._pages[key]

    def _find_pages(self, group: int, leaf: int) -> Pages | None:
        chunk = self.chunk(group, leaf)
        try:
            found = self._indexed(chunk) if _C_OFFSET_INDEX in chunk else self._walked(chunk, self.leaves[leaf].is_repeated)
        except (KeyError, IndexError, TypeError, OverflowError, WireError):
            return None  # a damaged index: the data itself may be well
        return found if found is not None and found.is_sound(self.rows(group)) else None

    def _indexed(self, chunk: thrift.Struct) -> Pages:
        raw = self.read(chunk[_C_OFFSET_INDEX][1], min(chunk[_C_OFFSET_INDEX_LENGTH][1], _INDEX_BYTES))
        found = _no_pages()
        for place in thrift.Reader(raw).struct()[1][1][1]:
            found.add(place[3][1], place[1][1], place[2][1])
        return found

    def _walked(self, chunk: thrift.Struct, is_repeated: bool) -> Pages | None:  # noqa: FBT001 - private
        """Read the header of every page of a chunk: without repetition, values are rows."""
        at, end = extent(chunk[_C_META][1])
        row, found = 0, _no_pages()
        while at < end:
            if len(found.rows) >= _WALKED_PAGES:
                return None
            reader = thrift.Reader(self.read(at, min(_HEADER, end - at)))
            header = reader.struct()
            size = reader.at + header[_H_PACKED][1]
            if header[_H_TYPE][1] in {_DATA, _DATA_V2}:
                if is_repeated and header[_H_TYPE][1] == _DATA:
                    return None
                found.add(row, at, size)
                row += header[_H_V1][1][1][1] if header[_H_TYPE][1] == _DATA else header[_H_V2][1][3][1]
            at += max(1, size)
        return found


def extent(meta: thrift.Struct) -> tuple[int, int]:
    """Return where a column chunk begins and ends."""
    start = min(meta[_M_DATA][1], meta[_M_DICTIONARY][1]) if _has_dictionary(meta) else meta[_M_DATA][1]
    return start, start + meta[_M_SIZE][1]


def dictionary_extent(meta: thrift.Struct, pages: Pages) -> tuple[int, int] | None:
    """Return where the dictionary page of a chunk lies, if it has one."""
    if not _has_dictionary(meta):
        return None
    start, end = meta[_M_DICTIONARY][1], meta[_M_DATA][1]
    # Some writers let the data begin at the dictionary.
    return (start, end) if start < end else (start, pages.offsets[0])


def values_of(header: thrift.Struct) -> tuple[int, int]:
    """Return how many values a data page holds, and its size when unpacked."""
    body = header[_H_V1] if _H_V1 in header else header[_H_V2]
    return int(body[1][1][1]), int(header[_H_UNPACKED][1])


def _has_dictionary(meta: thrift.Struct) -> bool:
    return _M_DICTIONARY in meta and 0 < meta[_M_DICTIONARY][1] <= meta[_M_DATA][1]


def _footer(fd: int) -> thrift.Struct:
    size = os.fstat(fd).st_size
    tail = os.pread(fd, 8, max(0, size - 8))
    if tail[4:] == b"PARE":
        raise Unreadable("The Parquet file is encrypted.")
    if size < 12 or tail[4:] != _MAGIC:
        raise Unreadable("This is no Parquet file, or its end is missing.")
    length = struct.unpack("<I", tail[:4])[0]
    if length > min(FOOTER_BYTES, size - 8):
        raise Unreadable("The footer of the Parquet file is damaged.") if length > size - 8 else LongFooter
    try:
        return thrift.Reader(os.pread(fd, length, size - 8 - length)).struct()
    except WireError as cause:
        raise Unreadable("The footer of the Parquet file is damaged.") from cause


def _leaves(schema: list[thrift.Struct]) -> list[Leaf]:
    found: list[Leaf] = []

    def walk(at: int, path: tuple[int, ...]) -> int:
        if len(path) > 64:
            raise Unreadable("The schema of the Parquet file is nested too deeply.")
        count = schema[at].get(_CHILDREN, (0, 0))[1]
        here = (*path, at)
        if not count:
            if len(here) > 1:
                found.append(Leaf(here, _name(schema[here[1]]), _is_repeated(schema, here)))
            return at + 1
        after = at + 1
        for _ in range(count):
            after = walk(after, here)
        return after

    walk(0, ())
    return found


def _name(element: thrift.Struct) -> str:
    return bytes(element[4][1]).decode("utf-8", "replace")


def _is_repeated(schema: list[thrift.Struct], path: tuple[int, ...]) -> bool:
    return any(schema[at].get(_REPETITION, (0, 0))[1] == _REPEATED for at in path[1:])


def open_file(path: Path) -> int:
    """Open a file for reading."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def close_file(fd: int) -> None:
    """Close what `open_file` opened."""
    os.close(fd)


def metadata(footer: Footer, group: int, leaf: int) -> dict[int, Any]:
    """Return a copy of the metadata of a column chunk."""
    return dict(footer.chunk(group, leaf)[_C_META][1])
