"""Browser sessions: opened at each sign-in with a new secret, closed by signing out."""

from __future__ import annotations

import sqlalchemy as sa

from tulou.db.engine import Tx
from tulou.db.tables import session
from tulou.kernel.ids import new_secret, secret_hash
from tulou.platform.machinery import Machinery

SESSION_SECONDS = 30 * 86_400


def open_in(tx: Tx, m: Machinery, account_id: str) -> str:
    """Open a session in the caller's transaction and return its secret. Sessions whose time is over go at the same moment."""
    now = m.clock.now()
    secret = new_secret("s_")
    tx.execute(sa.delete(session).where(session.c.expires_at <= now))
    tx.execute(sa.insert(session).values(
        secret_hash=secret_hash(secret), account_id=account_id, created_at=now, expires_at=now + SESSION_SECONDS * 1000
    ))
    return secret


def close(m: Machinery, secret: str) -> None:
    """Sign out: the secret is worthless from now on. Closing a session that is gone is no error."""
    with m.db.write() as tx:
        tx.execute(sa.delete(session).where(session.c.secret_hash == secret_hash(secret)))


def close_all(m: Machinery, account_id: str) -> int:
    """Sign somebody out everywhere. Returns how many sessions that were."""
    with m.db.write() as tx:
        return tx.execute(sa.delete(session).where(session.c.account_id == account_id)).rowcount
