"""SQL over accounts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.engine import Tx, insert_or_ignore
from tulou.db.tables import account
from tulou.features.accounts.model import Account, AccountKind
from tulou.kernel.errors import AlreadyExists
from tulou.kernel.names import fold


def account_from(row: sa.Row[Any]) -> Account:
    """Make an Account of a row of the account table."""
    return Account(
        row.id, AccountKind(row.kind), row.name, row.fullname, row.email, row.is_admin,
        row.default_visibility, row.quota_bytes, row.created_at, row.disabled_at,
    )


def by_name(connection: Connection, name: str) -> Account | None:
    """Find an account whatever the letter case."""
    row = connection.execute(sa.select(account).where(account.c.key == fold(name))).first()
    return account_from(row) if row else None


def by_id(connection: Connection, account_id: str) -> Account | None:
    """Find an account by id."""
    row = connection.execute(sa.select(account).where(account.c.id == account_id)).first()
    return account_from(row) if row else None


def by_ids(connection: Connection, account_ids: list[str]) -> list[Account]:
    """Find some accounts by their ids."""
    return [account_from(row) for row in connection.execute(sa.select(account).where(account.c.id.in_(account_ids)))]


def of_kind(connection: Connection, kind: AccountKind) -> list[Account]:
    """Return every account of a kind, by name."""
    rows = connection.execute(sa.select(account).where(account.c.kind == kind.value).order_by(account.c.key))
    return [account_from(row) for row in rows]


def insert(tx: Tx, new: Account) -> None:
    """Add an account. Raises AlreadyExists if the name is taken, in whatever letter case."""
    added = insert_or_ignore(tx, account, {
        "id": new.id, "kind": new.kind.value, "name": new.name, "key": fold(new.name), "fullname": new.fullname,
        "email": new.email, "is_admin": new.is_admin, "default_visibility": new.default_visibility,
        "quota_bytes": new.quota_bytes, "created_at": new.created_at, "disabled_at": new.disabled_at,
    })
    if not added:
        raise AlreadyExists("An account with that name already exists.")


def change(tx: Tx, account_id: str, **values: Any) -> None:
    """Set columns of one account."""
    tx.execute(sa.update(account).where(account.c.id == account_id).values(**values))
