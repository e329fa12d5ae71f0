"""SQL over members."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.engine import Tx, insert_or_ignore
from tulou.db.tables import account, member
from tulou.features.accounts.model import Account, AccountKind
from tulou.features.orgs.model import Member, Membership
from tulou.kernel.actor import Role
from tulou.kernel.names import fold


def members(connection: Connection, org_id: str, *, after: str, limit: int) -> list[Member]:
    """Return members by name, beginning after a folded name."""
    query = (
        sa.select(account, member.c.role)
        .join(member, member.c.user_id == account.c.id)
        .where(member.c.org_id == org_id, account.c.key > after)
        .order_by(account.c.key)
        .limit(limit)
    )
    return [Member(_account(row), Role(row.role)) for row in connection.execute(query)]


def count_members(connection: Connection, org_id: str) -> int:
    """Return how many members an organization has."""
    return int(connection.execute(sa.select(sa.func.count()).where(member.c.org_id == org_id)).scalar_one())


def memberships(connection: Connection, user_id: str) -> list[Membership]:
    """Return the organizations of a user, by name."""
    query = (
        sa.select(account, member.c.role)
        .join(member, member.c.org_id == account.c.id)
        .where(member.c.user_id == user_id)
        .order_by(account.c.key)
    )
    return [Membership(_account(row), Role(row.role)) for row in connection.execute(query)]


def insert_org(tx: Tx, org: Account) -> bool:
    """Add an organization. False: the name is taken."""
    return insert_or_ignore(tx, account, {
        "id": org.id, "kind": org.kind.value, "name": org.name, "key": fold(org.name), "fullname": org.fullname,
        "is_admin": False, "default_visibility": org.default_visibility, "created_at": org.created_at,
    }) == 1


def change_org(tx: Tx, org_id: str, **values: Any) -> None:
    """Set columns of one organization."""
    tx.execute(sa.update(account).where(account.c.id == org_id).values(**values))


def set_role(tx: Tx, org_id: str, user_id: str, role: Role, now: int) -> bool:
    """Make somebody a member, or give a member another role. False: that was the role already."""
    if insert_or_ignore(tx, member, {"org_id": org_id, "user_id": user_id, "role": role.value, "created_at": now}):
        return True
    other = sa.and_(_one(org_id, user_id), member.c.role != role.value)
    return tx.execute(sa.update(member).where(other).values(role=role.value)).rowcount == 1


def has_member(tx: Tx, org_id: str, user_id: str) -> bool:
    """Say whether somebody belongs to an organization."""
    return tx.execute(sa.select(member.c.role).where(_one(org_id, user_id))).first() is not None


def is_last_admin(tx: Tx, org_id: str, user_id: str) -> bool:
    """Say whether this is the only administrator that an organization has."""
    # The lock makes two administrators who leave at once come one after the other.
    tx.execute(sa.select(account.c.id).where(account.c.id == org_id).with_for_update())
    admins = sa.select(member.c.user_id).where(member.c.org_id == org_id, member.c.role == Role.ADMIN.value)
    return [row.user_id for row in tx.execute(admins.limit(2))] == [user_id]


def remove(tx: Tx, org_id: str, user_id: str) -> bool:
    """End a membership. False: there was none."""
    return tx.execute(sa.delete(member).where(_one(org_id, user_id))).rowcount == 1


def _one(org_id: str, user_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(member.c.org_id == org_id, member.c.user_id == user_id)


def _account(row: sa.Row[Any]) -> Account:
    return Account(
        row.id, AccountKind(row.kind), row.name, row.fullname, row.email, row.is_admin,
        row.default_visibility, row.quota_bytes, row.created_at, row.disabled_at,
    )
