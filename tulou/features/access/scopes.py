"""Name what a fine-grained token may reach: an account, or one repository."""

from __future__ import annotations

from dataclasses import dataclass

from tulou.features.access import gate
from tulou.features.accounts import lookup as accounts
from tulou.features.repos import lookup as repos
from tulou.kernel.actor import Action, Actor, Scope
from tulou.kernel.errors import AccountNotFound, BadInput, RepoNotFound
from tulou.kernel.names import RepoKind, parse_account, parse_repo_id
from tulou.platform.machinery import Machinery

READ = frozenset({"repo.content.read"})
WRITE = frozenset({"repo.content.read", "repo.write"})
_KINDS = {kind.plural: kind for kind in RepoKind}


@dataclass(frozen=True, slots=True)
class Entity:
    """What a scope is about, as people read it. `kind` is user, org or a kind of repository."""

    id: str
    kind: str
    name: str
    permissions: frozenset[str]


def grant(m: Machinery, actor: Actor, entity: str, permissions: frozenset[str]) -> Scope:
    """Return the scope that a token of `actor` gets for an account or a repository.

    `entity` is `account`, `account/name` (a model) or `datasets/account/name`, and so on for the other kinds.
    A scope cannot give more than its owner has at the moment of use; this only refuses names that mean nothing to them.
    Raises AccountNotFound, RepoNotFound, InvalidName.
    """
    first, _, rest = entity.partition("/")
    if not rest:
        return Scope(_account(m, actor, first), permissions)
    kind = _KINDS.get(first, RepoKind.MODEL)
    full = rest if first in _KINDS else entity
    return Scope(gate.repo(m, actor, parse_repo_id(kind, full), Action.READ_CONTENT).id, permissions)


def parse_permission(text: str) -> frozenset[str]:
    """Return the permissions behind `read` or `write`. Raises BadInput."""
    if text == "read":
        return READ
    if text == "write":
        return WRITE
    raise BadInput("A permission is 'read' or 'write'.")


def describe(m: Machinery, scopes: tuple[Scope, ...]) -> list[Entity]:
    """Return what the scopes are about, leaving out what has been deleted since."""
    found: list[Entity] = []
    for scope in scopes:
        account = accounts.by_id(m, scope.entity_id)
        if account is not None:
            found.append(Entity(account.id, account.kind.value, account.name, scope.permissions))
            continue
        try:
            repo = repos.by_id(m, scope.entity_id)
        except RepoNotFound:
            continue
        found.append(Entity(repo.id, repo.name.kind.value, repo.name.full, scope.permissions))
    return found


def _account(m: Machinery, actor: Actor, name: str) -> str:
    found = accounts.by_name(m, parse_account(name))
    if found is None or not (actor.is_admin or found.id == actor.user_id or found.id in actor.memberships):
        raise AccountNotFound("You can only grant access to your own account and to organizations that you belong to.")
    return found.id
