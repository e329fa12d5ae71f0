"""Invitations: a link by which somebody new chooses a name and a password, and may belong to an organization at once."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from tulou.db.engine import Tx
from tulou.db.tables import account, invitation
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts import passwords, sessions
from tulou.features.accounts.create import add_user, require_admin
from tulou.features.accounts.model import Account
from tulou.features.accounts.sessions import Browser
from tulou.features.audit import record
from tulou.features.orgs import queries
from tulou.features.orgs.create import governed
from tulou.kernel.actor import Actor, Role
from tulou.kernel.errors import BadInput, NotFound
from tulou.kernel.ids import new_id, new_secret, secret_hash
from tulou.platform.machinery import Machinery

DAY_MS = 86_400_000
LONGEST_DAYS = 30


class InvitationSpent(NotFound):
    """This invitation was used already, was withdrawn, or is too old. Ask whoever sent it for a new one."""

    code = "invitation_spent"


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that still works. `org` and `role` are what its guest will belong to; times are Unix milliseconds."""

    id: str
    org: str | None
    role: Role | None
    made_by: str | None
    created_at: int
    expires_at: int


def make(m: Machinery, actor: Actor, *, org_name: str | None, role: Role | None, days: int) -> str:
    """Return the secret of a new invitation. An organization's administrators invite into it, the hub's anywhere.

    Raises Forbidden, AccountNotFound, BadInput.
    """
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput("An invitation is good for 1 to 30 days.")
    org = governed(m, actor, org_name) if org_name else None
    if org is None:
        require_admin(actor)
    now, secret = m.clock.now(), new_secret("i_")
    with m.db.write() as tx:
        tx.execute(sa.insert(invitation).values(
            id=new_id(), secret_hash=secret_hash(secret), made_by=actor.user_id, org_id=org.id if org else None,
            role=(role or Role.READ).value if org else None, created_at=now, expires_at=now + days * DAY_MS,
        ))
        record.write(tx, m.clock, actor, "invitation.made", org.id if org else None, days=days)
    return secret


def open_ones(m: Machinery, actor: Actor, org: Account | None) -> list[Invitation]:
    """Return the invitations that still work, newest first: into an organization, or with None all. Raises Forbidden."""
    if org is None:
        require_admin(actor)
    else:
        governed(m, actor, org.name)
    query = _readable().where(_good(m)).order_by(invitation.c.id.desc())
    if org is not None:
        query = query.where(invitation.c.org_id == org.id)
    with m.db.read() as connection:
        return [_invitation(row) for row in connection.execute(query)]


def find(m: Machinery, secret: str) -> Invitation:
    """Return what a link invites to, without spending it. Raises InvitationSpent."""
    with m.db.read() as connection:
        row = connection.execute(_readable().where(_good(m), invitation.c.secret_hash == secret_hash(secret))).first()
    if row is None:
        raise InvitationSpent
    return _invitation(row)


def withdraw(m: Machinery, actor: Actor, org: Account | None, invitation_id: str) -> None:
    """End an invitation. Raises Forbidden, and NotFound for one of somebody else, as for none."""
    if org is None:
        require_admin(actor)
    else:
        governed(m, actor, org.name)
    mine = sa.and_(invitation.c.id == invitation_id, invitation.c.used_at.is_(None))
    if org is not None:
        mine = sa.and_(mine, invitation.c.org_id == org.id)
    with m.db.write() as tx:
        if not tx.execute(sa.delete(invitation).where(mine)).rowcount:
            raise NotFound("There is no such invitation.")
        record.write(tx, m.clock, actor, "invitation.withdrawn", org.id if org else None)


def accept_new(m: Machinery, actor: Actor, secret: str, name: str, fullname: str, password: str, browser: Browser) -> str:
    """Make the account of a guest and return the secret of their session.

    Raises InvitationSpent, InvalidName, AlreadyExists, WeakPassword.
    One transaction: the link is spent, the user, password, membership and session are there; or nothing is.
    """
    find(m, secret)
    hashed = passwords.hashed(password, name)  # slow, so before the transaction
    with m.db.write() as tx:
        row = _spend(tx, m, secret)
        user = add_user(tx, m, actor, name, fullname)
        by = Actor(user.id, user.name, address=actor.address, request_id=actor.request_id)
        passwords.put(tx, m, user.id, hashed)
        _settle(tx, m, by, row, user)
        return sessions.open_in(tx, m, user.id, browser)


def accept(m: Machinery, actor: Actor, secret: str) -> None:
    """Join with the account that one has. Raises InvitationSpent, and BadInput for a link that leads to no organization."""
    user = accounts.by_id(m, actor.user_id or "")
    if user is None or find(m, secret).org is None:
        raise BadInput("You have an account already.")
    with m.db.write() as tx:
        _settle(tx, m, actor, _spend(tx, m, secret), user)


def _spend(tx: Tx, m: Machinery, secret: str) -> sa.Row[tuple[object, ...]]:
    good = sa.and_(invitation.c.secret_hash == secret_hash(secret), _good(m))
    row = tx.execute(sa.update(invitation).where(good).values(used_at=m.clock.now()).returning(invitation)).first()
    if row is None:
        raise InvitationSpent
    return row


def _settle(tx: Tx, m: Machinery, by: Actor, row: sa.Row[tuple[object, ...]], user: Account) -> None:
    tx.execute(sa.update(invitation).where(invitation.c.id == row.id).values(user_id=user.id))
    # Somebody who belongs to it already keeps the role that they have.
    if row.org_id is not None and not queries.has_member(tx, row.org_id, user.id):
        queries.set_role(tx, row.org_id, user.id, Role(row.role), m.clock.now())
    record.write(tx, m.clock, by, "invitation.accepted", row.org_id or user.id, invitation=row.id)


def _good(m: Machinery) -> sa.ColumnElement[bool]:
    return sa.and_(invitation.c.used_at.is_(None), invitation.c.expires_at > m.clock.now())


def _readable() -> sa.Select[tuple[object, ...]]:
    org, maker = account.alias("org"), account.alias("maker")
    return (
        sa.select(invitation, org.c.name.label("org"), maker.c.name.label("maker"))
        .outerjoin(org, org.c.id == invitation.c.org_id)
        .outerjoin(maker, maker.c.id == invitation.c.made_by)
    )


def _invitation(row: sa.Row[tuple[object, ...]]) -> Invitation:
    return Invitation(row.id, row.org, Role(row.role) if row.role else None, row.maker, row.created_at, row.expires_at)
