"""Read uploaded shards, which say of which chunks files are made, and write the shards that answer deduplication queries."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tulou.kernel.errors import WireError
from tulou.kernel.ids import Sha256
from tulou.kernel.limits import SHARD_ENTRIES
from tulou.wire.xet_hash import keyed_hash, sha256_of_words
from tulou.wire.xet_xorb import ChunkTable

TAG = b"HFRepoMetaData\0" + bytes.fromhex("556967456a7b815783a5bdd95ccdd14aa9")
RECORD = 48
"""Every record of a shard has this many bytes."""
HAS_RANGE_HASHES, HAS_SHA256 = 1 << 31, 1 << 30
END = b"\xff" * 32 + bytes(16)
FOOTER_BYTES = 200
_VERSION = 2
_HEADER = struct.Struct("<QQ")
_FLAGS_COUNT = struct.Struct("<II")
_FOUR = struct.Struct("<IIII")
_TERM = struct.Struct("<32sIIII")
_HASH = struct.Struct("<32s16x")


@dataclass(frozen=True, slots=True)
class Term:
    """A run of chunks `start` ≤ i < `end` of one xorb, `length` raw bytes together."""

    xorb: bytes
    length: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file as the uploader describes it. The records stay in the shard's bytes until asked for."""

    hash: bytes
    term_records: memoryview
    range_records: memoryview | None
    sha256: Sha256 | None

    def terms(self) -> Iterator[Term]:
        """Yield the terms in file order."""
        for xorb, _flags, length, start, end in _TERM.iter_unpack(self.term_records):
            yield Term(xorb, length, start, end)

    def range_hashes(self) -> Iterator[bytes]:
        """Yield one hash a term, the proof that the uploader knows its chunks. Raises WireError if there are none."""
        if self.range_records is None:
            raise WireError("The shard has no verification section.")
        for (value,) in _HASH.iter_unpack(self.range_records):
            yield value


@dataclass(frozen=True, slots=True)
class XorbEntry:
    """A xorb as the uploader describes it."""

    hash: bytes
    chunk_records: memoryview

    @property
    def count(self) -> int:
        """Number of chunks."""
        return len(self.chunk_records) // RECORD

    def chunks(self) -> Iterator[tuple[bytes, int, int]]:
        """Yield (chunk hash, raw offset, raw length)."""
        for value, offset, length, _flags, _unused in _TERM.iter_unpack(self.chunk_records):
            yield value, offset, length


@dataclass(frozen=True, slots=True)
class Shard:
    """The two sections of a shard."""

    files: list[FileEntry]
    xorbs: list[XorbEntry]


class _Reader:
    """Takes records off the front of a shard."""

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self.offset = 0

    def take(self, records: int) -> memoryview:
        end = self.offset + records * RECORD
        if end > len(self._content):
            raise WireError("The shard ends too early.")
        part = self._content[self.offset : end]
        self.offset = end
        return part


def parse(content: memoryview) -> Shard:
    """Read a shard without copying its records. Lookup tables and the footer behind the sections are ignored.

    Raises WireError.
    """
    reader = _Reader(content)
    header = reader.take(1)
    version, footer = _HEADER.unpack_from(header, 32)
    if header[:32] != TAG or version != _VERSION:
        raise WireError("The shard has an unknown format or version.")
    files = list(_files(reader))
    xorbs = list(_xorbs(reader))
    if footer == 0 and reader.offset != len(content):
        raise WireError("The shard has bytes behind its end.")
    return Shard(files, xorbs)


def _files(reader: _Reader) -> Iterator[FileEntry]:
    for _ in range(SHARD_ENTRIES):
        header = reader.take(1)
        if header[:32] == END[:32]:
            return
        flags, count = _FLAGS_COUNT.unpack_from(header, 32)
        terms = reader.take(count)
        ranges = reader.take(count) if flags & HAS_RANGE_HASHES else None
        sha256 = sha256_of_words(bytes(reader.take(1)[:32])) if flags & HAS_SHA256 else None
        yield FileEntry(bytes(header[:32]), terms, ranges, sha256)
    raise WireError("The shard names more files than this server accepts at once.")


def _xorbs(reader: _Reader) -> Iterator[XorbEntry]:
    for _ in range(SHARD_ENTRIES):
        header = reader.take(1)
        if header[:32] == END[:32]:
            return
        _flags, count, _raw, _stored = _FOUR.unpack_from(header, 32)
        yield XorbEntry(bytes(header[:32]), reader.take(count))
    raise WireError("The shard names more xorbs than this server accepts at once.")


def pack_terms(terms: Iterable[Term]) -> bytes:
    """Return the form in which a file's terms are stored: 44 bytes each."""
    return b"".join([term.xorb + struct.pack("<III", term.length, term.start, term.end) for term in terms])


def unpack_terms(content: bytes) -> Iterator[Term]:
    """Yield what `pack_terms` packed."""
    for xorb, length, start, end in struct.iter_unpack("<32sIII", content):
        yield Term(xorb, length, start, end)


def dedup_answer(xorbs: Iterable[tuple[bytes, ChunkTable]], key: bytes, created: int, expires: int) -> bytes:
    """Return a shard that tells which chunks some xorbs have, in a form only those who have the chunks can use.

    `created` and `expires` are Unix seconds; clients believe the answer, without asking again, until it expires.
    """
    parts = [TAG, _HEADER.pack(_VERSION, FOOTER_BYTES), END]
    raw_total = 0
    for xorb, table in xorbs:
        raw_total += table.raw_size
        parts.append(xorb + _FOUR.pack(0, table.count, table.raw_size, table.stored_size))
        parts += [
            keyed_hash(key, table.hash_at(i)) + _FOUR.pack(table.raw[i], table.raw_length(i), 0, 0) for i in range(table.count)
        ]
    parts.append(END)
    end = sum(map(len, parts))
    # The three lookup tables are empty; the JavaScript client needs their offsets to know where the sections end.
    parts.append(struct.pack("<9Q", 1, RECORD, 2 * RECORD, end, 0, end, 0, end, 0) + key + struct.pack("<QQ", created, expires))
    parts.append(bytes(48) + struct.pack("<4Q", 0, 0, raw_total, end))
    return b"".join(parts)
