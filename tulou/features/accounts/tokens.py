"""Access tokens: made once, shown once, kept as a hash, and revoked for good."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tulou.db.engine import Tx, insert_or_ignore
from tulou.db.tables import token
from tulou.features.audit import record
from tulou.kernel.actor import Actor, Scope, TokenRole
from tulou.kernel.errors import AlreadyExists, BadInput, Conflict, Forbidden, NotFound
from tulou.kernel.ids import new_id, new_secret, secret_hash
from tulou.kernel.limits import TOKENS_PER_ACCOUNT
from tulou.platform.machinery import Machinery

PREFIX = "hf_"
"""Clients and secret scanners know tokens by it."""
PERMISSIONS = frozenset({"repo.content.read", "repo.write"})
LAST_USE_MS = 3_600_000
"""The last use is written at most this often: each write empties the lookup cache."""


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A token as its owner sees it. `hint` is its first and last letters; times are Unix milliseconds."""

    id: str
    account_id: str
    name: str
    role: TokenRole
    scopes: tuple[Scope, ...]
    hint: str
    created_at: int
    expires_at: int | None
    last_used_at: int | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made, with the secret that nobody can read again."""

    info: TokenInfo
    secret: str


def create_token(
    m: Machinery, actor: Actor, account_id: str, name: str, role: TokenRole, *,
    scopes: tuple[Scope, ...] = (), expires_at: int | None = None, secret: str | None = None,
) -> NewToken:
    """Make a token. `secret` is for `tulou seed` alone.

    Raises Forbidden when a token asks for another token, Conflict past the limit, AlreadyExists for a secret in use.
    """
    require_in_person(actor, account_id)
    with m.db.write() as tx:
        return add_token(tx, m, actor, account_id, name, role, scopes=scopes, expires_at=expires_at, secret=secret)


def add_token(
    tx: Tx, m: Machinery, actor: Actor, account_id: str, name: str, role: TokenRole, *,
    scopes: tuple[Scope, ...] = (), expires_at: int | None = None, secret: str | None = None,
) -> NewToken:
    """Make a token inside the caller's transaction, which has decided that it may be made. Raises as `create_token`."""
    _check(name, role, scopes)
    if _count(tx, account_id) >= TOKENS_PER_ACCOUNT:
        raise Conflict(f"This account has {TOKENS_PER_ACCOUNT} tokens, which is the limit. Revoke one first.")
    return _insert(tx, m, actor, account_id, name, role, scopes, expires_at, secret or new_secret(PREFIX), None)


def add_for_run(tx: Tx, m: Machinery, actor: Actor, name: str, expires_at: int) -> NewToken:
    """Make the token of a run that `actor` starts, in the caller's transaction, which has decided that they may start it.

    The one token that a token may make: it can do what the one that asks can, no longer than that one works, and ends with the
    run. It does not count against the limit, because its run does.
    """
    if actor.user_id is None:
        raise Forbidden
    if actor.token is None:
        own = new_id()
        return _insert(tx, m, actor, actor.user_id, name, TokenRole.WRITE, (), expires_at, new_secret(PREFIX), own, own)
    asks = tx.execute(sa.select(token.c.expires_at, token.c.parent_id).where(token.c.id == actor.token.id)).one()
    ends = expires_at if asks.expires_at is None else min(expires_at, asks.expires_at)
    # Every token of a chain of jobs is a child of the first: revoking that one ends them all.
    parent = asks.parent_id or actor.token.id
    return _insert(tx, m, actor, actor.user_id, name, actor.token.role, actor.token.scopes, ends, new_secret(PREFIX), parent)


def _insert(
    tx: Tx, m: Machinery, actor: Actor, account_id: str, name: str, role: TokenRole, scopes: tuple[Scope, ...],
    expires_at: int | None, secret: str, parent_id: str | None, token_id: str | None = None,
) -> NewToken:  # fmt: skip
    made_at, hint = m.clock.now(), f"{secret[:5]}…{secret[-4:]}"
    info = TokenInfo(token_id or new_id(), account_id, name, role, scopes, hint, made_at, expires_at, None)
    added = insert_or_ignore(tx, token, {
        "id": info.id, "account_id": account_id, "name": name, "role": role.value, "scopes": _scopes_json(scopes),
        "secret_hash": secret_hash(secret), "hint": hint, "created_at": made_at, "expires_at": expires_at, "parent_id": parent_id,
    })
    if not added:
        raise AlreadyExists("A token with that value already exists.")
    record.write(tx, m.clock, actor, "token.created", account_id, token=info.id, name=name, role=role.value)
    return NewToken(info, secret)


