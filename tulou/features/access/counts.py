"""Count and list repositories for overviews, never telling anybody about one that they may not see."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from tulou.db.tables import account, repo
from tulou.features.access import gate
from tulou.kernel.actor import Actor
from tulou.kernel.names import GIT_KINDS, RepoKind, RepoName
from tulou.platform.machinery import Machinery


@dataclass(frozen=True, slots=True)
class Summary:
    """One line about a repository."""

    name: RepoName
    is_private: bool
    updated_at: int


def by_kind(m: Machinery, actor: Actor, account_id: str) -> dict[RepoKind, int]:
    """Return how many repositories of each kind an account has, as far as `actor` may see them."""
    query = (
        sa.select(repo.c.kind, sa.func.count())
        .where(repo.c.account_id == account_id, repo.c.deleted_at.is_(None), gate.visible_repos(actor))
        .group_by(repo.c.kind)
    )
    with m.db.read() as connection:
        found = {RepoKind(kind): int(count) for kind, count in connection.execute(query)}
    return {kind: found.get(kind, 0) for kind in RepoKind}


def newest(m: Machinery, actor: Actor, limit: int, *, account_id: str | None = None) -> list[Summary]:
    """Return the repositories with a history that changed last, of one account or of all, as far as `actor` may see them."""
    query = (
        sa.select(repo.c.kind, repo.c.name, repo.c.visibility, repo.c.updated_at, account.c.name.label("account_name"))
        .join(account, account.c.id == repo.c.account_id)
        .where(repo.c.deleted_at.is_(None), repo.c.kind.in_(GIT_KINDS), gate.visible_repos(actor))
        .order_by(repo.c.updated_at.desc(), repo.c.id.desc())
        .limit(limit)
    )
    if account_id is not None:
        query = query.where(repo.c.account_id == account_id)
    with m.db.read() as connection:
        rows = connection.execute(query).all()
    return [Summary(RepoName(RepoKind(r.kind), r.account_name, r.name), r.visibility == "private", r.updated_at) for r in rows]
