"""SQL of the runs slice."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.engine import Tx
from tulou.db.tables import run
from tulou.features.runs.model import Order, Run
from tulou.platform.compute.base import Usage


def insert(tx: Tx, values: dict[str, Any]) -> None:
    """Add a run."""
    tx.execute(sa.insert(run).values(**values))


def by_ids(connection: Connection, ids: Iterable[str]) -> dict[str, Run]:
    """Return the runs with these ids."""
    return {row.id: _run(row) for row in connection.execute(sa.select(run).where(run.c.id.in_(list(ids))))}


def sealed(connection: Connection, run_id: str) -> bytes | None:
    """Return the sealed secrets of a run."""
    return connection.execute(sa.select(run.c.sealed).where(run.c.id == run_id)).scalar()


def live(connection: Connection, node: str, now: int) -> list[Run]:
    """Return what this machine has to look after: its own, what nobody took, and what a machine left whose lease is over."""
    mine = sa.or_(run.c.node == node, run.c.node.is_(None), run.c.lease_until < now)
    query = sa.select(run).where(run.c.ended_at.is_(None), mine).order_by(run.c.created_at, run.c.id)
    return [_run(row) for row in connection.execute(query)]


def live_of(connection: Connection, account_id: str, kind: str) -> list[Run]:
    """Return the runs of an account that have not ended."""
    query = sa.select(run).where(run.c.account_id == account_id, run.c.kind == kind, run.c.ended_at.is_(None))
    return [_run(row) for row in connection.execute(query.order_by(run.c.id))]


def change(tx: Tx, seen: Run, **values: Any) -> bool:
    """Change a run that is still as it was seen: same attempt, same phase, not ended. False: it is not."""
    same = sa.and_(run.c.id == seen.id, run.c.attempt == seen.attempt, run.c.phase == seen.phase, run.c.ended_at.is_(None))
    return tx.execute(sa.update(run).where(same).values(**values)).rowcount == 1


def claim(tx: Tx, seen: Run, node: str, lease_until: int | None, now: int) -> bool:
    """Take a pending run for this machine. False: another was quicker."""
    free = sa.and_(run.c.id == seen.id, run.c.phase == "pending", run.c.want == "run")
    values = {"node": node, "lease_until": lease_until, "phase": "starting", "started_at": now, "detail": ""}
    return tx.execute(sa.update(run).where(free).values(**values)).rowcount == 1


def want(tx: Tx, run_id: str, what: str) -> None:
    """Set what is wanted of a run that has not ended. Nothing un-stops a run."""
    open_ = sa.and_(run.c.id == run_id, run.c.ended_at.is_(None), run.c.want != "stop")
    tx.execute(sa.update(run).where(open_).values(want=what))


def renew(tx: Tx, node: str, lease_until: int) -> None:
    """Keep everything that runs on this machine."""
    mine = sa.and_(run.c.node == node, run.c.ended_at.is_(None))
    tx.execute(sa.update(run).where(mine).values(lease_until=lease_until))


def token_of(tx: Tx, run_id: str) -> str | None:
    """Return the id of the token that was made for a run."""
    return tx.execute(sa.select(run.c.token_id).where(run.c.id == run_id)).scalar()


def _run(row: sa.Row[Any]) -> Run:
    return Run(
        row.id, row.kind, row.account_id, row.actor_id, row.repo_id, Order.load(row.order), row.want, row.phase, row.exit_code,
        row.detail, row.attempt, row.attempts, row.node, Usage(**json.loads(row.usage)), row.log_bytes,
        row.created_at, row.started_at, row.ended_at,
    )  # fmt: skip
