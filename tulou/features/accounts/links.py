"""One-time sign-in links: for the first administrator, and for users whom the operator lets in."""

from __future__ import annotations

import sqlalchemy as sa

from tulou.db.tables import account, login_link
from tulou.features.accounts import queries, sessions
from tulou.features.accounts.create import require_admin
from tulou.features.accounts.model import Account
from tulou.features.accounts.sessions import Browser
from tulou.features.audit import record
from tulou.kernel.actor import Actor
from tulou.kernel.errors import NotFound
from tulou.kernel.ids import new_secret, secret_hash
from tulou.platform.machinery import Machinery

LINK_SECONDS = 86_400


class LinkSpent(NotFound):
    """This sign-in link was used already, or is older than a day. Ask the operator for a new one."""

    code = "link_spent"


def make(m: Machinery, actor: Actor, user: Account) -> str:
    """Return the secret of a new link for `user`, good once, for a day. Raises Forbidden."""
    require_admin(actor)
    now = m.clock.now()
    secret = new_secret("l_")
    with m.db.write() as tx:
        tx.execute(sa.delete(login_link).where(login_link.c.expires_at <= now))
        tx.execute(sa.insert(login_link).values(
            secret_hash=secret_hash(secret), account_id=user.id, created_at=now, expires_at=now + LINK_SECONDS * 1000
        ))
        record.write(tx, m.clock, actor, "link.created", user.id)
    return secret


def whose(m: Machinery, secret: str) -> Account:
    """Return who would be signed in by this link, without spending it. Raises LinkSpent."""
    query = sa.select(account).join(login_link, login_link.c.account_id == account.c.id).where(_good(m, secret))
    with m.db.read() as connection:
        row = connection.execute(query).first()
    if row is None:
        raise LinkSpent
    return queries.account_from(row)


def redeem(m: Machinery, actor: Actor, secret: str, browser: Browser | None = None) -> str:
    """Spend the link and return the secret of a new session. Raises LinkSpent.

    One transaction: of two browsers with the same link exactly one is signed in, and a crash leaves the link unspent.
    """
    with m.db.write() as tx:
        spent = sa.update(login_link).where(_good(m, secret), _owner_is_open()).values(used_at=m.clock.now())
        user_id = tx.execute(spent.returning(login_link.c.account_id)).scalar()
        if user_id is None:
            raise LinkSpent
        record.write(tx, m.clock, actor, "signin.link", user_id)
        return sessions.open_in(tx, m, user_id, browser or Browser(actor.address))


def _good(m: Machinery, secret: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        login_link.c.secret_hash == secret_hash(secret), login_link.c.used_at.is_(None), login_link.c.expires_at > m.clock.now()
    )


def _owner_is_open() -> sa.ColumnElement[bool]:
    return login_link.c.account_id.in_(sa.select(account.c.id).where(account.c.disabled_at.is_(None)))
