"""Read the audit log: filtered and paged, and checked against its own chain."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tulou.db.tables import audit
from tulou.features.audit.record import chain
from tulou.platform.machinery import Machinery

BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line: who did what to whom, when (Unix milliseconds) and from where."""

    id: int
    at: int
    action: str
    actor_id: str | None
    actor_name: str | None
    token_id: str | None
    address: str
    request_id: str
    subject_id: str | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: actions that begin so, by one actor, about one account or repository, older than a line."""

    action: str = ""
    actor_id: str | None = None
    subject_id: str | None = None
    before: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many lines were checked, and the first that does not match the ones before; None when all do."""

    lines: int
    broken: int | None


def lines(m: Machinery, wanted: Wanted) -> list[Line]:
    """Return up to `limit` lines, newest first."""
    query = sa.select(audit).order_by(audit.c.id.desc()).limit(wanted.limit)
    if wanted.action:
        query = query.where(audit.c.action.startswith(wanted.action, autoescape=True))
    if wanted.actor_id is not None:
        query = query.where(audit.c.actor_id == wanted.actor_id)
    if wanted.subject_id is not None:
        query = query.where(audit.c.subject_id == wanted.subject_id)
    if wanted.before is not None:
        query = query.where(audit.c.id < wanted.before)
    with m.db.read() as connection:
        rows = connection.execute(query).all()
    return [
        Line(r.id, r.at, r.action, r.actor_id, r.actor_name, r.token_id, r.address, r.request_id, r.subject_id,
             json.loads(r.detail))
        for r in rows
    ]  # fmt: skip


def verify(m: Machinery, *, last: int | None = None) -> Verdict:
    """Check the chain: of all lines, or of the `last` ones, which rest on the one before them."""
    with m.db.read() as connection:
        start = 0
        if last is not None:
            newest = sa.select(audit.c.id).order_by(audit.c.id.desc()).offset(last).limit(1)
            start = connection.execute(newest).scalar() or 0
        before = connection.execute(sa.select(audit.c.chain).where(audit.c.id == start)).scalar() or ""
        count, at = 0, start
        while True:
            rows = connection.execute(sa.select(audit).where(audit.c.id > at).order_by(audit.c.id).limit(BATCH)).mappings().all()
            for row in rows:
                fields = {name: row[name] for name in row if name not in {"id", "chain"}}
                if chain(before, fields) != row["chain"]:
                    return Verdict(count, row["id"])
                before, count, at = row["chain"], count + 1, row["id"]
            if len(rows) < BATCH:
                return Verdict(count, None)
