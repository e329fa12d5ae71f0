"""What the checking processes do: verify xorbs, shards and whole files. Paths go in, small results come out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tulou.kernel.errors import TooLarge, WireError
from tulou.kernel.ids import Sha256, XetHash
from tulou.kernel.limits import SHARD_CHUNKS, XET_FILE_BYTES
from tulou.platform.blobs.store import xorb_key
from tulou.wire.xet_hash import HashTree, file_hash, is_dedup_candidate, printed, range_hash
from tulou.wire.xet_shard import FileEntry, Shard, Term, XorbEntry, pack_terms, parse, unpack_terms
from tulou.wire.xet_xorb import ChunkTable, decoded, verify

TABLE_SUFFIX = ".idx"
WINDOW = 16
"""Chunks decoded at once: about 1 MiB of ordinary data, 2 MiB at most."""
_TABLES = 256
_CANDIDATES = 64
"""Of one xorb. An honest one has eight; somebody may have searched for chunks with such hashes."""


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file of a shard whose terms add up to its name. `claimed_sha256` is the uploader's word, not yet checked."""

    hash: XetHash
    size: int
    terms: bytes
    xorbs: frozenset[XetHash]
    first_chunk: tuple[XetHash, XetHash] | None
    """(chunk, xorb) of its beginning: what a client asks about first."""
    claimed_sha256: Sha256 | None


@dataclass(frozen=True, slots=True)
class CheckedShard:
    """Everything a shard says, checked against the chunk tables of stored xorbs."""

    files: list[CheckedFile]
    xorbs: frozenset[XetHash]
    """All xorbs it names, in either section."""
    candidates: list[tuple[XetHash, XetHash]]
    """(chunk, xorb) that clients may ask about."""


def check_xorb(path: Path, expected: bytes) -> bytes:
    """Verify a received xorb and return its chunk table in sidecar form. Raises WireError."""
    content = path.read_bytes()  # at most 66 MB, in a process of its own
    return verify(memoryview(content), expected).to_bytes()


class Tables:
    """Chunk tables of stored xorbs, the most recent kept."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[bytes, ChunkTable] = {}

    def __getitem__(self, xorb: bytes) -> ChunkTable:
        """Return a chunk table. Raises WireError if there is no such xorb."""
        table = self._known.get(xorb)
        if table is None:
            try:
                content = (self._root / (xorb_key(printed(xorb)) + TABLE_SUFFIX)).read_bytes()
            except FileNotFoundError as cause:
                raise WireError("The shard refers to a xorb that was not uploaded.") from cause
            table = ChunkTable.from_bytes(content)
            if len(self._known) >= _TABLES:
                self._known.pop(next(iter(self._known)))
            self._known[xorb] = table
        return table


def check_shard(path: Path, root: Path) -> CheckedShard:
    """Check every statement of a shard against the stored chunk tables under `root`. Raises WireError or TooLarge."""
    content = path.read_bytes()
    shard = parse(memoryview(content))
    tables = Tables(root)
    candidates = [pair for entry in shard.xorbs for pair in _check_xorb_entry(tables[entry.hash], entry)]
    files = _check_files(tables, shard)
    named = {printed(entry.hash) for entry in shard.xorbs}
    return CheckedShard(files, frozenset(named.union(*(f.xorbs for f in files))), candidates)


def _check_xorb_entry(table: ChunkTable, entry: XorbEntry) -> Iterator[tuple[XetHash, XetHash]]:
    if entry.count != table.count:
        raise WireError("The shard lists other chunks than the stored xorb has.")
    told = 0
    for i, (chunk, offset, length) in enumerate(entry.chunks()):
        if chunk != table.hash_at(i) or offset != table.raw[i] or length != table.raw_length(i):
            raise WireError("The shard lists other chunks than the stored xorb has.")
        if is_dedup_candidate(chunk) and told < _CANDIDATES:
            told += 1
            yield printed(chunk), printed(entry.hash)


def _check_files(tables: Tables, shard: Shard) -> list[CheckedFile]:
    files: list[CheckedFile] = []
    chunks = size = 0
    for entry in shard.files:
        for term in entry.terms():
            if term.start >= term.end:
                raise WireError("A term lies outside its xorb.")
            chunks += term.end - term.start
            size += term.length
        if chunks > SHARD_CHUNKS or size > XET_FILE_BYTES:
            raise TooLarge("The shard describes more data than this server accepts at once.")
        files.append(_check_file(tables, entry))
    return files


def _check_file(tables: Tables, entry: FileEntry) -> CheckedFile:
    tree, size = HashTree(), 0
    xorbs: set[bytes] = set()
    first: tuple[XetHash, XetHash] | None = None
    for term, claimed in zip(entry.terms(), entry.range_hashes(), strict=True):
        table = tables[term.xorb]
        _check_term(table, term, claimed)
        first = first or (printed(table.hash_at(term.start)), printed(term.xorb))
        for i in range(term.start, term.end):
            tree.add(table.hash_at(i), table.raw_length(i))
        size += term.length
        xorbs.add(term.xorb)
    if file_hash(tree.root()) != entry.hash:
        raise WireError("The terms of a file do not have the hash it was sent under.")
    terms = pack_terms(entry.terms())
    return CheckedFile(printed(entry.hash), size, terms, frozenset(map(printed, xorbs)), first, entry.sha256)


def _check_term(table: ChunkTable, term: Term, claimed: bytes) -> None:
    if term.end > table.count or table.raw[term.end] - table.raw[term.start] != term.length:
        raise WireError("A term lies outside its xorb.")
    # The proof of possession: whoever has only seen a xorb's name cannot compute this.
    if range_hash(table.hashes[32 * term.start : 32 * term.end]) != claimed:
        raise WireError("The verification hash of a term is wrong.")


def hash_files(root: Path, files: list[bytes]) -> list[str]:
    """Return the SHA-256 of files given by their packed terms, decoding a window of chunks at a time."""
    tables = Tables(root)
    return [_sha256(root, tables, terms) for terms in files]


def _sha256(root: Path, tables: Tables, terms: bytes) -> str:
    digest = hashlib.sha256()
    for term in unpack_terms(terms):
        table = tables[term.xorb]
        with (root / xorb_key(printed(term.xorb))).open("rb", buffering=0) as file:
            for start in range(term.start, term.end, WINDOW):
                end = min(term.end, start + WINDOW)
                file.seek(table.stored[start])
                for raw in decoded(file.read(table.stored[end] - table.stored[start])):
                    digest.update(raw)
    return digest.hexdigest()
