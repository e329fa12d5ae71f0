"""Who am I, who are they, and what may be known about them."""

from __future__ import annotations

import pytest
from huggingface_hub import HfApi

from tests.conftest import RunningHub, run_hub, settings_for
from tulou.features.accounts import lookup, tokens
from tulou.features.accounts.create import set_disabled
from tulou.kernel.actor import SYSTEM, Actor, Role, Scope, Token, TokenRole
from tulou.kernel.clock import FixedClock
from tulou.kernel.errors import BadInput, Conflict, Forbidden
from tulou.kernel.limits import TOKENS_PER_ACCOUNT

HOUR = 3600


def test_whoami_says_what_clients_read(hub: RunningHub):
    token = hub.user("alice")
    hub.org("acme", alice="admin")
    me = HfApi(endpoint=hub.url, token=token).whoami()
    assert (me["type"], me["name"], me["fullname"], me["isPro"], me["canPay"], me["periodEnd"]) == (
        "user", "alice", "Alice", False, False, None,
    )
    assert me["avatarUrl"].startswith(hub.url)
    access = me["auth"]["accessToken"]
    assert (access["displayName"], access["role"]) == ("test", "write")
    assert access["createdAt"].endswith("Z")
    assert [(org["name"], org["type"], org["roleInOrg"]) for org in me["orgs"]] == [("acme", "org", "admin")]


def test_whoami_of_a_fine_grained_token_lists_what_it_reaches(hub: RunningHub):
    hub.user("alice")
    me = hub.http(hub.token("alice", TokenRole.FINE_GRAINED)).get("/api/whoami-v2").json()
    scoped = me["auth"]["accessToken"]["fineGrained"]["scoped"]
    assert [(s["entity"]["type"], s["entity"]["name"], s["permissions"]) for s in scoped] == [("user", "alice", ["repo.write"])]


@pytest.mark.parametrize("authorization", ["Bearer hf_wrong", "Basic !!!", "Digest x", "Bearer"])
def test_a_wrong_secret_is_told_from_none(hub: RunningHub, authorization: str):
    wrong = hub.http().get("/api/whoami-v2", headers={"authorization": authorization})
    none = hub.http().get("/api/whoami-v2")
    assert wrong.status_code == none.status_code == 401
    assert wrong.headers["x-error-message"] == "Invalid credentials in Authorization header"
    assert none.headers["x-error-message"] != "Invalid credentials in Authorization header"


def test_a_revoked_token_and_the_tokens_of_a_closed_account_stop_at_once(hub: RunningHub):
    first, second = hub.user("alice"), hub.token("alice", TokenRole.READ)
    alice = lookup.user(hub.m, "alice")
    assert hub.http(first).get("/api/whoami-v2").status_code == 200
    info = next(t for t in tokens.of_account(hub.m, alice.id) if t.role is TokenRole.WRITE)
    tokens.revoke(hub.m, SYSTEM, alice.id, info.id)
    assert hub.http(first).get("/api/whoami-v2").status_code == 401
    assert hub.http(second).get("/api/whoami-v2").status_code == 200
    set_disabled(hub.m, SYSTEM, alice, disabled=True)
    assert hub.http(second).get("/api/whoami-v2").status_code == 401


def test_an_expired_token_is_refused(tmp_path, database_url: str):
    clock = FixedClock()
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url), clock):
        hub.user("alice")
        alice = lookup.user(hub.m, "alice")
        made = tokens.create_token(hub.m, SYSTEM, alice.id, "short", TokenRole.READ, expires_at=clock.now() + 1000)
        assert hub.http(made.secret).get("/api/whoami-v2").status_code == 200
        clock.advance(seconds=2)
        assert hub.http(made.secret).get("/api/whoami-v2").status_code == 401


