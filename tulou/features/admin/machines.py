"""What runs on the machines of this hub, as operators see it; and the end of it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from tulou.db.tables import account, run
from tulou.features.accounts.create import require_admin
from tulou.features.audit import record
from tulou.features.runs import read, want
from tulou.features.runs.model import Run
from tulou.kernel.actor import Actor
from tulou.kernel.errors import NotFound
from tulou.platform.compute.base import Node, Usage
from tulou.platform.machinery import Machinery

LISTED = 200


@dataclass(frozen=True, slots=True)
class Row:
    """A run that has not ended: whose, and what it uses now (nothing is known of one on another machine)."""

    run: Run
    owner: str
    usage: Usage | None


def nodes(m: Machinery, actor: Actor) -> list[Node]:
    """Return the machines. Raises Forbidden."""
    require_admin(actor)
    return m.compute.nodes()


def live(m: Machinery, actor: Actor) -> list[Row]:
    """Return what runs and waits, oldest first. Raises Forbidden."""
    require_admin(actor)
    query = sa.select(run.c.id, account.c.name).join(account, account.c.id == run.c.account_id).where(run.c.ended_at.is_(None))
    with m.db.read() as connection:
        owners = {row.id: row.name for row in connection.execute(query.order_by(run.c.created_at).limit(LISTED))}
    runs = read.many(m, owners)
    seen = m.compute.observe([each.machine_id for each in runs.values()]) if runs else {}
    rows = [Row(each, owners[each.id], used.usage if (used := seen.get(each.machine_id)) else None) for each in runs.values()]
    return sorted(rows, key=lambda row: row.run.created_at)


def stop(m: Machinery, actor: Actor, run_id: str) -> None:
    """End a run. Raises Forbidden, NotFound."""
    require_admin(actor)
    found = read.get(m, run_id)
    if found is None or found.is_over:
        raise NotFound("There is no such run, or it has ended.")
    with m.db.write() as tx:
        want.stop(tx, m, run_id)
        record.write(tx, m.clock, actor, "run.stopped", found.repo_id or found.account_id, run=run_id, kind=found.kind)
