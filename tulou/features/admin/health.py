"""How the hub is: what runs, what waits, what failed, and how much room is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou import __version__
from tulou.db.tables import account, outbox, repo, session, task
from tulou.features.accounts.model import AccountKind
from tulou.features.content.tasks import COLLECT
from tulou.fsio import space
from tulou.kernel.limits import DISK_RESERVE, GIB
from tulou.kernel.names import RepoKind
from tulou.platform.machinery import Machinery

LAG_MS = 5 * 60_000
"""Work that waits longer than this means that the worker cannot keep up, or does not run."""


@dataclass(frozen=True, slots=True)
class Health:
    """The state of one hub. Times and spans are milliseconds, sizes bytes."""

    version: str
    started_at: int
    database: str
    database_bytes: int | None
    disk_free: int
    disk_total: int
    waiting: int
    running: int
    failed: int
    lag: int
    events: int
    collected_at: int | None
    users: int
    organizations: int
    repositories: dict[RepoKind, int]
    sessions: int

    @property
    def problems(self) -> list[str]:
        """What somebody should look at now, worst first."""
        found = []
        if self.disk_free < DISK_RESERVE:
            found.append("The disk is full: nothing can be uploaded.")
        elif self.disk_free < 5 * GIB:
            found.append("Less than 5 GB are left on the disk.")
        if self.lag > LAG_MS:
            found.append("Background work is more than five minutes behind.")
        if self.failed:
            found.append("Background tasks have failed for good.")
        return found


def look(m: Machinery) -> Health:
    """Look at everything that is quick to look at: some ten small queries."""
    now = m.clock.now()
    free, total = space.room(m.settings.data.resolve())
    with m.db.read() as connection:
        states = counted(connection, sa.select(task.c.state, sa.func.count()).group_by(task.c.state))
        due = sa.select(sa.func.min(task.c.run_at)).where(task.c.state == "queued", task.c.run_at <= now)
        oldest = connection.execute(due).scalar()
        done = sa.select(sa.func.max(task.c.finished_at)).where(task.c.kind == COLLECT, task.c.state == "done")
        people = counted(connection, sa.select(account.c.kind, sa.func.count()).group_by(account.c.kind))
        return Health(
            version=__version__,
            started_at=m.started_at,
            database="SQLite" if m.db.is_sqlite else "PostgreSQL",
            database_bytes=_database_bytes(m, connection),
            disk_free=free,
            disk_total=total,
            waiting=states.get("queued", 0),
            running=states.get("running", 0),
            failed=states.get("failed", 0),
            lag=now - oldest if oldest is not None else 0,
            events=_count(connection, sa.select(sa.func.count()).select_from(outbox).where(outbox.c.dispatched_at.is_(None))),
            collected_at=connection.execute(done).scalar(),
            users=people.get(AccountKind.USER.value, 0),
            organizations=people.get(AccountKind.ORG.value, 0),
            repositories=_repositories(connection),
            sessions=_count(connection, sa.select(sa.func.count()).select_from(session).where(session.c.expires_at > now)),
        )


def _repositories(connection: Connection) -> dict[RepoKind, int]:
    live = sa.select(repo.c.kind, sa.func.count()).where(repo.c.deleted_at.is_(None)).group_by(repo.c.kind)
    found = counted(connection, live)
    return {kind: found.get(kind.value, 0) for kind in RepoKind}


def _database_bytes(m: Machinery, connection: Connection) -> int | None:
    if m.db.is_sqlite:
        pages = int(connection.execute(sa.text("PRAGMA page_count")).scalar_one())
        return pages * int(connection.execute(sa.text("PRAGMA page_size")).scalar_one())
    return int(connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one())


def _count(connection: Connection, query: Any) -> int:
    return int(connection.execute(query).scalar_one())


def counted(connection: Connection, query: Any) -> dict[str, int]:
    """Return the rows of a query for words and counts."""
    return {row[0]: int(row[1]) for row in connection.execute(query)}
