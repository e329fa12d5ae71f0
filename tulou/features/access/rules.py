"""Decide, from facts alone, what somebody may do with a repository. No I/O: every line is a row of the access table.

The right is the least of three: what the person may do, what the token may do, what the repository allows.
"""

from __future__ import annotations

from enum import Enum

from tulou.features.repos.model import Repo
from tulou.kernel.actor import Action, Actor, Role, TokenRole

_BY_ROLE = {
    Role.READ: Action.READ_CONTENT,
    Role.CONTRIBUTOR: Action.READ_CONTENT,
    Role.WRITE: Action.WRITE,
    Role.ADMIN: Action.ADMIN,
}

_PERMISSIONS = {
    Action.READ_INFO: frozenset({"repo.content.read", "repo.write"}),
    Action.READ_CONTENT: frozenset({"repo.content.read", "repo.write"}),
    Action.WRITE: frozenset({"repo.write"}),
    Action.ADMIN: frozenset({"repo.write"}),
}


class Decision(Enum):
    """What to answer."""

    ALLOW = "allow"
    DENY = "deny"
    """They may know that it exists, but not do this."""
    HIDE = "hide"
    """They may not even know that it exists."""
    GATED = "gated"
    """They may see the card, not the content."""


def decide(actor: Actor, repo: Repo, action: Action) -> Decision:
    """Say whether `actor` may do `action` with `repo`."""
    person = _person_may(actor, repo)
    own = min(person, _token_may(actor, repo)) if person is not None else None
    if own is not None and own >= action:
        return Decision.ALLOW
    if repo.is_private and (own is None or own < Action.READ_INFO):
        return Decision.HIDE
    if action is Action.READ_INFO:
        return Decision.ALLOW
    if action is Action.READ_CONTENT:
        return Decision.GATED if repo.gated else Decision.ALLOW
    return Decision.DENY


def may_create(actor: Actor, account_id: str) -> bool:
    """Say whether `actor` may make repositories in an account: their own, or one where they may write."""
    role = actor.memberships.get(account_id)
    allowed = actor.is_admin or actor.user_id == account_id or role in {Role.CONTRIBUTOR, Role.WRITE, Role.ADMIN}
    if not allowed or actor.token is None:
        return allowed
    if actor.token.role is TokenRole.FINE_GRAINED:
        return any(s.entity_id == account_id and "repo.write" in s.permissions for s in actor.token.scopes)
    return actor.token.role is TokenRole.WRITE


def token_may(actor: Actor, repo: Repo, action: Action) -> bool:
    """Say whether the token of a request allows `action` on a repository, whatever its owner may do."""
    return _token_may(actor, repo) >= action


def _person_may(actor: Actor, repo: Repo) -> Action | None:
    if actor.is_admin or (actor.user_id is not None and actor.user_id == repo.account_id):
        return Action.ADMIN
    role = actor.memberships.get(repo.account_id)
    return _BY_ROLE[role] if role is not None else None


def _token_may(actor: Actor, repo: Repo) -> Action | int:
    if actor.token is None or actor.token.role is TokenRole.WRITE:
        return Action.ADMIN
    if actor.token.role is TokenRole.READ:
        return Action.READ_CONTENT
    granted: frozenset[str] = frozenset().union(
        *(s.permissions for s in actor.token.scopes if s.entity_id in {repo.id, repo.account_id})
    )
    return max((action for action, need in _PERMISSIONS.items() if granted & need), default=0)
