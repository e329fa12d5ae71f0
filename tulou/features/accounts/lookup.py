"""Find accounts."""

from __future__ import annotations

from tulou.features.accounts import queries
from tulou.features.accounts.model import Account
from tulou.platform.machinery import Machinery


def by_name(m: Machinery, name: str) -> Account | None:
    """Return the account of that name, whatever the letter case, or None."""
    with m.db.read() as connection:
        return queries.by_name(connection, name)


def by_id(m: Machinery, account_id: str) -> Account | None:
    """Return the account of that id, or None."""
    with m.db.read() as connection:
        return queries.by_id(connection, account_id)
