"""SQL over accounts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.tables import account
from tulou.features.accounts.model import Account, AccountKind
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
