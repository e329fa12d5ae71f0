"""Make xorbs and shards as a client would, and as a hostile one would."""

from __future__ import annotations

import hashlib
import random
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

import lz4.frame

from tulou.kernel.ids import Sha256
from tulou.wire import xet_hash as xh
from tulou.wire import xet_shard as xs


def noise(size: int, seed: int = 0) -> bytes:
    """Return bytes that do not compress, the same every time."""
    return random.Random(seed).randbytes(size)


def packed_chunk(raw: bytes, scheme: int = 0) -> bytes:
    """Return a chunk with its header."""
    payload = raw
    if scheme == 1:
        payload = lz4.frame.compress(raw)
    elif scheme == 2:
        payload = lz4.frame.compress(b"".join(raw[lane::4] for lane in range(4)))
    return struct.pack("<II", len(payload) << 8, len(raw) << 8 | scheme) + payload


@dataclass
class Made:
    """A xorb of these chunks."""

    chunks: list[bytes]
    scheme: int = 0
    body: bytes = b""
    hashes: list[bytes] = field(default_factory=list)
    hash: bytes = b""

    def __post_init__(self) -> None:
        self.body = b"".join(packed_chunk(chunk, self.scheme) for chunk in self.chunks)
        self.hashes = [xh.chunk_hash(chunk) for chunk in self.chunks]
        self.hash = xh.xorb_hash(list(zip(self.hashes, map(len, self.chunks), strict=True)))

    @property
    def name(self) -> str:
        return xh.printed(self.hash)

    @property
    def content(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def size(self) -> int:
        return len(self.content)

    def entry(self, hashes: list[bytes] | None = None) -> bytes:
        """The xorb's records in a shard."""
        out = [self.hash + struct.pack("<IIII", 0, len(self.chunks), self.size, len(self.body))]
        offset = 0
        for value, chunk in zip(hashes or self.hashes, self.chunks, strict=True):
            out.append(value + struct.pack("<IIII", offset, len(chunk), 0, 0))
            offset += len(chunk)
        return b"".join(out)

    def term(self, start: int = 0, end: int | None = None) -> xs.Term:
        end = len(self.chunks) if end is None else end
        return xs.Term(self.hash, sum(map(len, self.chunks[start:end])), start, end)


def xorb(count: int = 20, size: int = 60_000, seed: int = 1, scheme: int = 0) -> Made:
    """Make a xorb of `count` chunks of noise."""
    return Made([noise(size, seed * 1000 + i) for i in range(count)], scheme)


def file_hash_of(*parts: tuple[Made, int, int]) -> bytes:
    """Name the file made of chunks `start` to `end` of these xorbs."""
    tree = xh.HashTree()
    for made, start, end in parts:
        for value, chunk in zip(made.hashes[start:end], made.chunks[start:end], strict=True):
            tree.add(value, len(chunk))
    return xh.file_hash(tree.root())


def file_entry(
    name: bytes, terms: list[xs.Term], ranges: list[bytes], sha256: str | None,
    flags: int = xs.HAS_RANGE_HASHES | xs.HAS_SHA256,
) -> bytes:
    """A file's records in a shard."""
    out = [name + struct.pack("<II", flags, len(terms)) + bytes(8)]
    out += [t.xorb + struct.pack("<IIII", 0, t.length, t.start, t.end) for t in terms]
    if flags & xs.HAS_RANGE_HASHES:
        out += [value + bytes(16) for value in ranges]
    if flags & xs.HAS_SHA256 and sha256 is not None:
        out.append(xh.words_of_sha256(Sha256(sha256)) + bytes(16))
    return b"".join(out)


def shard(files: Iterable[bytes], xorbs: Iterable[bytes]) -> bytes:
    """Put records together."""
    return b"".join([xs.TAG, struct.pack("<QQ", 2, 0), *files, xs.END, *xorbs, xs.END])


@dataclass
class WholeFile:
    """A file that is exactly one xorb, and the honest shard about it; every part can be replaced by a lie."""

    made: Made

    @property
    def hash(self) -> bytes:
        return file_hash_of((self.made, 0, len(self.made.chunks)))

    @property
    def name(self) -> str:
        return xh.printed(self.hash)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.made.content).hexdigest()

    @property
    def range_hash(self) -> bytes:
        return xh.range_hash(b"".join(self.made.hashes))

    def shard(self, **lies: object) -> bytes:
        told: dict[str, object] = {
            "name": self.hash, "terms": [self.made.term()], "ranges": [self.range_hash], "sha256": self.sha256,
            "flags": xs.HAS_RANGE_HASHES | xs.HAS_SHA256, "xorbs": [self.made.entry()],
        }
        told |= lies
        xorbs = told.pop("xorbs")
        return shard([file_entry(**told)], xorbs)  # type: ignore[arg-type]
