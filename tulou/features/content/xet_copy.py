"""Give a repository large files that another one has, without sending their bytes again."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.tables import lfs_object, repo_object
from tulou.features.access import gate
from tulou.features.content import xet_rows as rows
from tulou.features.content.xet_upload import UNCOMMITTED_SECONDS
from tulou.features.quota import use
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Action, Actor
from tulou.kernel.errors import RepoNotFound
from tulou.kernel.ids import Sha256, XetHash
from tulou.kernel.names import RepoName
from tulou.platform.machinery import Machinery
from tulou.platform.xet.register import parts


@dataclass(frozen=True, slots=True)
class Copyable:
    """A large file in the history of the source."""

    sha256: Sha256
    size: int
    xet_hash: XetHash | None


def duplicate(m: Machinery, actor: Actor, source: Repo, target_name: RepoName, sha256s: list[Sha256]) -> list[Sha256]:
    """Make large files of `source` belong to the target too, and return those that could not be copied.

    `source` was obtained from the gate for reading its content; writing to the target is checked here. Only files in
    the source's history can be copied: what somebody else has merely uploaded there is not the reader's to take.
    Raises as the gate does for the target, QuotaExceeded.
    """
    target = gate.repo(m, actor, target_name, Action.WRITE)
    with m.turnstile.publishing(), m.db.write() as tx:
        found = _committed(tx.connection, source, sha256s)
        if not rows.is_live(tx.connection, target.id):
            raise RepoNotFound
        owned = rows.owned(tx.connection, target.id, list(found))
        reservations = {use.object_key(target.id, name): file.size for name, file in found.items() if name not in owned}
        use.reserve_each(tx, m, target.account_id, reservations, UNCOMMITTED_SECONDS)
        files = [(f.sha256, f.size, f.xet_hash) for f in found.values()]
        rows.own(tx, m.clock.now(), target.id, actor.user_id, files)
    return [sha256 for sha256 in sha256s if sha256 not in found]


def _committed(connection: Connection, source: Repo, sha256s: list[Sha256]) -> dict[Sha256, Copyable]:
    found: dict[Sha256, Copyable] = {}
    for part in parts(sorted(set(sha256s))):
        query = (
            sa.select(lfs_object.c.sha256, lfs_object.c.size, lfs_object.c.file_hash)
            .join(repo_object, repo_object.c.sha256 == lfs_object.c.sha256)
            .where(repo_object.c.repo_id == source.id, repo_object.c.committed.is_(True), repo_object.c.sha256.in_(part))
        )
        for row in connection.execute(query):
            name = XetHash(row.file_hash) if row.file_hash is not None else None
            found[Sha256(row.sha256)] = Copyable(Sha256(row.sha256), row.size, name)
    return found
