"""Xorbs and the files made of them: receive, look up, read back. Knows nothing of users or repositories."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from tulou.db.engine import Database, insert_or_ignore
from tulou.db.tables import doomed, xet_file, xorb
from tulou.fsio import atomic, faults
from tulou.kernel.clock import Clock
from tulou.kernel.errors import ObjectNotFound
from tulou.kernel.ids import XetHash
from tulou.platform.blobs.store import ObjectStore, shard_key, xorb_key
from tulou.platform.xet import reconstruct
from tulou.platform.xet.checks import TABLE_SUFFIX, CheckedFile, CheckedShard, check_shard, check_xorb, hash_files
from tulou.platform.xet.hints import HintedSessions
from tulou.platform.xet.turns import Turns
from tulou.platform.xet.verify import CheckPool
from tulou.wire.xet_hash import parse_printed, printed
from tulou.wire.xet_shard import Term, unpack_terms
from tulou.wire.xet_xorb import ChunkTable

TABLES_BYTES = 48 << 20
HASH_BATCH = 64 << 20
"""Bytes of small files that one piece of hashing work takes together."""


@dataclass(frozen=True, slots=True)
class XetFile:
    """A file as runs of chunks: its name, size in bytes, and packed terms."""

    hash: XetHash
    size: int
    packed_terms: bytes

    def terms(self) -> Iterator[Term]:
        """Yield the terms in file order."""
        return unpack_terms(self.packed_terms)


class XetStore:
    """The xet side of the object store."""

    def __init__(self, *, db: Database, store: ObjectStore, clock: Clock, work: Path, workers: int) -> None:
        self.db = db
        self.store = store
        self.clock = clock
        self.work = work
        count = workers or os.cpu_count() or 1
        # Two pools, so that hashing one huge file never keeps another client's xorb waiting.
        self._verifiers = CheckPool(count)
        self._hashers = CheckPool(count)
        self.ingesters = CheckPool(1)
        self.turns = Turns(checks=min(2 * count, 12))
        self.hinted = HintedSessions()
        self.loopback = ""
        """Scheme, host and port at which this very server is reached from its own machine; set when it is known."""
        self._tables: OrderedDict[XetHash, ChunkTable] = OrderedDict()
        self._tables_bytes = 0
        self._lock = threading.Lock()

    def close(self) -> None:
        """End the checking processes."""
        for pool in (self._verifiers, self._hashers, self.ingesters):
            pool.close()

    # --- xorbs

    def keep_xorb(self, name: XetHash) -> bool:
        """Say whether a xorb is stored, and if it is, keep it from garbage collection for a whole grace period."""
        with self.db.write() as tx:
            now = self.clock.now()
            return tx.execute(sa.update(xorb).where(xorb.c.hash == name).values(touched_at=now, condemned_at=None)).rowcount == 1

    def verify_xorb(self, name: XetHash, path: Path) -> ChunkTable:
        """Verify a received xorb in a child process. Raises WireError."""
        return ChunkTable.from_bytes(self._verifiers.run(check_xorb, path, parse_printed(name)))

    def publish_xorb(self, name: XetHash, path: Path, table: ChunkTable) -> None:
        """Store a verified xorb, unless it is stored already. Takes over the file `path`; garbage collection must wait.

        # 1 chunk table published   2 xorb published   3 row   4 answer
        # Crash before 3: unreferenced objects, collected later or replaced by equal ones. After 3: everything is there.
        """
        if self.keep_xorb(name):
            return
        key = xorb_key(name)
        os.truncate(path, table.stored_size)  # drops the footer that old clients send
        self._publish_table(key + TABLE_SUFFIX, table)
        faults.point("xorb.table")
        self.store.put(key, path)
        faults.point("xorb.published")
        now = self.clock.now()
        row = {
            "hash": name, "chunks": table.count, "raw_size": table.raw_size, "stored_size": table.stored_size,
            "created_at": now, "touched_at": now,
        }
        with self.db.write() as tx:
            insert_or_ignore(tx, xorb, row)
            tx.execute(sa.delete(doomed).where(doomed.c.key.in_([key, key + TABLE_SUFFIX])))

    def _publish_table(self, key: str, table: ChunkTable) -> None:
        sidecar = atomic.temporary_file(self.work, "chunks")
        try:
            faults.io("write")
            sidecar.write_bytes(table.to_bytes())
            self.store.put(key, sidecar)
        finally:
            atomic.remove(sidecar)

    def table(self, raw: bytes) -> ChunkTable:
        """Return the chunk table of a stored xorb, by its raw hash. Raises ObjectNotFound."""
        name = printed(raw)
        with self._lock:
            table = self._tables.get(name)
            if table is not None:
                self._tables.move_to_end(name)
                return table
        key = xorb_key(name) + TABLE_SUFFIX
        try:
            table = ChunkTable.from_bytes(self.store.read(key, 0, 1 << 20))
        except FileNotFoundError as cause:
            raise ObjectNotFound from cause
        self._keep(name, table)
        return table

    def _keep(self, name: XetHash, table: ChunkTable) -> None:
        with self._lock:
            if name in self._tables:
                return
            self._tables[name] = table
            self._tables_bytes += 40 * table.count
            while self._tables_bytes > TABLES_BYTES:
                _, oldest = self._tables.popitem(last=False)
                self._tables_bytes -= 40 * oldest.count

    def read_xorb(self, name: XetHash, start: int, length: int) -> bytes:
        """Return stored bytes of a xorb. Raises ObjectNotFound."""
        try:
            return self.store.read(xorb_key(name), start, length)
        except FileNotFoundError as cause:
            raise ObjectNotFound from cause

    # --- shards

    def check_shard(self, path: Path) -> CheckedShard:
        """Check a received shard against the stored chunk tables, in a child process. Raises WireError or TooLarge."""
        return self._verifiers.run(check_shard, path, self._root())

    def hash_files(self, files: list[CheckedFile], progress: Callable[[int], None]) -> dict[XetHash, str]:
        """Compute the SHA-256 of files from their stored chunks, in child processes. Tells how many are done."""
        batches = list(_batches(files))
        digests: dict[XetHash, str] = {}
        ahead = 2 * self._hashers.processes
        jobs = [self._hashers.submit(hash_files, self._root(), [f.terms for f in batch]) for batch in batches[:ahead]]
        for i, batch in enumerate(batches):
            found = self._hashers.result(jobs[i])
            digests |= {f.hash: digest for f, digest in zip(batch, found, strict=True)}
            if i + ahead < len(batches):
                following = [f.terms for f in batches[i + ahead]]
                jobs.append(self._hashers.submit(hash_files, self._root(), following))
            progress(len(digests))
        return digests

    def keep_shard(self, name: str, path: Path) -> None:
        """Store a received shard: with the xorbs, enough to rebuild the xet tables. Takes over the file `path`."""
        self.store.put(shard_key(name), path)

    def _root(self) -> Path:
        root = self.store.local("")
        if root is None:
            raise FileNotFoundError("the checking processes need the object store on this machine")
        return root

    # --- files

    def file(self, name: XetHash) -> XetFile:
        """Return a registered file. Raises ObjectNotFound."""
        with self.db.read() as connection:
            row = connection.execute(sa.select(xet_file).where(xet_file.c.hash == name)).first()
        if row is None:
            raise ObjectNotFound
        return XetFile(name, row.size, row.terms)

    def file_size(self, name: XetHash) -> int:
        """Return the size of a registered file in bytes. Raises ObjectNotFound."""
        with self.db.read() as connection:
            size = connection.execute(sa.select(xet_file.c.size).where(xet_file.c.hash == name)).scalar()
        if size is None:
            raise ObjectNotFound
        return int(size)

    def plan(self, file: XetFile, start: int, end: int) -> reconstruct.Plan:
        """Say which chunks hold the bytes `start` to `end` (exclusive) of a file."""
        return reconstruct.plan(self.table, file.terms(), start, end)

    def stream(self, name: XetHash, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes `start` to `end` (exclusive) of a file, in blocks of about 1 MiB. Raises ObjectNotFound."""
        return reconstruct.stream(self.table, self.read_xorb, self.file(name).terms(), start, end)


def _batches(files: list[CheckedFile]) -> Iterator[list[CheckedFile]]:
    batch: list[CheckedFile] = []
    size = 0
    for file in files:
        batch.append(file)
        size += file.size
        if size >= HASH_BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
