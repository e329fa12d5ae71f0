"""The only way for a request to obtain a repository: ask for it by name, for an action."""

from __future__ import annotations

import sqlalchemy as sa

from tulou.db.tables import repo as repo_table
from tulou.features.access.rules import Decision, decide, may_create, token_may
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.model import Account
from tulou.features.repos import lookup as repos
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Action, Actor, TokenRole
from tulou.kernel.errors import Forbidden, GatedRepo, GatedRepoSignIn, RepoNotFound, RepoNotFoundSignIn, SignInNeeded
from tulou.kernel.names import RepoName
from tulou.platform.machinery import Machinery


def repo(m: Machinery, actor: Actor, name: RepoName, action: Action) -> Repo:
    """Return the repository if `actor` may do `action` with it.

    Raises RepoNotFound both when it is missing and when the actor may not know that it exists (the two answers are
    equal to the byte), GatedRepo when only its content is closed, Forbidden when it may be read but not changed.
    """
    found = repos.by_name(m, name)
    if found is None:
        raise _hidden(actor)
    check(actor, found, action)
    return found


def check(actor: Actor, found: Repo, action: Action) -> None:
    """Raise as `repo` does unless `actor` may do `action` with a repository already found by id."""
    decision = decide(actor, found, action)
    if decision is Decision.HIDE:
        raise _hidden(actor)
    if decision is Decision.GATED:
        raise _gated(actor, found)
    if decision is Decision.DENY and actor.is_anonymous:
        raise SignInNeeded
    if decision is Decision.DENY:
        raise Forbidden("You need write access to this repository." if action is Action.WRITE else None)


def check_token_writes(actor: Actor, found: Repo) -> None:
    """Raise Forbidden unless the token, whoever holds it, is one that may write to this repository."""
    if not token_may(actor, found, Action.WRITE):
        raise Forbidden("This token may only read.")


def account_for_new_repo(m: Machinery, actor: Actor, name: str) -> Account:
    """Return the account if `actor` may make repositories in it. Raises Forbidden, also for accounts that do not exist."""
    found = accounts.by_name(m, name)
    if found is None or not may_create(actor, found.id):
        raise Forbidden(f"You don't have the rights to create a repository under the namespace {name!r}.")
    return found


def visible_repos(actor: Actor) -> sa.ColumnElement[bool]:
    """Return the condition on the repo table under which `actor` may see rows in a listing."""
    public = repo_table.c.visibility == "public"
    if actor.is_admin and actor.token is None:
        return sa.true()
    if actor.token is not None and actor.token.role is TokenRole.FINE_GRAINED:
        granted = [s.entity_id for s in actor.token.scopes if s.permissions & {"repo.content.read", "repo.write"}]
        mine = [account for account in _accounts_of(actor) if account in granted]
        named = sa.and_(repo_table.c.id.in_(granted), repo_table.c.account_id.in_(_accounts_of(actor)))
        return sa.or_(public, repo_table.c.account_id.in_(mine), named)
    if actor.is_admin:
        return sa.true()
    return sa.or_(public, repo_table.c.account_id.in_(_accounts_of(actor)))


def _accounts_of(actor: Actor) -> list[str]:
    return [*actor.memberships, *([actor.user_id] if actor.user_id else [])]


def _hidden(actor: Actor) -> RepoNotFound:
    return RepoNotFoundSignIn() if actor.is_anonymous else RepoNotFound()


def _gated(actor: Actor, found: Repo) -> GatedRepo:
    what = f"{found.name.kind.value} {found.name.full}"
    if actor.is_anonymous:
        return GatedRepoSignIn(
            f"Access to {what} is restricted. You must have access to it and be authenticated to access it. Please log in."
        )
    return GatedRepo(f"Access to {what} is restricted and you are not in the authorized list. Visit its page to ask for access.")
