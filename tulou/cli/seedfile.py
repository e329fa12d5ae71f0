"""The file that `tulou seed` reads: its words, and complaints about what is not one of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from tulou.kernel.actor import Role, TokenRole
from tulou.kernel.errors import BadInput
from tulou.wire import frontmatter

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class SeedToken:
    """A token to be. Without a value one is made up and printed."""

    name: str
    role: TokenRole
    value: str | None


@dataclass(frozen=True, slots=True)
class SeedUser:
    """A user to be."""

    name: str
    fullname: str
    email: str | None
    admin: bool | None
    tokens: tuple[SeedToken, ...]


@dataclass(frozen=True, slots=True)
class SeedOrg:
    """An organization to be, and its members: user name and role."""

    name: str
    fullname: str
    default_visibility: str | None
    members: tuple[tuple[str, Role], ...]


@dataclass(frozen=True, slots=True)
class Seed:
    """A whole file."""

    users: tuple[SeedUser, ...]
    orgs: tuple[SeedOrg, ...]


def parse(text: str) -> Seed:
    """Read the file. Raises BadInput or WireError for anything it does not understand."""
    fields = _Fields(frontmatter.parse(text) or {}, "the file")
    seed = Seed(
        tuple(_user(fields) for fields in fields.items("users")),
        tuple(_org(fields) for fields in fields.items("orgs")),
    )
    fields.refuse_rest()
    return seed


def _user(fields: _Fields) -> SeedUser:
    user = SeedUser(
        fields.text("name"), fields.optional("fullname") or "", fields.optional("email"), fields.boolean("admin"),
        tuple(_token(fields) for fields in fields.items("tokens")),
    )
    fields.refuse_rest()
    return user


def _token(fields: _Fields) -> SeedToken:
    token = SeedToken(fields.text("name"), fields.word("role", TokenRole), fields.optional("value"))
    fields.refuse_rest()
    if token.role is TokenRole.FINE_GRAINED:
        raise BadInput("A seeded token is read or write.")
    return token


def _org(fields: _Fields) -> SeedOrg:
    members = []
    for member in fields.items("members"):
        members.append((member.text("user"), member.word("role", Role)))
        member.refuse_rest()
    org = SeedOrg(fields.text("name"), fields.optional("fullname") or "", fields.optional("default_visibility"), tuple(members))
    fields.refuse_rest()
    return org


class _Fields:
    """A mapping that is read field by field; what nobody asked for is a mistake in the file."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise BadInput(f"In {where}: a mapping is needed here.")
        self._values = dict(value)
        self._where = where

    def optional(self, name: str) -> str | None:
        """Take a text that may be missing."""
        value = self._values.pop(name, None)
        if value is not None and not isinstance(value, str):
            raise BadInput(f"In {self._where}: {name!r} must be a text.")
        return value

    def text(self, name: str) -> str:
        """Take a text that must be there."""
        value = self.optional(name)
        if not value:
            raise BadInput(f"In {self._where}: {name!r} is missing.")
        return value

    def boolean(self, name: str) -> bool | None:
        """Take true or false, or None when it is missing."""
        value = self._values.pop(name, None)
        if value is not None and not isinstance(value, bool):
            raise BadInput(f"In {self._where}: {name!r} must be true or false.")
        return value

    def word(self, name: str, kind: type[Word]) -> Word:
        """Take one of a list of words."""
        try:
            return kind(self.text(name))
        except ValueError as cause:
            raise BadInput(f"In {self._where}: {name!r} must be one of {', '.join(kind)}.") from cause

    def items(self, name: str) -> list[_Fields]:
        """Take a list of mappings that may be missing."""
        value = self._values.pop(name, None) or []
        if not isinstance(value, list):
            raise BadInput(f"In {self._where}: {name!r} must be a list.")
        return [_Fields(item, f"{name}, number {number}") for number, item in enumerate(value, 1)]

    def refuse_rest(self) -> None:
        """Complain about fields that nobody took."""
        if self._values:
            raise BadInput(f"In {self._where}: there is a field that `tulou seed` does not know.")
