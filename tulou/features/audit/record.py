"""Write a line of the audit log in the transaction of the change it reports. Each line's chain seals the ones before."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sqlalchemy as sa

from tulou.db.engine import Tx
from tulou.db.tables import audit
from tulou.kernel.actor import Actor
from tulou.kernel.clock import Clock


def write(tx: Tx, clock: Clock, actor: Actor, action: str, subject_id: str | None, **detail: Any) -> None:
    """Record that `actor` did `action` to `subject_id`. Never put a secret into `detail`."""
    if tx.connection.dialect.name != "sqlite":
        tx.execute(sa.text("SELECT pg_advisory_xact_lock(7468)"))  # one writer at a time, or the chain would fork
    before = tx.execute(sa.select(audit.c.chain).order_by(audit.c.id.desc()).limit(1)).scalar() or ""
    row: dict[str, Any] = {
        "at": clock.now(),
        "action": action,
        "actor_id": actor.user_id,
        "actor_name": actor.name,
        "token_id": actor.token.id if actor.token else None,
        "address": actor.address,
        "request_id": actor.request_id,
        "subject_id": subject_id,
        "detail": json.dumps(detail, sort_keys=True),
    }
    tx.execute(sa.insert(audit).values(**row, chain=chain(before, row)))


def chain(before: str, row: dict[str, Any]) -> str:
    """Return the SHA-256 that binds a row to the chain value of the row before it."""
    return hashlib.sha256((before + json.dumps(row, sort_keys=True)).encode()).hexdigest()
