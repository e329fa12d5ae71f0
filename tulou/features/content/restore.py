"""Bring deleted repositories back while their bytes are still kept."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from tulou.db.tables import account
from tulou.db.tables import repo as repo_table
from tulou.features.accounts import lookup as accounts
from tulou.features.content.collect import UNDO_DELETE
from tulou.features.content.lifecycle import drop_redirect, live_id, report_change
from tulou.features.repos import lookup
from tulou.features.repos.model import Repo
from tulou.features.repos.naming import index_name
from tulou.kernel.actor import Actor, Role
from tulou.kernel.errors import AlreadyExists, RepoNotFound
from tulou.kernel.names import RepoKind, RepoName, fold, parse_repo_name
from tulou.platform.machinery import Machinery


@dataclass(frozen=True, slots=True)
class Deleted:
    """A repository that can be restored until `gone_at`; times are Unix milliseconds."""

    id: str
    name: RepoName
    is_private: bool
    deleted_at: int
    gone_at: int
    bytes: int


def deleted(m: Machinery, actor: Actor, *, everybody: bool = False) -> list[Deleted]:
    """Return what `actor` may restore, the latest first: their own and their organizations', or for the operator all."""
    query = (
        sa.select(repo_table, account.c.name.label("account_name"))
        .join(account, account.c.id == repo_table.c.account_id)
        .where(repo_table.c.deleted_at > m.clock.now() - UNDO_DELETE)
        .order_by(repo_table.c.deleted_at.desc(), repo_table.c.id.desc())
        .limit(500)
    )
    if not (everybody and actor.is_admin and actor.token is None):
        query = query.where(repo_table.c.account_id.in_(_governed(actor)))
    with m.db.read() as connection:
        rows = connection.execute(query).all()
    return [
        Deleted(r.id, RepoName(RepoKind(r.kind), r.account_name, r.name), r.visibility == "private", r.deleted_at,
                r.deleted_at + UNDO_DELETE, r.storage_bytes)
        for r in rows
    ]  # fmt: skip


def restore(m: Machinery, actor: Actor, repo_id: str, *, new_name: str | None = None) -> Repo:
    """Bring a repository back under its name, or another if somebody has taken that.

    Raises RepoNotFound for one that is gone or not theirs, AlreadyExists when the name is taken.
    One transaction: the name is free and the repository has it, or nothing changed. Its bytes were never touched.
    """
    with m.db.write() as tx:
        row = tx.execute(sa.select(repo_table).where(repo_table.c.id == repo_id).with_for_update()).first()
        if row is None or not _may(actor, row.account_id) or not _is_restorable(m, row.deleted_at):
            raise RepoNotFound
        owner = accounts.by_id(m, row.account_id)
        if owner is None:
            raise RepoNotFound
        name = parse_repo_name(RepoKind(row.kind), owner.name, new_name or row.name)
        if live_id(tx, owner, name) is not None:
            raise AlreadyExists("A repository of that name exists by now. Choose another name.")
        drop_redirect(tx, name)
        values = {"deleted_at": None, "name": name.name, "key": fold(name.name)}
        tx.execute(sa.update(repo_table).where(repo_table.c.id == repo_id).values(**values))
        index_name(tx, repo_id, fold(name.name))
        back = Repo(
            repo_id, name, owner.id, owner.kind.value == "org", row.visibility, row.gated, row.default_branch, row.generation,
            row.created_at, row.updated_at,
        )  # fmt: skip
        report_change(tx, m, actor, back, "restored", {"name": name.full, "kind": name.kind.value})
    return lookup.by_id(m, repo_id)


def _is_restorable(m: Machinery, deleted_at: int | None) -> bool:
    return deleted_at is not None and deleted_at > m.clock.now() - UNDO_DELETE


def _may(actor: Actor, account_id: str) -> bool:
    return actor.token is None and (actor.is_admin or account_id in _governed(actor))


def _governed(actor: Actor) -> list[str]:
    own = [actor.user_id] if actor.user_id else []
    return own + [org for org, role in actor.memberships.items() if role is Role.ADMIN]
