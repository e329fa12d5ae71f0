"""Background work as operators see it: what waits, runs and failed; run again, or dropped."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from tulou.db.tables import task
from tulou.features.accounts.create import require_admin
from tulou.features.admin.health import counted
from tulou.features.audit import record
from tulou.features.content.tasks import COLLECT
from tulou.kernel.actor import Actor
from tulou.kernel.errors import NotFound
from tulou.platform.jobs import queue
from tulou.platform.machinery import Machinery

PAGE = 100
STATES = ("failed", "running", "queued", "done")


@dataclass(frozen=True, slots=True)
class Row:
    """One task. Times are Unix milliseconds."""

    id: int
    kind: str
    payload: str
    state: str
    run_at: int
    attempts: int
    max_attempts: int
    owner: str | None
    error: str | None
    created_at: int
    finished_at: int | None


class NoSuchTask(NotFound):
    """There is no such task, or it is running, or done."""

    code = "no_such_task"


def counts(m: Machinery, actor: Actor) -> dict[str, int]:
    """Return how many tasks are in each state. Raises Forbidden."""
    require_admin(actor)
    with m.db.read() as connection:
        found = counted(connection, sa.select(task.c.state, sa.func.count()).group_by(task.c.state))
    return {state: found.get(state, 0) for state in STATES}


def listed(m: Machinery, actor: Actor, state: str) -> list[Row]:
    """Return tasks in a state: those that run next first, or that ended last. Raises Forbidden."""
    require_admin(actor)
    order = task.c.run_at if state in {"queued", "running"} else task.c.finished_at.desc()
    with m.db.read() as connection:
        rows = connection.execute(sa.select(task).where(task.c.state == state).order_by(order, task.c.id).limit(PAGE)).all()
    return [
        Row(r.id, r.kind, r.payload, r.state, r.run_at, r.attempts, r.max_attempts, r.owner, r.error, r.created_at, r.finished_at)
        for r in rows
    ]


def retry(m: Machinery, actor: Actor, task_id: int) -> None:
    """Run a failed task again from its first attempt, or a waiting one at once. Raises NoSuchTask, Forbidden."""
    require_admin(actor)
    mine = sa.and_(task.c.id == task_id, task.c.state.in_(("failed", "queued")))
    # Without a key: another task with the same one may wait by now, and only one may.
    values = {"state": "queued", "run_at": m.clock.now(), "attempts": 0, "finished_at": None, "key": None}
    with m.db.write() as tx:
        if not tx.execute(sa.update(task).where(mine).values(**values)).rowcount:
            raise NoSuchTask
        record.write(tx, m.clock, actor, "task.retried", None, task=task_id)
        tx.on_commit(m.wake)


def drop(m: Machinery, actor: Actor, task_id: int) -> None:
    """Forget a task that failed or waits. Raises NoSuchTask, Forbidden."""
    require_admin(actor)
    mine = sa.and_(task.c.id == task_id, task.c.state.in_(("failed", "queued")))
    with m.db.write() as tx:
        row = tx.execute(sa.delete(task).where(mine).returning(task.c.kind)).first()
        if row is None:
            raise NoSuchTask
        record.write(tx, m.clock, actor, "task.dropped", None, task=task_id, kind=row.kind)


def collect_now(m: Machinery, actor: Actor) -> None:
    """Let the worker collect at once what nobody refers to. Raises Forbidden."""
    require_admin(actor)
    with m.db.write() as tx:
        queue.put(tx, m.clock, COLLECT, {}, key="now")
        record.write(tx, m.clock, actor, "collect.asked", None)
        tx.on_commit(m.wake)
