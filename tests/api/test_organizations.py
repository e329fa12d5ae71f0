"""Who may say who belongs to an organization."""

from __future__ import annotations

import pytest

from tests.conftest import RunningHub
from tulou.features.accounts import lookup
from tulou.features.orgs import create
from tulou.features.orgs import lookup as orgs
from tulou.kernel.actor import SYSTEM, Actor, Role, Token, TokenRole
from tulou.kernel.errors import AccountNotFound, AlreadyExists, BadInput, Forbidden, InvalidName, NotFound, SignInNeeded


def signed_in(hub: RunningHub, name: str, *, token: bool = False) -> Actor:
    """Return a user as a request of theirs carries them."""
    user = lookup.user(hub.m, name)
    roles = {membership.org.id: membership.role for membership in orgs.memberships(hub.m, user.id)}
    return Actor(user.id, user.name, user.is_admin, roles, Token("0" * 24, "t", TokenRole.WRITE) if token else None)


def test_whoever_makes_an_organization_governs_it(hub: RunningHub):
    hub.user("alice")
    create.create_org(hub.m, signed_in(hub, "alice"), "acme")
    assert [(m.user.name, m.role) for m in orgs.members(hub.m, lookup.org(hub.m, "acme"))] == [("alice", Role.ADMIN)]


def test_neither_strangers_nor_tokens_make_organizations(hub: RunningHub):
    hub.user("alice")
    with pytest.raises(SignInNeeded):
        create.create_org(hub.m, Actor(), "acme")
    with pytest.raises(Forbidden):
        create.create_org(hub.m, signed_in(hub, "alice", token=True), "acme")


@pytest.mark.parametrize("role", [None, Role.READ, Role.CONTRIBUTOR, Role.WRITE])
def test_only_its_administrators_change_members(hub: RunningHub, role: Role | None):
    hub.user("alice")
    hub.user("bob")
    hub.org("acme")
    if role is not None:
        create.set_member(hub.m, SYSTEM, "acme", "alice", role)
    with pytest.raises(Forbidden):
        create.set_member(hub.m, signed_in(hub, "alice"), "acme", "bob", Role.ADMIN)
    with pytest.raises(Forbidden):
        create.remove_member(hub.m, signed_in(hub, "alice"), "acme", "bob")
    create.set_member(hub.m, SYSTEM, "acme", "alice", Role.ADMIN)
    with pytest.raises(Forbidden):
        create.set_member(hub.m, signed_in(hub, "alice", token=True), "acme", "bob", Role.READ)
    create.set_member(hub.m, signed_in(hub, "alice"), "acme", "bob", Role.READ)


def test_a_role_that_changes_counts_from_the_next_request(hub: RunningHub):
    client = hub.http(hub.user("bob"))
    hub.org("acme", bob="write")
    hub.repo("acme/m", private=True)
    assert client.get("/api/models/acme/m/auth-check/write").status_code == 200
    create.set_member(hub.m, SYSTEM, "acme", "bob", Role.READ)
    assert client.get("/api/models/acme/m/auth-check/write").status_code == 403
    create.remove_member(hub.m, SYSTEM, "acme", "bob")
    assert client.get("/api/models/acme/m/auth-check").status_code == 404


def test_users_and_organizations_share_their_names(hub: RunningHub):
    hub.user("Alice")
    with pytest.raises(AlreadyExists):
        create.create_org(hub.m, SYSTEM, "aLICE")
    with pytest.raises(InvalidName):
        create.create_org(hub.m, SYSTEM, "settings")


def test_what_does_not_exist_cannot_be_changed(hub: RunningHub):
    hub.user("alice")
    hub.org("acme")
    with pytest.raises(AccountNotFound):
        create.set_member(hub.m, SYSTEM, "none", "alice", Role.READ)
    with pytest.raises(AccountNotFound):
        create.set_member(hub.m, SYSTEM, "acme", "none", Role.READ)
    with pytest.raises(AccountNotFound):
        create.set_member(hub.m, SYSTEM, "acme", "acme", Role.READ)
    with pytest.raises(NotFound):
        create.remove_member(hub.m, SYSTEM, "acme", "alice")
    with pytest.raises(BadInput):
        create.change_org(hub.m, SYSTEM, "acme", default_visibility="secret")


def test_new_repositories_get_the_default_of_their_organization(hub: RunningHub):
    token = hub.user("alice")
    hub.org("acme", alice="admin")
    create.change_org(hub.m, SYSTEM, "acme", default_visibility="private", fullname="Acme Inc.")
    answer = hub.http(token).post("/api/repos/create", json={"name": "m", "organization": "acme"})
    assert answer.status_code == 200
    assert hub.http().get("/api/models/acme/m").status_code == 401
    assert hub.http().get("/api/organizations/acme/overview").json()["fullname"] == "Acme Inc."
