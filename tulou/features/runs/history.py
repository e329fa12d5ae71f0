"""Forget runs that ended long ago, with what they printed: both grow without end otherwise, and count against nobody's quota."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from tulou.db.tables import run
from tulou.features.runs.model import log_key
from tulou.platform.blobs.gc import DAY
from tulou.platform.machinery import Machinery

TASK = "runs.history"
EVERY_MS = DAY // 24
BATCH = 500


def task(m: Machinery, _payload: dict[str, Any]) -> None:
    """Delete old runs of this hub, a batch at a time."""
    if m.settings.run_history_days:
        while _drop_some(m) == BATCH:
            pass


def _drop_some(m: Machinery) -> int:
    """Delete one batch, and say how many those were.

    Write order: 1 logs   2 rows, and with a row its job. Crash after 1: runs whose log is empty, deleted by the next round.
    """
    with m.db.read() as connection:
        old = connection.execute(_old(m.clock.now() - m.settings.run_history_days * DAY)).all()
    for row in old:
        for attempt in range(1, row.attempt + 1):
            m.store.delete(log_key(row.id, attempt))
    with m.db.write() as tx:
        tx.execute(sa.delete(run).where(run.c.id.in_([row.id for row in old])))
    return len(old)


def _old(before: int) -> sa.Select[Any]:
    """Jobs that ended before; of a Space's runs and builds only those that a later one followed: the last is still shown."""
    later = run.alias()
    followed = sa.exists().where(
        later.c.repo_id == run.c.repo_id, later.c.kind == run.c.kind, later.c.created_at > run.c.created_at
    )
    is_past = sa.or_(run.c.kind == "job", followed)
    return sa.select(run.c.id, run.c.attempt).where(run.c.ended_at < before, is_past).order_by(run.c.ended_at).limit(BATCH)
