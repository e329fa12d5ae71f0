"""git-lfs file locks: a note that somebody is working on a file that cannot be merged. git-lfs itself respects them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tulou.db.engine import insert_or_ignore
from tulou.db.tables import account, lfs_lock
from tulou.features.access import gate
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Action, Actor
from tulou.kernel.clock import iso
from tulou.kernel.errors import Conflict, Forbidden, NotFound, SignInNeeded, Unprocessable
from tulou.kernel.ids import new_id
from tulou.kernel.limits import LFS_LOCKS
from tulou.kernel.names import parse_path
from tulou.platform.machinery import Machinery


@dataclass(frozen=True, slots=True)
class Lock:
    """One locked path and who locked it, when (Unix milliseconds)."""

    id: str
    path: str
    owner_id: str
    owner: str
    locked_at: int

    def to_json(self) -> dict[str, Any]:
        """Return the wire form."""
        return {"id": self.id, "path": self.path, "locked_at": iso(self.locked_at), "owner": {"name": self.owner}}


class AlreadyLocked(Conflict):
    """This path is locked already."""

    code = "already_locked"

    def __init__(self, lock: Lock) -> None:
        super().__init__()
        self.lock = lock


def create(m: Machinery, actor: Actor, repo: Repo, path: str) -> Lock:
    """Lock a path. Raises AlreadyLocked with the lock that is there."""
    if actor.user_id is None:
        raise SignInNeeded
    parse_path(path)
    values = {"id": new_id(), "repo_id": repo.id, "path": path, "owner_id": actor.user_id, "locked_at": m.clock.now()}
    with m.db.write() as tx:
        count = tx.execute(sa.select(sa.func.count()).select_from(lfs_lock).where(lfs_lock.c.repo_id == repo.id)).scalar_one()
        if count >= LFS_LOCKS:
            raise Unprocessable(f"A repository may have at most {LFS_LOCKS} locks.")
        is_new = insert_or_ignore(tx, lfs_lock, values) == 1
        lock = _locks(tx.connection, repo, lfs_lock.c.path == path)[0]
    if not is_new:
        raise AlreadyLocked(lock)
    return lock


def listed(m: Machinery, repo: Repo, *, path: str | None, lock_id: str | None, after: str | None, limit: int) -> list[Lock]:
    """Return up to `limit` locks in the order of their ids, after the id `after`."""
    if any("\0" in text for text in (path, lock_id, after) if text is not None):
        return []  # no lock has one, and PostgreSQL refuses to compare with it
    conditions = []
    if path is not None:
        conditions.append(lfs_lock.c.path == path)
    if lock_id is not None:
        conditions.append(lfs_lock.c.id == lock_id)
    if after is not None:
        conditions.append(lfs_lock.c.id > after)
    with m.db.read() as connection:
        return _locks(connection, repo, *conditions, limit=limit)


def release(m: Machinery, actor: Actor, repo: Repo, lock_id: str, *, force: bool) -> Lock:
    """Unlock. Somebody else's lock needs `force` and the right to administer the repository."""
    found = listed(m, repo, path=None, lock_id=lock_id, after=None, limit=1)
    if not found:
        raise NotFound("There is no such lock in this repository.")
    lock = found[0]
    if lock.owner_id != actor.user_id:
        if not force:
            raise Forbidden("Somebody else holds this lock; an administrator of the repository may force it.")
        gate.check(actor, repo, Action.ADMIN)
    with m.db.write() as tx:
        tx.execute(sa.delete(lfs_lock).where(lfs_lock.c.repo_id == repo.id, lfs_lock.c.id == lock_id))
    return lock


def _locks(connection: sa.Connection, repo: Repo, *conditions: sa.ColumnElement[bool], limit: int = 1) -> list[Lock]:
    query = (
        sa.select(lfs_lock, account.c.name)
        .join(account, account.c.id == lfs_lock.c.owner_id)
        .where(lfs_lock.c.repo_id == repo.id, *conditions)
        .order_by(lfs_lock.c.id)
        .limit(limit)
    )
    return [Lock(row.id, row.path, row.owner_id, row.name, row.locked_at) for row in connection.execute(query)]
