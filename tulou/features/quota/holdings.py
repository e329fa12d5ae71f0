"""List the repositories of an account with what each of them stores."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from tulou.db.tables import account, repo
from tulou.features.access import gate
from tulou.features.accounts.model import Account
from tulou.features.quota import use
from tulou.kernel.actor import Actor
from tulou.kernel.errors import Forbidden
from tulou.kernel.names import RepoKind, RepoName
from tulou.platform.machinery import Machinery


@dataclass(frozen=True, slots=True)
class Holding:
    """A live repository and the bytes that it holds; `percent` is its part of what the whole account stores."""

    id: str
    name: RepoName
    visibility: str
    updated_at: int
    bytes: int
    percent: float


def of_account(m: Machinery, actor: Actor, owner: Account, *, after: str | None, limit: int) -> list[Holding]:
    """Return up to `limit` repositories, newest first, beginning after the one with id `after`.

    Raises Forbidden unless `actor` is the account, belongs to it, or is an administrator.
    """
    if not (actor.is_admin or actor.user_id == owner.id or owner.id in actor.memberships):
        raise Forbidden("Only members may see what an organization stores.")
    query = (
        sa.select(repo, account.c.name.label("account"))
        .join(account, account.c.id == repo.c.account_id)
        .where(repo.c.account_id == owner.id, repo.c.deleted_at.is_(None), gate.visible_repos(actor))
        .order_by(repo.c.id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(repo.c.id < after)
    total = use.of(m, owner.id).stored
    with m.db.read() as connection:
        rows = connection.execute(query).all()
    return [
        Holding(r.id, RepoName(RepoKind(r.kind), r.account, r.name), r.visibility, r.updated_at, r.storage_bytes,
                100 * r.storage_bytes / total if total else 0.0)
        for r in rows
    ]