def test_the_last_use_is_written_once_an_hour(tmp_path, database_url: str):
    clock = FixedClock()
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url), clock):
        client = hub.http(hub.user("alice"))

        def last_used(hub: RunningHub = hub) -> int | None:
            return tokens.of_account(hub.m, lookup.user(hub.m, "alice").id)[0].last_used_at

        client.get("/api/whoami-v2")
        first = last_used()
        assert first == clock.now()
        clock.advance(seconds=HOUR - 1)
        client.get("/api/whoami-v2")
        assert last_used() == first
        clock.advance(seconds=2)
        client.get("/api/whoami-v2")
        assert last_used() == clock.now()


def test_only_hashes_of_tokens_are_stored(hub: RunningHub):
    secret = hub.user("alice")
    raw = b"".join(path.read_bytes() for path in (hub.m.settings.data).glob("hub.db*"))
    assert secret.encode() not in raw


def test_a_token_cannot_mint_a_token_and_nobody_mints_for_others(hub: RunningHub):
    hub.user("alice")
    alice = lookup.user(hub.m, "alice")
    info = tokens.of_account(hub.m, alice.id)[0]
    by_token = Actor(alice.id, "alice", token=Token(info.id, info.name, info.role))
    for actor in (by_token, Actor("0" * 24, "mallory"), Actor("1" * 24, "root", is_admin=True), Actor()):
        with pytest.raises(Forbidden):
            tokens.create_token(hub.m, actor, alice.id, "x", TokenRole.WRITE)


def test_an_account_has_a_limited_number_of_tokens(hub: RunningHub):
    hub.user("alice")
    alice = lookup.user(hub.m, "alice")
    for number in range(TOKENS_PER_ACCOUNT - 1):
        tokens.create_token(hub.m, SYSTEM, alice.id, f"n{number}", TokenRole.READ)
    with pytest.raises(Conflict):
        tokens.create_token(hub.m, SYSTEM, alice.id, "one more", TokenRole.READ)


def test_overviews_count_only_what_the_asker_may_see(hub: RunningHub):
    owner, outsider = hub.user("alice"), hub.user("mallory")
    hub.org("acme", alice="write")
    hub.repo("alice/open")
    hub.repo("alice/closed", private=True)
    hub.repo("acme/secret", "dataset", private=True)
    for token, models, datasets in ((owner, 2, 1), (outsider, 1, 0), (None, 1, 0)):
        client = hub.http(token)
        assert client.get("/api/users/alice/overview").json()["numModels"] == models
        org = client.get("/api/organizations/acme/overview").json()
        assert (org["numDatasets"], org["numUsers"]) == (datasets, 1)


def test_the_client_reads_overviews_and_members(hub: RunningHub):
    api = HfApi(endpoint=hub.url, token=hub.user("alice"))
    hub.user("bob")
    hub.org("acme", alice="admin", bob="read")
    user = api.get_user_overview("alice")
    assert (user.username, user.fullname, [org.name for org in user.orgs]) == ("alice", "Alice", ["acme"])
    assert api.get_organization_overview("acme").num_users == 2
    assert [member.username for member in api.list_organization_members("acme")] == ["alice", "bob"]


def test_members_come_in_pages(hub: RunningHub):
    for name in ("anna", "ben", "cleo"):
        hub.user(name)
    hub.org("acme", anna="admin", ben="read", cleo="read")
    client = hub.http()
    first = client.get("/api/organizations/acme/members", params={"limit": 2})
    assert [member["user"] for member in first.json()] == ["anna", "ben"]
    rest = client.get(first.links["next"]["url"])
    assert [member["user"] for member in rest.json()] == ["cleo"]
    assert "next" not in rest.links


@pytest.mark.parametrize("path", [
    "/api/users/nobody/overview", "/api/users/acme/overview",
    "/api/organizations/alice/overview", "/api/organizations/nobody/members",
    "/api/users/a%00b/overview", "/api/users/%F0%9F%92%A9/overview",
])  # fmt: skip
def test_who_does_not_exist_is_404(hub: RunningHub, path: str):
    hub.user("alice")
    hub.org("acme")
    assert hub.http().get(path).status_code == 404


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=99999999999999999999", "limit=-1", "cursor=%00", "cursor=a%20b"])
def test_bad_pages_are_400(hub: RunningHub, query: str):
    hub.org("acme")
    assert hub.http().get(f"/api/organizations/acme/members?{query}").status_code == 400


