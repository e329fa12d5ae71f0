"""Who is asking, and with which rights."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class Role(StrEnum):
    """A member's role in an organization; each includes the ones before it."""

    READ = "read"
    CONTRIBUTOR = "contributor"
    WRITE = "write"
    ADMIN = "admin"


class TokenRole(StrEnum):
    """What a token may do at most."""

    READ = "read"
    WRITE = "write"
    FINE_GRAINED = "fineGrained"


class Action(IntEnum):
    """What somebody wants to do with a repository. Only `access.gate` decides."""

    READ_INFO = 1
    READ_CONTENT = 2
    WRITE = 3
    ADMIN = 4


@dataclass(frozen=True, slots=True)
class Scope:
    """One grant of a fine-grained token: `permissions` on an account or on one repository, by id."""

    entity_id: str
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Token:
    """The token a request was made with."""

    id: str
    name: str
    role: TokenRole
    scopes: tuple[Scope, ...] = ()


@dataclass(frozen=True, slots=True)
class Actor:
    """A user, or nobody (`user_id` is None), at an address, in one request."""

    user_id: str | None = None
    name: str | None = None
    is_admin: bool = False
    memberships: dict[str, Role] = field(default_factory=dict)
    """Organization id → role."""
    token: Token | None = None
    address: str = ""
    request_id: str = ""

    @property
    def is_anonymous(self) -> bool:
        """True when nobody is signed in."""
        return self.user_id is None


SYSTEM = Actor(user_id=None, name="tulou", is_admin=True, address="local")
"""The hub itself: demo content, background tasks, the operator's command line."""
