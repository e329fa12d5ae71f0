"""Every repository of the hub, the largest or the latest first."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from tulou.db.tables import account, repo
from tulou.features.accounts.create import require_admin
from tulou.kernel.actor import Actor
from tulou.kernel.names import RepoKind, RepoName, fold
from tulou.platform.machinery import Machinery

PAGE = 50
SORTS = {"bytes": repo.c.storage_bytes, "changed": repo.c.updated_at, "made": repo.c.created_at}


@dataclass(frozen=True, slots=True)
class Row:
    """One live repository as operators see it."""

    id: str
    name: RepoName
    is_private: bool
    bytes: int
    updated_at: int


def search(m: Machinery, actor: Actor, text: str, *, kind: RepoKind | None, sort: str, page: int) -> list[Row]:
    """Return a page (from 0) of repositories whose `account/name` contains the text, one more than fits. Raises Forbidden."""
    require_admin(actor)
    word = fold(text.strip())[:200]
    full = account.c.key + "/" + repo.c.key
    order = SORTS.get(sort, repo.c.storage_bytes)
    query = (
        sa.select(repo, account.c.name.label("account_name"))
        .join(account, account.c.id == repo.c.account_id)
        .where(repo.c.deleted_at.is_(None), full.contains(word, autoescape=True) if word else sa.true())
        .order_by(order.desc(), repo.c.id.desc())
        .offset(page * PAGE)
        .limit(PAGE + 1)
    )
    if kind is not None:
        query = query.where(repo.c.kind == kind.value)
    with m.db.read() as connection:
        rows = connection.execute(query).all()
    return [
        Row(r.id, RepoName(RepoKind(r.kind), r.account_name, r.name), r.visibility == "private", r.storage_bytes, r.updated_at)
        for r in rows
    ]
