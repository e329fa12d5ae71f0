"""Collect objects that nobody refers to: condemn, wait out the grace, look once more, delete.

# 1 row in `doomed`   … at least a day …   2 transaction: still unreferenced, row removed   3 object deleted
# Crash after 1: condemned objects are still served, and spared if somebody refers to them again.
# Crash between 2 and 3: an unreferenced object, condemned again by the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from tulou.db.engine import Database, Tx, insert_or_ignore
from tulou.db.tables import doomed, lfs_object, pack, xorb
from tulou.fsio.faults import point
from tulou.kernel.clock import Clock
from tulou.platform.blobs.store import ObjectStore, Stored
from tulou.platform.blobs.turnstile import Turnstile

DAY = 86_400_000
BATCH = 200


@dataclass(frozen=True, slots=True)
class Swept:
    """What one run did: objects condemned, spared because somebody refers to them again, and deleted, with their bytes."""

    condemned: int
    spared: int
    deleted: int
    freed_bytes: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a run would do: objects that may go at once, and those that it would condemn to go a day later, with their bytes."""

    now: int
    now_bytes: int
    later: int
    later_bytes: int


def old_objects(store: ObjectStore, clock: Clock) -> list[Stored]:
    """Return every stored object that is old enough to be collected."""
    return list(_old_objects(store, clock))


def outlook(tx: Tx, objects: list[Stored], clock: Clock, *, grace_ms: int = DAY) -> Outlook:
    """Say what a sweep would do as the database looks in this transaction. `objects` are those of `old_objects`."""
    due = sa.select(doomed.c.key).where(doomed.c.condemned_at <= clock.now() - grace_ms)
    ripe = {row.key for row in tx.execute(due)}
    counted = [0, 0, 0, 0]
    for batch in _batches(objects):
        live = referenced(tx.execute, [stored.key for stored in batch])
        for stored in batch:
            if stored.key not in live:
                at = 0 if stored.key in ripe else 2
                counted[at] += 1
                counted[at + 1] += stored.size
    return Outlook(*counted)


def sweep(db: Database, store: ObjectStore, clock: Clock, turnstile: Turnstile, *, grace_ms: int = DAY) -> Swept:
    """Condemn what is unreferenced and older than a day, and delete what has been condemned for the grace period."""
    condemned = sum(_condemn(db, clock, batch) for batch in _batches(_old_objects(store, clock)))
    spared, deleted, freed = 0, 0, 0
    with db.read() as connection:
        due = sa.select(doomed.c.key, doomed.c.size).where(doomed.c.condemned_at <= clock.now() - grace_ms)
        rows = connection.execute(due.order_by(doomed.c.key)).all()
    for start in range(0, len(rows), BATCH):
        sizes = {row.key: row.size for row in rows[start : start + BATCH]}
        with turnstile.collecting():
            gone = _forget(db, set(sizes))
            point("gc.forgotten")
            for key in gone:
                store.delete(key)
        spared += len(sizes) - len(gone)
        deleted += len(gone)
        freed += sum(sizes[key] for key in gone)
    return Swept(condemned, spared, deleted, freed)


def _old_objects(store: ObjectStore, clock: Clock) -> Iterable[Stored]:
    """Yield what may be collected at all: an object younger than a day may belong to an upload in progress."""
    newest = clock.now() - DAY
    for prefix in ("packs/", "blobs/", "xorbs/"):
        yield from (stored for stored in store.list(prefix) if stored.written_at <= newest)


def _condemn(db: Database, clock: Clock, batch: list[Stored]) -> int:
    with db.write() as tx:
        live = referenced(tx.execute, [stored.key for stored in batch])
        rows = [{"key": s.key, "size": s.size, "condemned_at": clock.now()} for s in batch if s.key not in live]
        return insert_or_ignore(tx, doomed, rows)


def _forget(db: Database, keys: set[str]) -> set[str]:
    """Remove the rows of condemned objects and return those that are still unreferenced: they may go."""
    with db.write() as tx:
        live = referenced(tx.execute, sorted(keys))
        tx.execute(sa.delete(doomed).where(doomed.c.key.in_(keys)))
    return keys - live


def referenced(execute: Callable[[sa.Executable], sa.CursorResult[tuple[object, ...]]], keys: list[str]) -> set[str]:
    """Return those keys that the database refers to."""
    names = {key: key.rsplit("/", 1)[-1].split(".")[0] for key in keys}
    live: set[object] = set()
    by_prefix = (
        ("packs/", sa.select(pack.c.hash), pack.c.hash),
        ("blobs/", sa.select(lfs_object.c.sha256).where(lfs_object.c.has_blob.is_(True)), lfs_object.c.sha256),
        ("xorbs/", sa.select(xorb.c.hash), xorb.c.hash),
    )
    for prefix, query, column in by_prefix:
        wanted = sorted({name for key, name in names.items() if key.startswith(prefix)})
        if wanted:
            live |= {row[0] for row in execute(query.where(column.in_(wanted)))}
    return {key for key, name in names.items() if name in live}


def _batches(objects: Iterable[Stored]) -> Iterable[list[Stored]]:
    batch: list[Stored] = []
    for stored in objects:
        batch.append(stored)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
