"""`hf auth login`: the device flow, driven by the client's own functions, and its refusals."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
from huggingface_hub import constants
from huggingface_hub.errors import DeviceCodeError
from huggingface_hub.utils import _oauth_device as client

from tests.conftest import RunningHub, run_hub, settings_for
from tulou.features.accounts import device, links, lookup, tokens
from tulou.features.accounts.create import set_disabled
from tulou.kernel.actor import SYSTEM
from tulou.kernel.clock import FixedClock

GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def hub(tmp_path, database_url: str, clock: FixedClock) -> Iterator[RunningHub]:
    yield from run_hub(settings_for(tmp_path / "data", database_url=database_url), clock)


@pytest.fixture
def alice(hub: RunningHub) -> httpx.Client:
    """A browser in which alice is signed in."""
    hub.user("alice")
    secret = links.make(hub.m, SYSTEM, lookup.user(hub.m, "alice"))
    browser = hub.http()
    browser.headers["origin"] = hub.url
    assert browser.post(f"/one-time/{secret}").status_code == 303
    return browser


@pytest.fixture
def program(hub: RunningHub, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> FixedClock:
    """The client's module, aimed at the hub; its pauses move the hub's clock."""
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(time, "sleep", lambda seconds: clock.advance(seconds=seconds))
    return clock


def start(hub: RunningHub, client_id: str = "app") -> dict[str, str]:
    return hub.http().post("/oauth/device", data={"client_id": client_id}).json()


def poll(hub: RunningHub, code: str, client_id: str = "app") -> httpx.Response:
    return hub.http().post("/oauth/token", data={"grant_type": GRANT, "device_code": code, "client_id": client_id})


def test_the_client_signs_in_when_its_user_approves(hub: RunningHub, alice: httpx.Client, program: FixedClock):
    info = client.request_device_code()
    asked = []

    def approve_at_second_question() -> None:
        asked.append(info["user_code"])
        if len(asked) == 2:
            page = alice.get(info["verification_uri_complete"])
            assert info["user_code"] in page.text
            done = alice.post("/device", data={"code": info["user_code"].lower().replace("-", " "), "decision": "approve"})
            assert done.status_code == 200

    answer = client.poll_device_token(info, on_pending=approve_at_second_question)
    assert "refresh_token" not in answer
    me = hub.http(answer["access_token"]).get("/api/whoami-v2").json()
    assert (me["name"], me["auth"]["accessToken"]["role"]) == ("alice", "write")


def test_the_client_learns_that_its_user_refused(alice: httpx.Client, program: FixedClock):
    info = client.request_device_code()

    def refuse() -> None:
        alice.post("/device", data={"code": info["user_code"], "decision": "deny"})

    with pytest.raises(DeviceCodeError) as problem:
        client.poll_device_token(info, on_pending=refuse)
    assert problem.value.error_code == "access_denied"


def test_the_client_learns_that_the_code_expired(program: FixedClock):
    info = client.request_device_code()
    program.advance(seconds=info["expires_in"] + 1)
    with pytest.raises(DeviceCodeError) as problem:
        client.poll_device_token(info)
    assert problem.value.error_code == "expired_token"


def test_a_code_gives_one_token(hub: RunningHub, alice: httpx.Client):
    begun = start(hub)
    alice.post("/device", data={"code": begun["user_code"], "decision": "approve"})
    assert poll(hub, begun["device_code"]).status_code == 200
    again = poll(hub, begun["device_code"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_asking_too_often_is_slowed_down(hub: RunningHub, clock: FixedClock):
    begun = start(hub)
    assert poll(hub, begun["device_code"]).json()["error"] == "authorization_pending"
    clock.advance(seconds=1)
    assert poll(hub, begun["device_code"]).json()["error"] == "slow_down"
    clock.advance(seconds=5)
    assert poll(hub, begun["device_code"]).json()["error"] == "authorization_pending"


def test_a_program_cannot_redeem_the_code_of_another(hub: RunningHub, alice: httpx.Client):
    begun = start(hub)
    alice.post("/device", data={"code": begun["user_code"], "decision": "approve"})
    assert poll(hub, begun["device_code"], client_id="other").json()["error"] == "invalid_grant"
    assert poll(hub, "d_made_up").json()["error"] == "invalid_grant"


def test_a_decision_is_final_and_needs_a_person(hub: RunningHub, alice: httpx.Client):
    begun = start(hub)
    token = hub.user("bob")
    data = {"code": begun["user_code"], "decision": "approve"}
    bearer = hub.http(token).post("/device", data=data, headers={"origin": hub.url})
    assert bearer.status_code == 401
    foreign = alice.post("/device", data=data, headers={"origin": "https://elsewhere.example"})
    assert foreign.status_code == 403
    assert alice.post("/device", data={**data, "decision": "deny"}).status_code == 200
    assert alice.post("/device", data=data).status_code == 404


def test_an_account_closed_between_approval_and_redemption_gets_no_token(hub: RunningHub, alice: httpx.Client):
    begun = start(hub)
    alice.post("/device", data={"code": begun["user_code"], "decision": "approve"})
    set_disabled(hub.m, SYSTEM, lookup.user(hub.m, "alice"), disabled=True)
    assert poll(hub, begun["device_code"]).json()["error"] == "access_denied"


@pytest.mark.parametrize(("fields", "error"), [
    ({}, "unsupported_grant_type"),
    ({"grant_type": "authorization_code", "code": "x"}, "unsupported_grant_type"),
    ({"grant_type": "refresh_token", "refresh_token": "x"}, "unsupported_grant_type"),
    ({"grant_type": GRANT}, "invalid_grant"),
])  # fmt: skip
def test_other_grants_get_an_oauth_error(hub: RunningHub, fields: dict[str, str], error: str):
    answer = hub.http().post("/oauth/token", data=fields)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("client_id", ["", "x" * 201, "a\nb"])
def test_a_program_must_say_who_it_is(hub: RunningHub, client_id: str):
    answer = hub.http().post("/oauth/device", data={"client_id": client_id})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_field_given_twice_is_an_error(hub: RunningHub):
    answer = hub.http().post("/oauth/device", content=b"client_id=a&client_id=b")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_what_a_program_calls_itself_is_text_on_the_page(hub: RunningHub, alice: httpx.Client):
    begun = start(hub, client_id="<script>alert(1)</script>")
    page = alice.get("/device", params={"code": begun["user_code"]})
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


def test_flows_that_are_over_leave_nothing_behind(hub: RunningHub, clock: FixedClock):
    first = start(hub)
    clock.advance(seconds=device.EXPIRES_SECONDS + 1)
    start(hub)
    assert poll(hub, first["device_code"]).json()["error"] == "invalid_grant"


def test_userinfo_says_who_a_token_belongs_to(hub: RunningHub):
    token = hub.user("alice")
    hub.org("acme", alice="write")
    claims = hub.http(token).get("/oauth/userinfo").json()
    assert (claims["preferred_username"], claims["orgs"][0]["roleInOrg"]) == ("alice", "write")
    assert hub.http().get("/oauth/userinfo").status_code == 401


def test_signing_in_elsewhere_with_our_accounts_is_not_built(hub: RunningHub):
    for path in ("/oauth/authorize", "/oauth/register", "/.well-known/openid-configuration"):
        assert hub.http().get(path).status_code == 501


def test_a_full_token_list_is_told_to_the_program(hub: RunningHub, alice: httpx.Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tokens, "TOKENS_PER_ACCOUNT", 1)
    begun = start(hub)
    alice.post("/device", data={"code": begun["user_code"], "decision": "approve"})
    assert poll(hub, begun["device_code"]).json()["error"] == "access_denied"
