"""Make users, and close them."""

from __future__ import annotations

from tulou.db.engine import Tx
from tulou.features.accounts import queries
from tulou.features.accounts.model import Account, AccountKind
from tulou.features.audit import record
from tulou.kernel.actor import Actor
from tulou.kernel.errors import BadInput, Forbidden, SignInNeeded
from tulou.kernel.ids import new_id
from tulou.kernel.names import parse_account, parse_new_account
from tulou.platform.machinery import Machinery

FIRST_ADMIN = "admin"
FULLNAME_CHARS = 200


def create_user(
    m: Machinery, actor: Actor, name: str, *, fullname: str = "", email: str | None = None, is_admin: bool = False
) -> Account:
    """Make a user. Raises InvalidName, AlreadyExists, Forbidden (only administrators make users)."""
    require_admin(actor)
    return _insert(m, actor, parse_new_account(name), fullname, email, is_admin=is_admin)


def create_first_admin(m: Machinery, actor: Actor) -> Account:
    """Make the administrator of a new hub. Their name is reserved, so that nobody else can ever pass for them."""
    require_admin(actor)
    return _insert(m, actor, parse_account(FIRST_ADMIN), "Administrator", None, is_admin=True)


def add_user(tx: Tx, m: Machinery, actor: Actor, name: str, fullname: str) -> Account:
    """Make a user in the caller's transaction, which has decided that they may come. Raises InvalidName, AlreadyExists."""
    user = _new(m, parse_new_account(name), fullname, None, is_admin=False)
    queries.insert(tx, user)
    record.write(tx, m.clock, actor, "user.created", user.id, name=user.name, is_admin=False)
    return user


def change_self(m: Machinery, actor: Actor, *, fullname: str, email: str | None) -> None:
    """Change what is known about oneself. Raises BadInput."""
    if actor.user_id is None or actor.token is not None:
        raise SignInNeeded
    _check_text(fullname, email)
    with m.db.write() as tx:
        queries.change(tx, actor.user_id, fullname=fullname, email=email)
        record.write(tx, m.clock, actor, "user.changed", actor.user_id, fields=["email", "fullname"])


def change_user(
    m: Machinery, actor: Actor, user: Account, *,
    fullname: str | None = None, email: str | None = None, is_admin: bool | None = None,
) -> None:
    """Change what is known about a user; None leaves it as it is. Raises Forbidden."""
    require_admin(actor)
    given = {"fullname": fullname, "email": email, "is_admin": is_admin}
    values = {name: value for name, value in given.items() if value is not None and value != getattr(user, name)}
    if not values:
        return
    _check_text(fullname or "", email)
    with m.db.write() as tx:
        queries.change(tx, user.id, **values)
        record.write(tx, m.clock, actor, "user.changed", user.id, fields=sorted(values))


def set_disabled(m: Machinery, actor: Actor, user: Account, *, disabled: bool) -> None:
    """Close or reopen a user: their tokens and sessions stop at once, and work again when reopened. Raises Forbidden."""
    require_admin(actor)
    with m.db.write() as tx:
        queries.change(tx, user.id, disabled_at=m.clock.now() if disabled else None)
        record.write(tx, m.clock, actor, "user.disabled" if disabled else "user.enabled", user.id)


def require_admin(actor: Actor) -> None:
    """Raise Forbidden unless an administrator is asking in person: a token never carries these rights."""
    if not actor.is_admin or actor.token is not None:
        raise Forbidden("Only an administrator may do this.")


def _insert(m: Machinery, actor: Actor, name: str, fullname: str, email: str | None, *, is_admin: bool) -> Account:
    user = _new(m, name, fullname, email, is_admin=is_admin)
    # One transaction: the user and the audit line are there together, or neither is.
    with m.db.write() as tx:
        queries.insert(tx, user)
        record.write(tx, m.clock, actor, "user.created", user.id, name=name, is_admin=is_admin)
    return user


def _new(m: Machinery, name: str, fullname: str, email: str | None, *, is_admin: bool) -> Account:
    _check_text(fullname, email)
    return Account(new_id(), AccountKind.USER, name, fullname, email, is_admin, "public", None, m.clock.now(), None)


def _check_text(fullname: str, email: str | None) -> None:
    if len(fullname) > FULLNAME_CHARS or not fullname.isprintable():
        raise BadInput("A full name has at most 200 printable characters.")
    if email is not None and (len(email) > 254 or "@" not in email or not email.isprintable() or " " in email):
        raise BadInput("That is not an e-mail address.")
