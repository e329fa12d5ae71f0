"""Read xorbs: a run of compressed chunks, each behind an 8-byte header, and the table of where each chunk is."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import lz4.frame

from tulou.kernel.errors import WireError
from tulou.kernel.limits import XORB_CHUNK, XORB_CHUNKS, XORB_RAW
from tulou.wire.xet_hash import chunk_hash, xorb_hash

HEADER_BYTES = 8
MOST_STORED = XORB_RAW + HEADER_BYTES * XORB_CHUNKS
"""Clients cut a xorb at 64 MiB of raw bytes; the headers come on top."""
_HEADER = struct.Struct("<II")
_COUNT = struct.Struct("<I")
_LEGACY_FOOTER = b"XETBLOB"

STORED, LZ4, GROUPED_LZ4 = 0, 1, 2
"""Compression schemes. The last sorts bytes by their place in a 4-byte word before compressing."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk in a xorb: where its header begins, its stored and raw lengths in bytes, and how it is compressed."""

    offset: int
    stored: int
    scheme: int
    raw: int

    @property
    def end(self) -> int:
        """The offset behind its last byte."""
        return self.offset + HEADER_BYTES + self.stored


def chunks(content: memoryview) -> Iterator[Chunk]:
    """Yield the chunks of a xorb or of a run of whole chunks, up to its end or a footer of old clients. Raises WireError."""
    offset, size = 0, len(content)
    while offset < size and content[offset : offset + len(_LEGACY_FOOTER)] != _LEGACY_FOOTER:
        chunk = _chunk_at(content, offset)
        if chunk.end > size:
            raise WireError("The xorb ends inside a chunk.")
        yield chunk
        offset = chunk.end


def _chunk_at(content: memoryview, offset: int) -> Chunk:
    if offset + HEADER_BYTES > len(content):
        raise WireError("The xorb ends inside a chunk header.")
    low, high = _HEADER.unpack_from(content, offset)
    version, stored, scheme, raw = low & 0xFF, low >> 8, high & 0xFF, high >> 8
    if version != 0 or scheme > GROUPED_LZ4:
        raise WireError("The xorb has a chunk of an unknown version or compression.")
    if not 0 < raw <= XORB_CHUNK or not 0 < stored <= 2 * XORB_CHUNK or (scheme == STORED and stored != raw):
        raise WireError("The xorb has a chunk of an impossible length.")
    return Chunk(offset, stored, scheme, raw)


def decode(content: memoryview, chunk: Chunk) -> bytes | bytearray | memoryview:
    """Return the raw bytes of a chunk; never more than its header says. Raises WireError."""
    payload = content[chunk.offset + HEADER_BYTES : chunk.end]
    if chunk.scheme == STORED:
        return payload
    decompressor = lz4.frame.LZ4FrameDecompressor()
    try:
        raw = decompressor.decompress(payload, max_length=chunk.raw + 1)
    except RuntimeError as cause:
        raise WireError("A chunk is not valid LZ4.") from cause
    if len(raw) != chunk.raw or not decompressor.eof or decompressor.unused_data:
        raise WireError("A chunk does not have the length that its header says.")
    return ungroup(raw) if chunk.scheme == GROUPED_LZ4 else raw


def ungroup(grouped: bytes) -> bytearray:
    """Undo the 4-way byte grouping: the first quarter holds bytes 0, 4, 8 …; earlier quarters take the remainder."""
    size = len(grouped)
    quarter, rest = divmod(size, 4)
    raw = bytearray(size)
    start = 0
    for lane in range(4):
        length = quarter + (lane < rest)
        raw[lane::4] = grouped[start : start + length]
        start += length
    return raw


def decoded(content: bytes) -> Iterator[bytes | bytearray | memoryview]:
    """Yield the raw bytes of every chunk in a run of whole chunks."""
    view = memoryview(content)
    for chunk in chunks(view):
        yield decode(view, chunk)


