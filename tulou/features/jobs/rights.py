"""Who may start jobs in an account, and who may see them."""

from __future__ import annotations

from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.model import Account
from tulou.kernel.actor import Actor, Role, TokenRole
from tulou.kernel.errors import Forbidden, InvalidName, NotFound
from tulou.kernel.names import parse_account
from tulou.platform.machinery import Machinery

_WRITERS = frozenset({Role.WRITE, Role.ADMIN})


def may_run(actor: Actor, account_id: str) -> bool:
    """Say whether `actor` may start and stop jobs: in their own account, and in organizations where they may write.

    A job acts with a token, so a token must be one that writes.
    """
    return _person_may(actor, account_id) and _token_may(actor, account_id, frozenset({"repo.write"}))


def may_see(actor: Actor, account_id: str) -> bool:
    """Say whether `actor` may see the jobs of an account, their logs included: who may start them, with any token that reads."""
    return _person_may(actor, account_id) and _token_may(actor, account_id, frozenset({"repo.write", "repo.content.read"}))


def check_run(actor: Actor, account_id: str) -> None:
    """Raise Forbidden unless `actor` may start jobs in an account."""
    if not may_run(actor, account_id):
        raise _cannot_run()


def account_to_run(m: Machinery, actor: Actor, name: str) -> Account:
    """Return the account if `actor` may start jobs there. Raises Forbidden, also for accounts that do not exist."""
    found = _account(m, name)
    if found is None:
        raise _cannot_run()
    check_run(actor, found.id)
    return found


def account_to_see(m: Machinery, actor: Actor, name: str) -> Account:
    """Return the account if `actor` may see its jobs. Raises Forbidden, also for accounts that do not exist."""
    found = _account(m, name)
    if found is None or not may_see(actor, found.id):
        raise Forbidden("You don't have the rights to see the jobs of this namespace.")
    return found


def account_of(m: Machinery, actor: Actor, name: str, what: str) -> Account:
    """Return the account if `actor` may see its jobs. Raises NotFound otherwise: nobody learns which jobs others have."""
    found = _account(m, name)
    if found is None or not may_see(actor, found.id):
        raise NotFound(f"There is no such {what}.")
    return found


def require_run(actor: Actor, account_id: str) -> None:
    """Raise Forbidden unless `actor`, who may see the jobs of an account, may also start and stop them."""
    if not may_run(actor, account_id):
        raise Forbidden("This token may only read.")


def _account(m: Machinery, name: str) -> Account | None:
    try:
        return accounts.by_name(m, parse_account(name))
    except InvalidName:
        return None  # nobody is called so


def _cannot_run() -> Forbidden:
    return Forbidden("You don't have the rights to start jobs under this namespace with this token.")


def _person_may(actor: Actor, account_id: str) -> bool:
    return actor.user_id is not None and (
        actor.is_admin or actor.user_id == account_id or actor.memberships.get(account_id) in _WRITERS
    )


def _token_may(actor: Actor, account_id: str, permissions: frozenset[str]) -> bool:
    token = actor.token
    if token is None or token.role is TokenRole.WRITE:
        return True
    if token.role is TokenRole.FINE_GRAINED:
        return any(scope.entity_id == account_id and scope.permissions & permissions for scope in token.scopes)
    return "repo.content.read" in permissions
