"""Turn a secret into the person behind it and the rights that come with it."""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa

from tulou.db.tables import account, member, session, token
from tulou.features.accounts import sessions, tokens
from tulou.kernel.actor import Actor, Role, Scope, Token, TokenRole
from tulou.kernel.errors import BadCredentials
from tulou.kernel.ids import secret_hash
from tulou.platform.machinery import Machinery


@dataclass(frozen=True, slots=True)
class Identity:
    """What a secret proves. It may be kept until the database changes; expiry is checked at each use."""

    user_id: str
    name: str
    is_admin: bool
    memberships: dict[str, Role]
    token: Token | None
    expires_at: int | None
    last_used_at: int | None = None
    """When the token or the session was last used, to within an hour."""
    session_hash: str | None = None
    """What the session of a browser is kept under; None for a token."""


def by_token(m: Machinery, secret: str) -> Identity:
    """Find who a token belongs to. Raises BadCredentials if it is unknown, revoked, or its owner is disabled."""
    query = (
        sa.select(token, account.c.name.label("account_name"), account.c.is_admin)
        .join(account, account.c.id == token.c.account_id)
        .where(token.c.secret_hash == secret_hash(secret), token.c.revoked_at.is_(None), account.c.disabled_at.is_(None))
    )
    with m.db.read() as connection:
        row = connection.execute(query).first()
        if row is None:
            raise BadCredentials
        memberships = _memberships(connection, row.account_id)
    return Identity(
        row.account_id,
        row.account_name,
        row.is_admin,
        memberships,
        Token(row.id, row.name, TokenRole(row.role), _scopes(row.scopes)),
        row.expires_at,
        row.last_used_at,
    )


def by_id(m: Machinery, user_id: str, token_id: str | None) -> Identity:
    """Find who a claim that we signed earlier is about, with the rights they have now.

    Raises BadCredentials if the account is disabled, or the token that the claim was made with was revoked since.
    """
    with m.db.read() as connection:
        person = sa.select(account.c.name, account.c.is_admin).where(account.c.id == user_id, account.c.disabled_at.is_(None))
        row = connection.execute(person).first()
        if row is None:
            raise BadCredentials
        memberships = _memberships(connection, user_id)
        if token_id is None:
            return Identity(user_id, row.name, row.is_admin, memberships, None, None)
        mine = sa.and_(token.c.id == token_id, token.c.account_id == user_id, token.c.revoked_at.is_(None))
        used = connection.execute(sa.select(token).where(mine)).first()
        if used is None:
            raise BadCredentials
    known = Token(used.id, used.name, TokenRole(used.role), _scopes(used.scopes))
    return Identity(user_id, row.name, row.is_admin, memberships, known, used.expires_at, used.last_used_at)


def by_session(m: Machinery, secret: str) -> Identity | None:
    """Find whose browser session this is; None when there is no such session any more."""
    query = (
        sa.select(session, account.c.id, account.c.name, account.c.is_admin)
        .join(account, account.c.id == session.c.account_id)
        .where(session.c.secret_hash == secret_hash(secret), account.c.disabled_at.is_(None))
    )
    with m.db.read() as connection:
        row = connection.execute(query).first()
        if row is None:
            return None
        memberships = _memberships(connection, row.id)
    seen_at = row.seen_at or row.created_at
    expires_at = min(row.expires_at, seen_at + sessions.IDLE_MS)
    return Identity(row.id, row.name, row.is_admin, memberships, None, expires_at, seen_at, row.secret_hash)


def actor(m: Machinery, identity: Identity | None, address: str, request_id: str) -> Actor:
    """Return the actor of one request. An expired token raises BadCredentials; an expired session is nobody."""
    if identity is None:
        return Actor(address=address, request_id=request_id)
    if identity.expires_at is not None and identity.expires_at <= m.clock.now():
        if identity.token is not None:
            raise BadCredentials
        return Actor(address=address, request_id=request_id)
    return Actor(identity.user_id, identity.name, identity.is_admin, identity.memberships, identity.token, address, request_id)


def behind_link(m: Machinery, user_id: str | None, address: str, request_id: str) -> Actor:
    """Return whoever a link was made for, with the rights they have now. Raises BadCredentials when they have none any more."""
    return actor(m, by_id(m, user_id, None) if user_id is not None else None, address, request_id)


def note_use(m: Machinery, identity: Identity) -> None:
    """Write down that a token or a session was used, at most once an hour. `is_use_due` says whether to call."""
    if identity.token is not None:
        tokens.touch(m, identity.token.id)
    elif identity.session_hash is not None:
        sessions.touch(m, identity.session_hash)


def is_use_due(m: Machinery, identity: Identity) -> bool:
    """Say whether the last use that was noted is more than an hour old."""
    if identity.token is None and identity.session_hash is None:
        return False
    return identity.last_used_at is None or identity.last_used_at <= m.clock.now() - tokens.LAST_USE_MS


def _memberships(connection: sa.Connection, user_id: str) -> dict[str, Role]:
    rows = connection.execute(sa.select(member.c.org_id, member.c.role).where(member.c.user_id == user_id))
    return {row.org_id: Role(row.role) for row in rows}


def _scopes(text: str) -> tuple[Scope, ...]:
    return tuple(Scope(s["entity_id"], frozenset(s["permissions"])) for s in json.loads(text))