_SCHEME_AT = 4
"""Where in a chunk's header the kind of compression stands."""


class ChunkTable:
    """Where the chunks of one xorb are.

    `hashes` is their 32-byte hashes in a row; `stored` and `raw` are the offsets where each begins and, last, where
    all end, in the stored and in the uncompressed bytes. About 40 bytes a chunk.
    """

    __slots__ = ("count", "hashes", "raw", "stored")

    def __init__(self, hashes: bytes, stored: array[int], raw: array[int]) -> None:
        self.hashes, self.stored, self.raw = hashes, stored, raw
        self.count = len(stored) - 1

    def hash_at(self, index: int) -> bytes:
        """Return the hash of one chunk."""
        return self.hashes[32 * index : 32 * index + 32]

    def raw_length(self, index: int) -> int:
        """Return the uncompressed length of one chunk."""
        return self.raw[index + 1] - self.raw[index]

    @property
    def stored_size(self) -> int:
        """Bytes of the whole xorb as it is kept."""
        return self.stored[-1]

    @property
    def raw_size(self) -> int:
        """Bytes of all its chunks, uncompressed."""
        return self.raw[-1]

    def unpacked(self, stored: bytes, first: int, end: int) -> bytes:
        """Return the raw bytes of the chunks `first` ≤ i < `end`, of which `stored` is what the xorb holds. Raises WireError.

        Where no chunk is compressed, as with most weights, no header is parsed: the table says where each chunk lies.
        """
        view, base = memoryview(stored), self.stored[first]
        begins = [offset - base for offset in self.stored[first : end + 1]]
        if len(stored) == begins[-1] and not any(stored[at + _SCHEME_AT] for at in begins[:-1]):
            return b"".join([view[at + HEADER_BYTES : until] for at, until in pairwise(begins)])
        return b"".join(decoded(stored))

    def to_bytes(self) -> bytes:
        """Return the form of the sidecar object: count, stored offsets, raw offsets, hashes; little endian."""
        return _COUNT.pack(self.count) + _little(self.stored).tobytes() + _little(self.raw).tobytes() + self.hashes

    @classmethod
    def from_bytes(cls, content: bytes) -> ChunkTable:
        """Read a sidecar object. Raises WireError."""
        count = _COUNT.unpack_from(content)[0] if len(content) >= _COUNT.size else 0
        width = 4 * (count + 1)
        if not 0 < count <= XORB_CHUNKS or len(content) != _COUNT.size + 2 * width + 32 * count:
            raise WireError("The chunk table has a wrong length.")
        stored, raw = array("I"), array("I")
        stored.frombytes(content[4 : 4 + width])
        raw.frombytes(content[4 + width : 4 + 2 * width])
        return cls(content[4 + 2 * width :], _little(stored), _little(raw))


def _little(numbers: array[int]) -> array[int]:
    if sys.byteorder == "little":
        return numbers
    swapped = array("I", numbers)
    swapped.byteswap()
    return swapped


def verify(content: memoryview, expected: bytes) -> ChunkTable:
    """Decompress and hash every chunk, and check that together they have the name `expected`. Raises WireError."""
    stored, raw = array("I", [0]), array("I", [0])
    nodes: list[tuple[bytes, int]] = []
    for chunk in chunks(content):
        if len(nodes) >= XORB_CHUNKS or chunk.end > MOST_STORED or raw[-1] + chunk.raw > XORB_RAW:
            raise WireError("The xorb is larger than the format allows.")
        nodes.append((chunk_hash(decode(content, chunk)), chunk.raw))
        stored.append(chunk.end)
        raw.append(raw[-1] + chunk.raw)
    if not nodes:
        raise WireError("The xorb is empty.")
    if xorb_hash(nodes) != expected:
        raise WireError("The content of the xorb does not have the hash it was sent under.")
    return ChunkTable(b"".join([node for node, _ in nodes]), stored, raw)
