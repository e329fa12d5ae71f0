"""Names of repositories by id, and ids by name, the deleted ones too: for the audit log, which operators alone read."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from tulou.db.tables import account, repo
from tulou.kernel.names import RepoKind, RepoName, fold
from tulou.platform.machinery import Machinery


def names_of(m: Machinery, repo_ids: Iterable[str]) -> dict[str, str]:
    """Return the path (`datasets/acme/x`) of each repository by its id; those that are gone for good are left out."""
    query = (
        sa.select(repo.c.id, repo.c.kind, repo.c.name, account.c.name.label("account"))
        .join(account, account.c.id == repo.c.account_id)
        .where(repo.c.id.in_(list(repo_ids)))
    )
    with m.db.read() as connection:
        return {r.id: RepoName(RepoKind(r.kind), r.account, r.name).path for r in connection.execute(query)}


def ids_of(m: Machinery, full: str) -> list[str]:
    """Return the ids of the repositories called `account/name`, of whatever kind, the latest first."""
    owner, _, name = full.rpartition("/")
    owner = owner.rpartition("/")[2]
    query = (
        sa.select(repo.c.id)
        .join(account, account.c.id == repo.c.account_id)
        .where(account.c.key == fold(owner), repo.c.key == fold(name))
        .order_by(repo.c.deleted_at.is_not(None), repo.c.id.desc())
    )
    with m.db.read() as connection:
        return list(connection.execute(query).scalars())