def of_account(m: Machinery, account_id: str) -> list[TokenInfo]:
    """Return the tokens of an account that are not revoked, newest first."""
    query = sa.select(token).where(token.c.account_id == account_id, token.c.revoked_at.is_(None)).order_by(token.c.id.desc())
    with m.db.read() as connection:
        return [_info(row) for row in connection.execute(query)]


def by_id(m: Machinery, token_id: str) -> TokenInfo | None:
    """Return one token, or None if it is gone or revoked."""
    with m.db.read() as connection:
        row = connection.execute(sa.select(token).where(token.c.id == token_id, token.c.revoked_at.is_(None))).first()
    return _info(row) if row else None


def owner_of(m: Machinery, secret: str) -> str | None:
    """Return the id of the account that a token value was ever given to, revoked or not, or None."""
    with m.db.read() as connection:
        return connection.execute(sa.select(token.c.account_id).where(token.c.secret_hash == secret_hash(secret))).scalar()


def revoke(m: Machinery, actor: Actor, account_id: str, token_id: str) -> None:
    """End a token for good. Raises NotFound for a token of somebody else, as for none."""
    require_in_person(actor, account_id)
    mine = sa.and_(token.c.id == token_id, token.c.account_id == account_id, token.c.revoked_at.is_(None))
    children = sa.and_(token.c.parent_id == token_id, token.c.revoked_at.is_(None))
    with m.db.write() as tx:
        if not tx.execute(sa.update(token).where(mine).values(revoked_at=m.clock.now())).rowcount:
            raise NotFound("There is no such token.")
        tx.execute(sa.update(token).where(children).values(revoked_at=m.clock.now()))
        record.write(tx, m.clock, actor, "token.revoked", account_id, token=token_id)


def revoke_of_run(tx: Tx, m: Machinery, token_id: str | None) -> None:
    """End the token that was made for a run, if there is one, in the transaction that ends the run."""
    if token_id is not None:
        live = sa.and_(token.c.id == token_id, token.c.revoked_at.is_(None))
        tx.execute(sa.update(token).where(live).values(revoked_at=m.clock.now()))


def touch(m: Machinery, token_id: str) -> None:
    """Note that a token was used now, unless that was noted within the hour."""
    now = m.clock.now()
    stale = sa.or_(token.c.last_used_at.is_(None), token.c.last_used_at <= now - LAST_USE_MS)
    # A full disk or a locked database must not stop people from reading: the note is worth less than the answer.
    with suppress(sa.exc.OperationalError), m.db.write() as tx:
        tx.execute(sa.update(token).where(token.c.id == token_id, stale).values(last_used_at=now))


def require_in_person(actor: Actor, account_id: str) -> None:
    """Raise Forbidden unless the account itself asks, signed in, or the operator does. A token cannot mint tokens."""
    is_operator = actor.user_id is None and actor.is_admin
    if actor.token is not None or not (is_operator or actor.user_id == account_id):
        raise Forbidden("Tokens are managed by their owner, signed in on the website.")


def _check(name: str, role: TokenRole, scopes: tuple[Scope, ...]) -> None:
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise BadInput("A token name has 1 to 100 printable characters.")
    if (role is TokenRole.FINE_GRAINED) != bool(scopes):
        raise BadInput("A fine-grained token needs at least one permission, and only a fine-grained token has any.")
    if len(scopes) > 100 or any(not scope.permissions or scope.permissions - PERMISSIONS for scope in scopes):
        raise BadInput("A permission is repo.content.read or repo.write, for at most 100 accounts and repositories.")


def _count(tx: Tx, account_id: str) -> int:
    live = sa.and_(token.c.account_id == account_id, token.c.revoked_at.is_(None), token.c.parent_id.is_(None))
    query = sa.select(sa.func.count()).select_from(token).where(live)
    return int(tx.execute(query).scalar_one())


def _scopes_json(scopes: tuple[Scope, ...]) -> str:
    return json.dumps([{"entity_id": s.entity_id, "permissions": sorted(s.permissions)} for s in scopes])


def _info(row: sa.Row[Any]) -> TokenInfo:
    scopes = tuple(Scope(s["entity_id"], frozenset(s["permissions"])) for s in json.loads(row.scopes))
    return TokenInfo(row.id, row.account_id, row.name, TokenRole(row.role), scopes, row.hint,
                     row.created_at, row.expires_at, row.last_used_at)
