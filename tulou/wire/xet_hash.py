"""The hashes of the Xet protocol: keyed BLAKE3 over chunks, aggregated in a tree whose shape follows from the hashes."""

from __future__ import annotations

import re
import struct

from blake3 import blake3

from tulou.kernel.errors import WireError
from tulou.kernel.ids import Sha256, XetHash

ZERO = bytes(32)
_DATA_KEY = bytes.fromhex("6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229")
_NODE_KEY = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
_RANGE_KEY = bytes.fromhex("7f1857d6ce56ed66127ff913e7a5c3f3a4cd26d5b5db49e64124987f28fb94c3")

_WORDS = struct.Struct("<4Q")
_BIG_WORDS = struct.Struct(">4Q")
_LAST_WORD = struct.Struct("<Q")
_HEX64 = re.compile(r"[0-9a-f]{64}")
_MOST_CHILDREN = 9
_FEWEST_CHILDREN = 3  # a cut is looked for from the third node of a group on
_DEDUP_MODULUS = 1024


def printed(raw: bytes) -> XetHash:
    """Return the form in URLs and JSON: four little-endian 64-bit words, each as 16 hex digits."""
    return XetHash("{:016x}{:016x}{:016x}{:016x}".format(*_WORDS.unpack(raw)))


def parse_printed(text: str) -> bytes:
    """Return the 32 bytes behind a printed hash. Raises WireError."""
    if not _HEX64.fullmatch(text):
        raise WireError("A xet hash is 64 lower-case hex characters.")
    return _WORDS.pack(*(int(text[i : i + 16], 16) for i in range(0, 64, 16)))


def sha256_of_words(raw: bytes) -> Sha256:
    """Return the SHA-256 that a shard stores as if its hex text were a printed xet hash."""
    return Sha256(_BIG_WORDS.pack(*_WORDS.unpack(raw)).hex())


def words_of_sha256(sha256: Sha256) -> bytes:
    """Return the 32 bytes under which a shard stores a SHA-256."""
    return parse_printed(sha256)


def chunk_hash(content: bytes | bytearray | memoryview) -> bytes:
    """Hash the uncompressed bytes of one chunk."""
    return blake3(content, key=_DATA_KEY).digest()


def range_hash(chunk_hashes: bytes | memoryview) -> bytes:
    """Hash the concatenated chunk hashes of a term: only who knows the chunks can compute it."""
    return blake3(chunk_hashes, key=_RANGE_KEY).digest()


def keyed_hash(key: bytes, chunk: bytes) -> bytes:
    """Return the form of a chunk hash in a deduplication answer: who does not have the chunk learns nothing from it."""
    return blake3(chunk, key=key).digest()


def is_dedup_candidate(chunk: bytes) -> bool:
    """True for the one chunk in 1024 that clients may ask about wherever it stands in a file."""
    word: int = _LAST_WORD.unpack_from(chunk, 24)[0]
    return word % _DEDUP_MODULUS == 0


class HashTree:
    """Aggregates (hash, length in bytes) nodes one by one in logarithmic memory.

    A level is cut into groups: a group ends with the first of its third to ninth nodes whose last word is divisible
    by four, else with the ninth; two or fewer left-over nodes are a group of their own.
    """

    def __init__(self) -> None:
        self._levels: list[list[tuple[bytes, int]]] = [[]]
        self._has_cut = [False]

    def add(self, node: bytes, length: int) -> None:
        """Append a leaf."""
        self._push(0, node, length)

    def root(self) -> bytes:
        """Return the hash of everything added; zeros for nothing, the leaf itself for one leaf. Ends the tree."""
        level = 0
        while True:
            nodes = self._levels[level]
            if len(nodes) <= 1 and not self._has_cut[level]:
                return nodes[0][0] if nodes else ZERO
            while nodes:
                self._cut(level, _group_length(nodes))
            level += 1

    def _push(self, level: int, node: bytes, length: int) -> None:
        nodes = self._levels[level]
        nodes.append((node, length))
        # With nine nodes at hand the cut no longer depends on what follows.
        if len(nodes) >= _MOST_CHILDREN:
            self._cut(level, _group_length(nodes))

    def _cut(self, level: int, count: int) -> None:
        nodes = self._levels[level]
        group, self._levels[level][:] = nodes[:count], nodes[count:]
        self._has_cut[level] = True
        if level + 1 == len(self._levels):
            self._levels.append([])
            self._has_cut.append(False)
        self._push(level + 1, _parent(group), sum(length for _, length in group))


def _group_length(nodes: list[tuple[bytes, int]]) -> int:
    end = min(_MOST_CHILDREN, len(nodes))
    for i in range(_FEWEST_CHILDREN - 1, end):
        if nodes[i][0][24] & 3 == 0:
            return i + 1
    return end


def _parent(group: list[tuple[bytes, int]]) -> bytes:
    lines = "".join([f"{printed(node)} : {length}\n" for node, length in group])
    return blake3(lines.encode(), key=_NODE_KEY).digest()


def xorb_hash(chunks: list[tuple[bytes, int]]) -> bytes:
    """Name a xorb by its (chunk hash, length) list."""
    tree = HashTree()
    for node, length in chunks:
        tree.add(node, length)
    return tree.root()


def file_hash(root: bytes) -> bytes:
    """Name a file by the root of the tree over all its chunks; the empty file is all zeros."""
    return ZERO if root == ZERO else blake3(root, key=ZERO).digest()