def test_auth_check_tells_reading_from_writing(hub: RunningHub):
    api = HfApi(endpoint=hub.url)
    tokens_of = {name: hub.user(name) for name in ("olga", "rita", "mallory")}
    hub.org("acme", olga="admin", rita="read")
    hub.repo("acme/m", private=True)
    api.auth_check("acme/m", token=tokens_of["olga"], write=True)
    api.auth_check("acme/m", token=tokens_of["rita"])
    client = hub.http(tokens_of["rita"])
    assert client.get("/api/models/acme/m/auth-check/write").status_code == 403
    outsider = hub.http(tokens_of["mallory"])
    hidden, missing = outsider.get("/api/models/acme/m/auth-check"), outsider.get("/api/models/acme/none/auth-check")
    assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content) == (404, missing.content)


def test_what_an_account_stores_is_for_its_members(hub: RunningHub):
    tokens_of = {name: hub.user(name) for name in ("olga", "mallory")}
    hub.org("acme", olga="admin")
    hub.repo("acme/m", private=True)
    hub.repo("acme/d", "dataset")
    api = HfApi(endpoint=hub.url, token=tokens_of["olga"])
    found = {repo.id: repo for repo in api.list_user_repos(namespace="acme")}
    assert {name: (repo.type, repo.visibility) for name, repo in found.items()} == {
        "acme/m": ("model", "private"), "acme/d": ("dataset", "public"),
    }
    assert sum(repo.storage_percent for repo in found.values()) == pytest.approx(100)
    assert list(api.list_user_repos()) == []
    assert hub.http(tokens_of["mallory"]).get("/api/organizations/acme/settings/repositories").status_code == 403
    assert hub.http().get("/api/organizations/acme/settings/repositories").status_code == 401
    page = hub.http(tokens_of["olga"]).get("/api/organizations/acme/settings/repositories?limit=1")
    following = hub.http(tokens_of["olga"]).get(page.links["next"]["url"]).json()
    assert sorted(repo["id"] for repo in [*page.json(), *following]) == ["acme/d", "acme/m"]


def test_a_fine_grained_token_sees_only_its_part_of_what_is_stored(hub: RunningHub):
    hub.user("olga")
    hub.org("acme", olga="admin")
    hub.repo("acme/m", private=True)
    client = hub.http(hub.token("olga", TokenRole.FINE_GRAINED))
    assert client.get("/api/organizations/acme/settings/repositories").json() == []


def test_a_picture_is_inert(hub: RunningHub):
    hub.user("alice")
    answer = hub.http().get("/api/users/alice/avatar")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_telemetry_and_harnesses_are_answered_without_a_sign_in(hub: RunningHub):
    assert hub.http().head("/api/telemetry/a/b/c").status_code == 204
    assert hub.http().get("/api/agent-harnesses").json() == {"standardEnvVars": [], "harnesses": {}}


def test_a_role_includes_the_ones_before_it(hub: RunningHub):
    assert list(Role) == [Role.READ, Role.CONTRIBUTOR, Role.WRITE, Role.ADMIN]


def test_a_fine_grained_token_needs_permissions_and_others_have_none(hub: RunningHub):
    hub.user("alice")
    alice = lookup.user(hub.m, "alice").id
    grant = (Scope(alice, frozenset({"repo.write"})),)
    unknown = (Scope(alice, frozenset({"x"})),)
    for role, scopes in ((TokenRole.FINE_GRAINED, ()), (TokenRole.READ, grant), (TokenRole.FINE_GRAINED, unknown)):
        with pytest.raises(BadInput):
            tokens.create_token(hub.m, SYSTEM, alice, "x", role, scopes=scopes)
