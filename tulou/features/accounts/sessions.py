"""Browser sessions: opened at each sign-in with a new secret, closed by signing out."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa

from tulou.db.engine import Tx
from tulou.db.tables import session
from tulou.features.audit import record
from tulou.kernel.actor import Actor
from tulou.kernel.errors import NotFound, SignInNeeded
from tulou.kernel.ids import new_secret, secret_hash
from tulou.platform.machinery import Machinery

SESSION_SECONDS = 30 * 86_400
IDLE_MS = 14 * 86_400_000
"""A session that nobody used for this long is over, whatever its age."""


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a sign-in comes from. `agent` is what the browser calls itself: untrusted."""

    address: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser as its user sees it. `id` is the beginning of the hash of its secret; times are Unix milliseconds."""

    id: str
    created_at: int
    seen_at: int
    address: str
    agent: str
    is_this: bool


def open_in(tx: Tx, m: Machinery, account_id: str, browser: Browser) -> str:
    """Open a session in the caller's transaction and return its secret. Sessions whose time is over go at the same moment."""
    now = m.clock.now()
    secret = new_secret("s_")
    idle = sa.func.coalesce(session.c.seen_at, session.c.created_at) <= now - IDLE_MS
    tx.execute(sa.delete(session).where(sa.or_(session.c.expires_at <= now, idle)))
    tx.execute(sa.insert(session).values(
        secret_hash=secret_hash(secret), account_id=account_id, created_at=now, expires_at=now + SESSION_SECONDS * 1000,
        seen_at=now, address=browser.address[:64], agent=_printable(browser.agent),
    ))
    return secret


def renew(m: Machinery, secret: str, browser: Browser) -> str:
    """Return a new secret for the session: whoever copied the old one is out. It stays as old as it was."""
    fresh = new_secret("s_")
    values = {"secret_hash": secret_hash(fresh), "seen_at": m.clock.now(), "address": browser.address[:64]}
    with m.db.write() as tx:
        if not tx.execute(sa.update(session).where(session.c.secret_hash == secret_hash(secret)).values(**values)).rowcount:
            raise SignInNeeded
    return fresh


def of_account(m: Machinery, account_id: str, this: str | None) -> list[Session]:
    """Return the open sessions of somebody, the latest used first. `this` is the secret of the one that asks."""
    here, now = secret_hash(this) if this else "", m.clock.now()
    mine = sa.select(session).where(session.c.account_id == account_id, session.c.expires_at > now)
    with m.db.read() as connection:
        rows = connection.execute(mine).all()
    found = [
        Session(r.secret_hash[:24], r.created_at, r.seen_at or r.created_at, r.address, r.agent, r.secret_hash == here)
        for r in rows
    ]
    alive = [one for one in found if one.seen_at > now - IDLE_MS]
    return sorted(alive, key=lambda one: (one.is_this, one.seen_at), reverse=True)


def opened_at(m: Machinery, secret: str | None) -> int:
    """Return when whoever holds this session proved who they are, in Unix milliseconds; 0 without a session."""
    if secret is None:
        return 0
    with m.db.read() as connection:
        found = connection.execute(sa.select(session.c.created_at).where(session.c.secret_hash == secret_hash(secret))).scalar()
    return int(found or 0)


def close(m: Machinery, secret: str) -> None:
    """Sign out: the secret is worthless from now on. Closing a session that is gone is no error."""
    with m.db.write() as tx:
        tx.execute(sa.delete(session).where(session.c.secret_hash == secret_hash(secret)))


def close_one(m: Machinery, actor: Actor, account_id: str, session_id: str) -> None:
    """Sign out another browser of one's own. Raises NotFound for a session of somebody else, as for none."""
    mine = sa.and_(session.c.account_id == account_id, sa.func.substr(session.c.secret_hash, 1, 24) == session_id)
    with m.db.write() as tx:
        if not tx.execute(sa.delete(session).where(mine)).rowcount:
            raise NotFound("There is no such session.")
        record.write(tx, m.clock, actor, "session.closed", account_id)


def close_all(m: Machinery, actor: Actor, account_id: str, *, but: str | None = None) -> int:
    """Sign somebody out everywhere, or everywhere but here: `but` is a secret. Returns how many sessions that were.

    The caller has decided that `actor` may.
    """
    gone = sa.delete(session).where(session.c.account_id == account_id)
    if but is not None:
        gone = gone.where(session.c.secret_hash != secret_hash(but))
    with m.db.write() as tx:
        count = tx.execute(gone).rowcount
        if count:
            record.write(tx, m.clock, actor, "session.closed", account_id, count=count)
    return count


def touch(m: Machinery, session_hash: str) -> None:
    """Note that a session was used now. A full disk or a locked database must not stop people from reading."""
    with suppress(sa.exc.OperationalError), m.db.write() as tx:
        tx.execute(sa.update(session).where(session.c.secret_hash == session_hash).values(seen_at=m.clock.now()))


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:200]
