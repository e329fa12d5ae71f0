"""Find accounts."""

from __future__ import annotations

from collections.abc import Iterable

from tulou.features.accounts import queries
from tulou.features.accounts.model import Account, AccountKind
from tulou.kernel.errors import AccountNotFound, InvalidName
from tulou.kernel.names import parse_account
from tulou.platform.machinery import Machinery


def by_name(m: Machinery, name: str) -> Account | None:
    """Return the account of that name, whatever the letter case, or None."""
    with m.db.read() as connection:
        return queries.by_name(connection, name)


def by_id(m: Machinery, account_id: str) -> Account | None:
    """Return the account of that id, or None."""
    with m.db.read() as connection:
        return queries.by_id(connection, account_id)


def by_ids(m: Machinery, account_ids: Iterable[str]) -> dict[str, Account]:
    """Return the accounts with these ids, by id; those that are gone are left out."""
    with m.db.read() as connection:
        return {found.id: found for found in queries.by_ids(connection, list(account_ids))}


def user(m: Machinery, name: str) -> Account:
    """Return the user of that name. Raises AccountNotFound for nobody, and for an organization."""
    return _of_kind(m, name, AccountKind.USER)


def org(m: Machinery, name: str) -> Account:
    """Return the organization of that name. Raises AccountNotFound for none, and for a user."""
    return _of_kind(m, name, AccountKind.ORG)


def everyone(m: Machinery, kind: AccountKind) -> list[Account]:
    """Return every account of a kind, by name. For the operator's tools."""
    with m.db.read() as connection:
        return queries.of_kind(connection, kind)


def _of_kind(m: Machinery, name: str, kind: AccountKind) -> Account:
    nobody = AccountNotFound("No such user." if kind is AccountKind.USER else "No such organization.")
    try:
        found = by_name(m, parse_account(name))
    except InvalidName as cause:
        raise nobody from cause
    if found is None or found.kind is not kind:
        raise nobody
    return found
