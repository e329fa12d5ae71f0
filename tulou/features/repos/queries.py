"""SQL over repositories and refs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.tables import account, redirect, ref, repo
from tulou.features.repos.model import Ref, Repo
from tulou.kernel.names import RepoKind, RepoName, fold

LIVE = (
    sa.select(repo, account.c.name.label("account_name"), account.c.kind.label("account_kind"))
    .join(account, account.c.id == repo.c.account_id)
    .where(repo.c.deleted_at.is_(None))
)


def repo_from(row: sa.Row[Any]) -> Repo:
    """Make a Repo of a row of `LIVE`."""
    return Repo(
        id=row.id,
        name=RepoName(RepoKind(row.kind), row.account_name, row.name),
        account_id=row.account_id,
        account_is_org=row.account_kind == "org",
        visibility=row.visibility,
        gated=row.gated,
        default_branch=row.default_branch,
        generation=row.generation,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def by_name(connection: Connection, name: RepoName) -> Repo | None:
    """Find a live repository by its name, or by a name it used to have."""
    row = connection.execute(
        LIVE.where(repo.c.kind == name.kind.value, account.c.key == fold(name.account), repo.c.key == fold(name.name))
    ).first()
    if row is None:
        row = connection.execute(
            LIVE.join(redirect, redirect.c.repo_id == repo.c.id).where(
                redirect.c.kind == name.kind.value,
                redirect.c.account_key == fold(name.account),
                redirect.c.key == fold(name.name),
            )
        ).first()
    return repo_from(row) if row else None


def by_id(connection: Connection, repo_id: str) -> Repo | None:
    """Find a live repository by id."""
    row = connection.execute(LIVE.where(repo.c.id == repo_id)).first()
    return repo_from(row) if row else None


def refs(connection: Connection, repo_id: str) -> list[Ref]:
    """Return every ref of a repository, by name."""
    rows = connection.execute(sa.select(ref).where(ref.c.repo_id == repo_id).order_by(ref.c.name))
    return [Ref(row.name, row.target, row.peeled) for row in rows]
