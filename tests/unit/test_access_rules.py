"""The access table, row by row."""

from __future__ import annotations

import pytest

from tulou.features.access.rules import Decision, decide, may_create
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Action, Actor, Role, Scope, Token, TokenRole
from tulou.kernel.names import RepoKind, RepoName

READ_INFO, READ_CONTENT, WRITE, ADMIN = Action
ALLOW, DENY, HIDE, GATED = Decision


def repo(*, visibility: str = "public", gated: str = "") -> Repo:
    """Return a repository of the organization `org`."""
    return Repo("repo", RepoName(RepoKind.MODEL, "acme", "m"), "org", True, visibility, gated, "main", 1, 0, 0)


def token(role: TokenRole, *scopes: Scope) -> Token:
    """Return a token."""
    return Token("t", "t", role, scopes)


NOBODY = Actor()
OUTSIDER = Actor("mallory", "mallory")
ADMIN_OF_HUB = Actor("root", "root", is_admin=True)


def member(role: Role, held: Token | None = None) -> Actor:
    """Return a member of `org`."""
    return Actor("bob", "bob", memberships={"org": role}, token=held)


TABLE = [
    # actor, visibility, gated, decisions for READ_INFO, READ_CONTENT, WRITE, ADMIN
    (NOBODY, "public", "", (ALLOW, ALLOW, DENY, DENY)),
    (NOBODY, "private", "", (HIDE, HIDE, HIDE, HIDE)),
    (NOBODY, "public", "auto", (ALLOW, GATED, DENY, DENY)),
    (OUTSIDER, "public", "", (ALLOW, ALLOW, DENY, DENY)),
    (OUTSIDER, "private", "", (HIDE, HIDE, HIDE, HIDE)),
    (OUTSIDER, "private", "manual", (HIDE, HIDE, HIDE, HIDE)),
    (OUTSIDER, "public", "manual", (ALLOW, GATED, DENY, DENY)),
    (member(Role.READ), "private", "manual", (ALLOW, ALLOW, DENY, DENY)),
    (member(Role.CONTRIBUTOR), "private", "", (ALLOW, ALLOW, DENY, DENY)),
    (member(Role.WRITE), "private", "", (ALLOW, ALLOW, ALLOW, DENY)),
    (member(Role.ADMIN), "private", "", (ALLOW, ALLOW, ALLOW, ALLOW)),
    (ADMIN_OF_HUB, "private", "manual", (ALLOW, ALLOW, ALLOW, ALLOW)),
    (member(Role.ADMIN, token(TokenRole.WRITE)), "private", "", (ALLOW, ALLOW, ALLOW, ALLOW)),
    (member(Role.ADMIN, token(TokenRole.READ)), "private", "", (ALLOW, ALLOW, DENY, DENY)),
    # A fine-grained token opens only what it names: the rest is as hidden as from a stranger.
    (member(Role.ADMIN, token(TokenRole.FINE_GRAINED)), "private", "", (HIDE, HIDE, HIDE, HIDE)),
    (
        member(Role.ADMIN, token(TokenRole.FINE_GRAINED, Scope("repo", frozenset({"repo.content.read"})))),
        "private",
        "",
        (ALLOW, ALLOW, DENY, DENY),
    ),
    (
        member(Role.ADMIN, token(TokenRole.FINE_GRAINED, Scope("org", frozenset({"repo.write"})))),
        "private",
        "",
        (ALLOW, ALLOW, ALLOW, ALLOW),
    ),
    (
        member(Role.READ, token(TokenRole.FINE_GRAINED, Scope("org", frozenset({"repo.write"})))),
        "private",
        "",
        (ALLOW, ALLOW, DENY, DENY),
    ),
    (
        member(Role.ADMIN, token(TokenRole.FINE_GRAINED, Scope("other", frozenset({"repo.write"})))),
        "private",
        "",
        (HIDE, HIDE, HIDE, HIDE),
    ),
]


@pytest.mark.parametrize(("actor", "visibility", "gated", "expected"), TABLE)
def test_the_right_is_the_least_of_person_token_and_repository(
    actor: Actor, visibility: str, gated: str, expected: tuple[Decision, ...]
) -> None:
    subject = repo(visibility=visibility, gated=gated)
    assert tuple(decide(actor, subject, action) for action in Action) == expected


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        (NOBODY, False),
        (OUTSIDER, False),
        (Actor("org", "the account itself"), True),
        (member(Role.READ), False),
        (member(Role.CONTRIBUTOR), True),
        (member(Role.ADMIN, token(TokenRole.READ)), False),
        (member(Role.ADMIN, token(TokenRole.FINE_GRAINED, Scope("org", frozenset({"repo.write"})))), True),
        (member(Role.ADMIN, token(TokenRole.FINE_GRAINED, Scope("repo", frozenset({"repo.write"})))), False),
    ],
)
def test_who_may_make_repositories_in_an_account(actor: Actor, expected: bool) -> None:
    assert may_create(actor, "org") is expected
