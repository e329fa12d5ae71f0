"""Sign in a program on another machine: the device flow of RFC 8628, which `hf auth login` speaks.

The program shows a short code; its user types it on our page and approves; the program, which has been asking
all the while with a long secret, gets a token. The token comes to be at that moment and is never stored.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tulou.db.engine import Tx
from tulou.db.tables import account, device_code
from tulou.features.accounts import tokens
from tulou.features.audit import record
from tulou.kernel.actor import Actor, TokenRole
from tulou.kernel.errors import BadInput, NotFound, SignInNeeded
from tulou.kernel.ids import new_secret, secret_hash
from tulou.platform.machinery import Machinery

INTERVAL_SECONDS = 5
EXPIRES_SECONDS = 900
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words (RFC 8628 §6.1)
_EARLY_MS = 500  # what a network may shorten the pause between two questions by


@dataclass(frozen=True, slots=True)
class Started:
    """A flow just begun: the secret for the program and the code for its user."""

    device_code: str
    user_code: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A flow that waits for its user. `client_id` is what the program calls itself: untrusted."""

    user_code: str
    client_id: str


class DeviceProblem(BadInput):
    """The device flow did not lead to a token; `oauth` is the error code of RFC 8628 §3.5 or RFC 6749 §5.2."""

    code = "device_flow"

    def __init__(self, oauth: str, message: str) -> None:
        super().__init__(message)
        self.oauth = oauth


class NoSuchCode(NotFound):
    """No sign-in waits under this code. Codes are good for 15 minutes."""

    code = "no_such_code"


def start(m: Machinery, client_id: str) -> Started:
    """Begin a flow. Flows whose time is over go at the same moment."""
    if not client_id or len(client_id) > 200 or not client_id.isprintable():
        raise DeviceProblem("invalid_request", "client_id must have 1 to 200 printable characters.")
    now = m.clock.now()
    code = Started(new_secret("d_"), "".join(secrets.choice(_LETTERS) for _ in range(8)))
    with m.db.write() as tx:
        tx.execute(sa.delete(device_code).where(device_code.c.expires_at <= now))
        tx.execute(sa.insert(device_code).values(
            device_hash=secret_hash(code.device_code), user_code=code.user_code, client_id=client_id,
            state="pending", created_at=now, expires_at=now + EXPIRES_SECONDS * 1000,
        ))
    return code


def shown(user_code: str) -> str:
    """Return the code as people read it: `BCDF-GHJK`."""
    return f"{user_code[:4]}-{user_code[4:]}"


def find(m: Machinery, typed: str) -> Waiting:
    """Return the flow behind a code as somebody typed it: letter case, spaces and dashes do not matter. Raises NoSuchCode."""
    with m.db.read() as connection:
        row = connection.execute(sa.select(device_code).where(_pending(m, typed))).first()
    if row is None:
        raise NoSuchCode
    return Waiting(row.user_code, row.client_id)


def decide(m: Machinery, actor: Actor, typed: str, *, approve: bool) -> None:
    """Let the program in as `actor`, or refuse it. Raises NoSuchCode, and SignInNeeded unless a person asks."""
    if actor.user_id is None or actor.token is not None:
        raise SignInNeeded
    values: dict[str, Any] = {"state": "approved" if approve else "denied", "account_id": actor.user_id}
    with m.db.write() as tx:
        if not tx.execute(sa.update(device_code).where(_pending(m, typed)).values(**values)).rowcount:
            raise NoSuchCode
        record.write(tx, m.clock, actor, "device.approved" if approve else "device.denied", actor.user_id)


def redeem(m: Machinery, actor: Actor, client_id: str, secret: str) -> str:
    """Return a new write token once the user has approved. Raises DeviceProblem with the OAuth code until then.

    One transaction: the token is there and the flow is spent, or neither. A crash before the answer leaves a token
    that nobody knows; its owner sees it in the list.
    """
    with m.db.write() as tx:
        row = tx.execute(sa.select(device_code).where(device_code.c.device_hash == secret_hash(secret)).with_for_update()).first()
        problem = _why_not_yet(row, client_id, m.clock.now())
        if row is not None:
            tx.execute(_same(row).values(last_poll_at=m.clock.now()))
        if problem is None:
            return _token(tx, m, actor, row)
    raise problem


def _why_not_yet(row: Any, client_id: str, now: int) -> DeviceProblem | None:
    if row is None or row.client_id != client_id or row.state == "spent":
        return DeviceProblem("invalid_grant", "That device code is not known.")
    if row.expires_at <= now:
        return DeviceProblem("expired_token", "The code is more than 15 minutes old. Start again.")
    if row.state == "denied":
        return DeviceProblem("access_denied", "The sign-in was refused.")
    if row.state == "approved":
        return None
    if row.last_poll_at is not None and now - row.last_poll_at < INTERVAL_SECONDS * 1000 - _EARLY_MS:
        return DeviceProblem("slow_down", "Ask less often.")
    return DeviceProblem("authorization_pending", "The user has not decided yet.")


def _token(tx: Tx, m: Machinery, actor: Actor, row: Any) -> str:
    tx.execute(_same(row).values(state="spent"))
    owner = tx.execute(sa.select(account.c.name, account.c.disabled_at).where(account.c.id == row.account_id)).one()
    if owner.disabled_at is not None:
        raise DeviceProblem("access_denied", "This account is closed.")
    by = Actor(row.account_id, owner.name, address=actor.address, request_id=actor.request_id)
    return tokens.add_token(tx, m, by, row.account_id, f"sign-in {shown(row.user_code)}", TokenRole.WRITE).secret


def _same(row: Any) -> sa.Update:
    return sa.update(device_code).where(device_code.c.device_hash == row.device_hash)


def _pending(m: Machinery, typed: str) -> sa.ColumnElement[bool]:
    code = "".join(c for c in typed.upper() if c.isalpha())
    return sa.and_(device_code.c.user_code == code, device_code.c.state == "pending", device_code.c.expires_at > m.clock.now())
