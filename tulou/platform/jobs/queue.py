"""Background work as rows with a lease: a task whose worker died is taken by another.

Handlers must bear being run again from the start. The attempt number fences: a worker that lost its lease cannot
finish the task that somebody else now runs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tulou.db.engine import Database, Tx, insert_or_ignore
from tulou.db.tables import task
from tulou.kernel.clock import Clock

LEASE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Task:
    """One claimed task."""

    id: int
    kind: str
    payload: dict[str, Any]
    attempts: int
    max_attempts: int


def put(tx: Tx, clock: Clock, kind: str, payload: dict[str, Any], *, key: str | None = None, delay_ms: int = 0) -> None:
    """Add a task in the caller's transaction. With a key, nothing is added while one with that key still waits."""
    now = clock.now()
    insert_or_ignore(
        tx, task, {"kind": kind, "key": key, "payload": json.dumps(payload), "run_at": now + delay_ms, "created_at": now}
    )


def claim(db: Database, clock: Clock, owner: str, kinds: list[str]) -> Task | None:
    """Take the task that has been due longest, or one whose lease ran out."""
    now = clock.now()
    due = (
        sa.select(task.c.id)
        .where(
            task.c.kind.in_(kinds),
            sa.or_(
                sa.and_(task.c.state == "queued", task.c.run_at <= now),
                sa.and_(task.c.state == "running", task.c.lease_until < now),
            ),
        )
        .order_by(task.c.run_at)
        .limit(1)
    )
    with db.read() as connection:
        if connection.execute(due).first() is None:
            return None
    if not db.is_sqlite:
        due = due.with_for_update(skip_locked=True)
    with db.write() as tx:
        row = tx.execute(
            sa.update(task)
            .where(task.c.id == due.scalar_subquery())
            .values(state="running", owner=owner, attempts=task.c.attempts + 1, lease_until=now + LEASE_MS)
            .returning(task)
        ).first()
    return Task(row.id, row.kind, json.loads(row.payload), row.attempts, row.max_attempts) if row else None


def extend(db: Database, clock: Clock, claimed: Task) -> bool:
    """Renew the lease. False: somebody else has the task now, stop."""
    with db.write() as tx:
        changed = tx.execute(sa.update(task).where(_mine(claimed)).values(lease_until=clock.now() + LEASE_MS)).rowcount
    return changed == 1


def finish(db: Database, clock: Clock, claimed: Task) -> bool:
    """Mark the task done. False: it was taken over meanwhile."""
    with db.write() as tx:
        changed = tx.execute(
            sa.update(task).where(_mine(claimed)).values(state="done", lease_until=None, finished_at=clock.now())
        ).rowcount
    return changed == 1


def fail(db: Database, clock: Clock, claimed: Task, error: str) -> None:
    """Put the task back with a growing delay, or mark it failed after its last attempt."""
    now = clock.now()
    final = claimed.attempts >= claimed.max_attempts
    values: dict[str, Any] = {"error": error[:2000], "lease_until": None}
    values |= (
        {"state": "failed", "finished_at": now}
        if final
        else {"state": "queued", "run_at": now + 1000 * 2**claimed.attempts, "key": None}
    )
    with db.write() as tx:
        tx.execute(sa.update(task).where(_mine(claimed)).values(**values))


def _mine(claimed: Task) -> sa.ColumnElement[bool]:
    return sa.and_(task.c.id == claimed.id, task.c.attempts == claimed.attempts, task.c.state == "running")
