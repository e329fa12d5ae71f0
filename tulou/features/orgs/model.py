"""Who belongs to an organization, and as what."""

from __future__ import annotations

from dataclasses import dataclass

from tulou.features.accounts.model import Account
from tulou.kernel.actor import Role


@dataclass(frozen=True, slots=True)
class Member:
    """A user in an organization."""

    user: Account
    role: Role


@dataclass(frozen=True, slots=True)
class Membership:
    """An organization that a user belongs to."""

    org: Account
    role: Role
