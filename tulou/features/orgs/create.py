"""Make organizations and say who belongs to them."""

from __future__ import annotations

from tulou.db.engine import Tx
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.model import Account, AccountKind
from tulou.features.audit import record
from tulou.features.orgs import queries
from tulou.kernel.actor import Actor, Role
from tulou.kernel.errors import AlreadyExists, BadInput, Conflict, Forbidden, NotFound, SignInNeeded
from tulou.kernel.ids import new_id
from tulou.kernel.names import parse_new_account
from tulou.platform.machinery import Machinery

VISIBILITIES = ("public", "private")


def create_org(m: Machinery, actor: Actor, name: str, *, fullname: str = "", default_visibility: str = "public") -> Account:
    """Make an organization; whoever makes it is its first administrator. Raises InvalidName, AlreadyExists, Forbidden."""
    if actor.is_anonymous and not actor.is_admin:
        raise SignInNeeded
    if actor.token is not None:
        raise Forbidden("Organizations are made by a person, signed in.")
    org = Account(new_id(), AccountKind.ORG, parse_new_account(name), _fullname(fullname), None, False,
                  _visibility(default_visibility), None, m.clock.now(), None)
    # One transaction: the organization, its first administrator and the audit line.
    with m.db.write() as tx:
        if not queries.insert_org(tx, org):
            raise AlreadyExists("An account with that name already exists.")
        if actor.user_id is not None:
            queries.set_role(tx, org.id, actor.user_id, Role.ADMIN, m.clock.now())
        record.write(tx, m.clock, actor, "org.created", org.id, name=org.name)
    return org


def change_org(
    m: Machinery, actor: Actor, org_name: str, *, fullname: str | None = None, default_visibility: str | None = None
) -> None:
    """Change what is known about an organization; None leaves it as it is. Raises AccountNotFound, Forbidden."""
    org = governed(m, actor, org_name)
    values: dict[str, str] = {}
    if fullname is not None and fullname != org.fullname:
        values["fullname"] = _fullname(fullname)
    if default_visibility is not None and default_visibility != org.default_visibility:
        values["default_visibility"] = _visibility(default_visibility)
    if values:
        with m.db.write() as tx:
            queries.change_org(tx, org.id, **values)
            record.write(tx, m.clock, actor, "org.changed", org.id, fields=sorted(values))


def set_member(m: Machinery, actor: Actor, org_name: str, user_name: str, role: Role) -> None:
    """Make a user a member, or give a member another role. Raises AccountNotFound, Forbidden, Conflict for the last admin."""
    org = governed(m, actor, org_name)
    user = accounts.user(m, user_name)
    with m.db.write() as tx:
        if role is not Role.ADMIN:
            _keep_an_admin(tx, actor, org, user)
        if queries.set_role(tx, org.id, user.id, role, m.clock.now()):
            record.write(tx, m.clock, actor, "org.member", org.id, user=user.id, role=role.value)


def remove_member(m: Machinery, actor: Actor, org_name: str, user_name: str) -> None:
    """End a membership. Raises AccountNotFound, Forbidden, and NotFound for somebody who is no member."""
    org = governed(m, actor, org_name)
    user = accounts.user(m, user_name)
    with m.db.write() as tx:
        _keep_an_admin(tx, actor, org, user)
        if not queries.remove(tx, org.id, user.id):
            raise NotFound("That user is not a member of this organization.")
        record.write(tx, m.clock, actor, "org.member.removed", org.id, user=user.id)


def leave(m: Machinery, actor: Actor, org_name: str) -> None:
    """End one's own membership. Raises Conflict for the last administrator: somebody must be able to go on."""
    org = accounts.org(m, org_name)
    if actor.user_id is None or actor.token is not None:
        raise SignInNeeded
    with m.db.write() as tx:
        if queries.is_last_admin(tx, org.id, actor.user_id):
            raise Conflict("You are its last administrator: make somebody else one first.")
        if not queries.remove(tx, org.id, actor.user_id):
            raise NotFound("You are not a member of this organization.")
        record.write(tx, m.clock, actor, "org.member.left", org.id, user=actor.user_id)


def governed(m: Machinery, actor: Actor, org_name: str) -> Account:
    """Return the organization if `actor` may govern it. Raises AccountNotFound, Forbidden."""
    org = accounts.org(m, org_name)
    if actor.token is not None or not (actor.is_admin or actor.memberships.get(org.id) is Role.ADMIN):
        raise Forbidden("Only an administrator of this organization may do this.")
    return org


def _keep_an_admin(tx: Tx, actor: Actor, org: Account, user: Account) -> None:
    """Raise Conflict if nobody would govern the organization any more. The hub's own administrators may leave it so."""
    if not actor.is_admin and queries.is_last_admin(tx, org.id, user.id):
        raise Conflict("You are its last administrator: make somebody else one first.")


def _fullname(text: str) -> str:
    if len(text) > 200 or not text.isprintable():
        raise BadInput("A full name has at most 200 printable characters.")
    return text


def _visibility(text: str) -> str:
    if text not in VISIBILITIES:
        raise BadInput("The default visibility is 'public' or 'private'.")
    return text
