"""Thrift's compact protocol without a schema: what Parquet writes its footers and page headers in.

A structure is a dictionary of (type, value) by field number, so that what is not understood is written back unchanged.
"""

from __future__ import annotations

import struct
from typing import Any, TypeAlias

from tulou.kernel.errors import WireError

Struct: TypeAlias = dict[int, tuple[int, Any]]

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
_DEPTH = 32
_MAX_VARINT = 10


class Reader:
    """Reads values from `at` on. Raises WireError for bytes that end too early or mean nothing."""

    def __init__(self, data: bytes | memoryview, at: int = 0) -> None:
        self._data = data
        self.at = at

    def struct(self, depth: int = 0) -> Struct:
        """Read a structure."""
        if depth > _DEPTH:
            raise WireError("The structure is nested too deeply.")
        found: Struct = {}
        field = 0
        while True:
            head = self._byte()
            if head == 0:
                return found
            kind = head & 15
            field = field + (head >> 4) if head >> 4 else self._zigzag()
            found[field] = (kind, self._value(kind, depth))

    def _value(self, kind: int, depth: int) -> Any:
        if kind in {TRUE, FALSE}:
            return kind == TRUE
        if kind in {I16, I32, I64}:
            return self._zigzag()
        if kind == BINARY:
            return self._take(self._varint())
        if kind == STRUCT:
            return self.struct(depth + 1)
        if kind in {LIST, SET}:
            return self._list(depth)
        if kind == BYTE:
            return struct.unpack("b", self._take(1))[0]
        if kind == DOUBLE:
            return self._take(8)
        raise WireError("The structure has a value of an unknown type.")

    def _list(self, depth: int) -> tuple[int, list[Any]]:
        if depth > _DEPTH:
            raise WireError("The structure is nested too deeply.")
        head = self._byte()
        kind, count = head & 15, head >> 4
        if count == 15:
            count = self._varint()
        # Each element takes at least one byte: a longer list is a lie that would cost memory.
        if count > len(self._data) - self.at:
            raise WireError("The structure ends too early.")
        if kind in {TRUE, FALSE}:
            return kind, [byte == TRUE for byte in self._take(count)]
        return kind, [self._value(kind, depth + 1) for _ in range(count)]

    def _zigzag(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)

    def _varint(self) -> int:
        # Most numbers of a footer have one byte, and a scattered read parses thousands of page headers.
        at = self.at
        if at < len(self._data) and self._data[at] < 128:
            self.at = at + 1
            return self._data[at]
        number = 0
        for shift in range(0, 7 * _MAX_VARINT, 7):
            byte = self._byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
        raise WireError("A number is too long.")

    def _byte(self) -> int:
        if self.at >= len(self._data):
            raise WireError("The structure ends too early.")
        self.at += 1
        return self._data[self.at - 1]

    def _take(self, count: int) -> bytes:
        if count > len(self._data) - self.at:
            raise WireError("The structure ends too early.")
        self.at += count
        return bytes(self._data[self.at - count : self.at])


def write(value: Struct) -> bytes:
    """Return the bytes of a structure."""
    out = bytearray()
    _struct(value, out)
    return bytes(out)


def _struct(value: Struct, out: bytearray) -> None:
    before = 0
    for field in sorted(value):
        kind, content = value[field]
        if kind in {TRUE, FALSE}:
            kind = TRUE if content else FALSE
        if 0 < field - before < 16:
            out.append((field - before) << 4 | kind)
        else:
            out.append(kind)
            _varint(_zigzagged(field), out)
        _value(kind, content, out)
        before = field
    out.append(0)


def _value(kind: int, content: Any, out: bytearray) -> None:
    if kind in {I16, I32, I64}:
        _varint(_zigzagged(content), out)
    elif kind == BINARY:
        _varint(len(content), out)
        out += content
    elif kind == STRUCT:
        _struct(content, out)
    elif kind in {LIST, SET}:
        _list(content[0], content[1], out)
    elif kind == BYTE:
        out += struct.pack("b", content)
    elif kind == DOUBLE:
        out += content


def _list(kind: int, items: list[Any], out: bytearray) -> None:
    if len(items) < 15:
        out.append(len(items) << 4 | kind)
    else:
        out.append(0xF0 | kind)
        _varint(len(items), out)
    for item in items:
        if kind in {TRUE, FALSE}:
            out.append(TRUE if item else FALSE)
        else:
            _value(kind, item, out)


def _zigzagged(number: int) -> int:
    return number << 1 if number >= 0 else ((-number) << 1) - 1


def _varint(number: int, out: bytearray) -> None:
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
