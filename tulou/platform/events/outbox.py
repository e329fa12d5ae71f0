"""Write facts down in the transaction that makes them true, and tell subscribers afterwards, at least once."""

from __future__ import annotations

import json
from collections.abc import Callable

import sqlalchemy as sa

from tulou.db.engine import Database, Tx
from tulou.db.tables import outbox
from tulou.kernel.clock import Clock
from tulou.kernel.events import Event

Subscriber = Callable[[Tx, str, dict[str, object]], None]
"""Called with a transaction, the kind and the payload. It should only enqueue tasks: it may run twice."""


def append(tx: Tx, clock: Clock, event: Event) -> None:
    """Record a fact together with the change it reports."""
    tx.execute(sa.insert(outbox).values(kind=event.kind, payload=json.dumps(event.payload()), created_at=clock.now()))


def dispatch(db: Database, clock: Clock, subscribers: list[Subscriber], *, limit: int = 200) -> int:
    """Tell subscribers of waiting facts, in order, and mark them told in the same transaction. Returns how many."""
    with db.read() as connection:
        # Most looks find nothing, and a write transaction would empty every cache that follows the database.
        if connection.execute(sa.select(outbox.c.id).where(outbox.c.dispatched_at.is_(None)).limit(1)).first() is None:
            return 0
    with db.write() as tx:
        waiting = sa.select(outbox).where(outbox.c.dispatched_at.is_(None)).order_by(outbox.c.id).limit(limit)
        if not db.is_sqlite:
            waiting = waiting.with_for_update(skip_locked=True)
        rows = tx.execute(waiting).all()
        for row in rows:
            for subscriber in subscribers:
                subscriber(tx, row.kind, json.loads(row.payload))
        if rows:
            tx.execute(sa.update(outbox).where(outbox.c.id.in_([row.id for row in rows])).values(dispatched_at=clock.now()))
    return len(rows)
