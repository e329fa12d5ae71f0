"""A user or an organization, as everybody else sees it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AccountKind(StrEnum):
    """Who stands behind a name."""

    USER = "user"
    ORG = "org"


@dataclass(frozen=True, slots=True)
class Account:
    """A namespace. `default_visibility` is what its new repositories get when nobody says."""

    id: str
    kind: AccountKind
    name: str
    fullname: str
    email: str | None
    is_admin: bool
    default_visibility: str
    quota_bytes: int | None
    created_at: int
    disabled_at: int | None
