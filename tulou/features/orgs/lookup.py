"""Find out who belongs to an organization, and which organizations somebody belongs to."""

from __future__ import annotations

from tulou.features.accounts.model import Account
from tulou.features.orgs import queries
from tulou.features.orgs.model import Member, Membership
from tulou.kernel.names import fold
from tulou.platform.machinery import Machinery


def members(m: Machinery, org: Account, *, after: str = "", limit: int = 1000) -> list[Member]:
    """Return up to `limit` members by name, beginning after the user called `after`."""
    with m.db.read() as connection:
        return queries.members(connection, org.id, after=fold(after), limit=limit)


def count_members(m: Machinery, org: Account) -> int:
    """Return how many members an organization has."""
    with m.db.read() as connection:
        return queries.count_members(connection, org.id)


def memberships(m: Machinery, user_id: str) -> list[Membership]:
    """Return the organizations of a user with their role in each, by name."""
    with m.db.read() as connection:
        return queries.memberships(connection, user_id)
