"""Every account of the hub, and what operators do to one."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from tulou.db.tables import account, repo
from tulou.features.accounts import create, passwords, sessions, twofactor
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.create import require_admin
from tulou.features.accounts.model import Account, AccountKind
from tulou.kernel.actor import Actor
from tulou.kernel.errors import Conflict
from tulou.kernel.names import fold
from tulou.platform.machinery import Machinery

PAGE = 50


@dataclass(frozen=True, slots=True)
class Holder:
    """An account with what it holds: repositories and their bytes."""

    account: Account
    repositories: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SignInState:
    """How somebody can sign in, and in how many browsers they are."""

    has_password: bool
    has_second_factor: bool
    sessions: int


def search(m: Machinery, actor: Actor, kind: AccountKind, text: str, after: str) -> list[Holder]:
    """Return accounts by name, those after one: whose name or full name contains the text. Raises Forbidden."""
    require_admin(actor)
    word = fold(text.strip())[:100]
    fullname = sa.func.lower(account.c.fullname)
    named = sa.or_(account.c.key.contains(word, autoescape=True), fullname.contains(word, autoescape=True))
    held = (
        sa.select(repo.c.account_id, sa.func.count().label("repositories"), sa.func.sum(repo.c.storage_bytes).label("bytes"))
        .where(repo.c.deleted_at.is_(None))
        .group_by(repo.c.account_id)
        .subquery()
    )
    query = (
        sa.select(account.c.id, held.c.repositories, held.c.bytes)
        .outerjoin(held, held.c.account_id == account.c.id)
        .where(account.c.kind == kind.value, account.c.key > fold(after), named if word else sa.true())
        .order_by(account.c.key)
        .limit(PAGE + 1)
    )
    with m.db.read() as connection:
        rows = connection.execute(query).all()
    known = accounts.by_ids(m, [row.id for row in rows])
    return [Holder(known[row.id], int(row.repositories or 0), int(row.bytes or 0)) for row in rows if row.id in known]


def sign_in_state(m: Machinery, actor: Actor, user: Account) -> SignInState:
    """Say how somebody can sign in. Raises Forbidden."""
    require_admin(actor)
    open_ones = sessions.of_account(m, user.id, None)
    return SignInState(passwords.has_one(m, user.id), twofactor.is_on(m, user.id), len(open_ones))


def set_admin(m: Machinery, actor: Actor, user: Account, *, is_admin: bool) -> None:
    """Make somebody an administrator, or take that away. Raises Conflict for oneself: somebody must be left."""
    require_admin(actor)
    if user.id == actor.user_id and not is_admin:
        raise Conflict("You cannot take this right from yourself: ask another administrator.")
    create.change_user(m, actor, user, is_admin=is_admin)


def set_disabled(m: Machinery, actor: Actor, user: Account, *, disabled: bool) -> None:
    """Close or reopen somebody's account; closing signs them out everywhere. Raises Conflict for oneself."""
    require_admin(actor)
    if user.id == actor.user_id and disabled:
        raise Conflict("You cannot close your own account: ask another administrator.")
    create.set_disabled(m, actor, user, disabled=disabled)
    if disabled:
        sessions.close_all(m, actor, user.id)


def sign_out(m: Machinery, actor: Actor, user: Account) -> None:
    """Sign somebody out of every browser. Raises Forbidden."""
    require_admin(actor)
    sessions.close_all(m, actor, user.id)
