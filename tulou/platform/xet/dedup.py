"""Answer "which xorbs have this chunk" in a form that only tells those who have the chunk themselves."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

import sqlalchemy as sa

from tulou.db.engine import Database, insert_or_ignore
from tulou.db.tables import keyring, xorb
from tulou.kernel.clock import Clock
from tulou.kernel.ids import XetHash
from tulou.kernel.limits import DEDUP_KEY_SECONDS
from tulou.platform.xet.register import ROWS
from tulou.platform.xet.store import XetStore
from tulou.wire.xet_hash import parse_printed
from tulou.wire.xet_shard import RECORD, dedup_answer
from tulou.wire.xet_xorb import ChunkTable

PURPOSE = "xet-dedup"
_DAY_MS = 24 * 3600 * 1000


def current_key(db: Database, clock: Clock) -> bytes:
    """Return the key of the present week, making it if need be. Old keys stay in the answers that used them, nowhere else."""
    now = clock.now()
    newest = sa.select(keyring).where(keyring.c.purpose == PURPOSE).order_by(keyring.c.created_at.desc()).limit(1)
    with db.read() as connection:
        row = connection.execute(newest).first()
    if row is not None and row.created_at > now - DEDUP_KEY_SECONDS * 1000:
        return bytes(row.secret)
    with db.write() as tx:
        week = now - now % (DEDUP_KEY_SECONDS * 1000)
        # Two processes at the turn of the week insert the same row, once.
        insert_or_ignore(tx, keyring, {"purpose": PURPOSE, "created_at": week, "secret": secrets.token_bytes(32)})
        tx.execute(sa.delete(keyring).where(keyring.c.purpose == PURPOSE, keyring.c.created_at < week))
        return bytes(tx.execute(newest).one().secret)


def answer(xet: XetStore, names: Iterable[XetHash], *, limit: int) -> bytes | None:
    """Return a shard that tells the chunks of xorbs, first ones first, of about `limit` bytes at most; None for no xorbs.

    The xorbs are kept from garbage collection for as long as clients will believe the answer.
    """
    chosen: list[tuple[bytes, XetHash, ChunkTable]] = []
    size = 0
    for name in names:
        raw = parse_printed(name)
        table = xet.table(raw)
        size += RECORD * (table.count + 1)
        if (chosen and size > limit) or len(chosen) == ROWS:
            break
        chosen.append((raw, name, table))
    if not chosen:
        return None
    _advertise(xet, [name for _, name, _ in chosen])
    now = xet.clock.now() // 1000
    pairs = [(raw, table) for raw, _, table in chosen]
    return dedup_answer(pairs, current_key(xet.db, xet.clock), now, now + DEDUP_KEY_SECONDS)


def _advertise(xet: XetStore, names: list[XetHash]) -> None:
    """Mark xorbs as promised, at most once a day each: a query should not cost a write."""
    now = xet.clock.now()
    stale = sa.and_(xorb.c.hash.in_(names), xorb.c.touched_at < now - _DAY_MS)
    with xet.db.read() as connection:
        if connection.execute(sa.select(xorb.c.hash).where(stale).limit(1)).first() is None:
            return
    with xet.db.write() as tx:
        tx.execute(sa.update(xorb).where(stale).values(touched_at=now))
