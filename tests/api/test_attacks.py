"""What somebody tried who wanted to see, keep or break more than they may: each test is one attack that must fail."""

from __future__ import annotations

import time
from urllib.parse import quote

import anyio
import httpx
import pytest
import sqlalchemy as sa

from tests.commits import commit
from tests.conftest import RunningHub
from tests.people import browser
from tulou.delivery.kit import intake
from tulou.delivery.kit.limits import RateLimits
from tulou.delivery.kit.routes import Budget
from tulou.features.search.documents import plain
from tulou.kernel.actor import Actor, Token, TokenRole
from tulou.kernel.clock import Clock
from tulou.kernel.errors import Busy, TooManyRequests
from tulou.settings import Settings


@pytest.fixture
def alice(hub: RunningHub) -> httpx.Client:
    """The owner of `alice/m`."""
    client = hub.http(hub.user("alice"))
    hub.repo("alice/m")
    return client


def test_the_copy_of_a_private_repository_is_private_unless_asked_otherwise(hub, alice):
    hub.repo("alice/secret", private=True)
    for body, status in (({"repository": "alice/copy"}, 401), ({"repository": "alice/open", "private": False}, 200)):
        alice.post("/api/models/alice/secret/duplicate", json=body).raise_for_status()
        assert hub.http().get(f"/api/models/{body['repository']}").status_code == status


def test_the_copy_of_a_gated_repository_has_a_gate(hub, alice):
    commit(alice, "alice/m", {"weights.txt": "secret"})
    alice.put("/api/models/alice/m/settings", json={"gated": "manual"}).raise_for_status()
    alice.post("/api/models/alice/m/duplicate", json={"repository": "alice/copy"}).raise_for_status()
    assert alice.get("/alice/copy/resolve/main/weights.txt").text == "secret"
    assert hub.http().get("/alice/copy/resolve/main/weights.txt").status_code == 401


def test_the_old_address_of_a_repository_leads_to_no_other_site(hub, alice):
    hub.org("evil.example", alice="admin")
    hub.repo("evil.example/old")
    names = {"fromRepo": "evil.example/old", "toRepo": "evil.example/new", "type": "model"}
    alice.post("/api/repos/move", json=names).raise_for_status()
    for path in ("//evil.example/old", "///evil.example/old/tree/main", "/evil.example/old?x=1"):
        answer = hub.http().get(f"{hub.url}{path}")
        assert not answer.headers.get("location", "/").startswith(("//", "/%2f")), path
    assert answer.headers["location"] == "/evil.example/new?x=1"


@pytest.mark.parametrize("code", ["²²²²²²", "٣٣٣٣٣٣", "１２３４５６"])
def test_digits_of_other_scripts_are_a_wrong_code(hub, alice, code):
    person = browser(hub, "alice")
    assert person.post("/settings/two-factor").status_code == 200
    assert person.post("/settings/two-factor/enable", data={"code": code}).status_code == 403


def test_numbers_that_are_no_numbers_break_nothing(alice):
    for path in (
        "/api/models/alice/m/tree/main?limit=²",
        "/api/models/alice/m/commits/main?limit=²",
        "/api/models/alice/m/commits/main?p=²",
        "/api/models/alice/m/xet-write-token/" + quote("refs/pr/²", safe=""),
        "/alice/m/tensors?page=²",
    ):
        assert alice.get(path).status_code < 500, path
    body = '{"key":"header","value":{"summary":"x"}}\n'
    path = "/api/models/alice/m/commit/" + quote("refs/pr/²", safe="")
    assert alice.post(path, content=body).status_code == 404


def test_a_nul_in_what_somebody_sends_breaks_no_database(hub, alice):
    commit(alice, "alice/m", {"a.txt": "a"})
    locks = "/alice/m.git/info/lfs/locks"
    assert alice.get(locks, params={"path": "a\0", "id": "\0", "cursor": "\0"}).status_code < 500
    assert alice.post(f"{locks}/verify", json={"cursor": "a\0"}).status_code < 500
    assert alice.post(f"{locks}/a%00/unlock", json={}).status_code < 500
    assert alice.get("/api/models/alice/m/lfs-files", params={"cursor": "\0"}).status_code < 500
    wish = {"title": "a\0", "description": "b\0", "pullRequest": True}
    assert alice.post("/api/models/alice/m/discussions", json=wish).status_code < 500
    assert alice.get("/api/models/alice%00/m").status_code < 500


def test_patterns_that_would_be_compared_for_hours_are_refused_at_once(alice):
    files = [{"path": "/".join(["zz"] * 30 + [str(n)]), "size": 1, "sample": ""} for n in range(1000)]
    path = "/api/models/alice/m/preupload/main"
    patterns = "\n".join(f"{n:x}*" for n in range(9000))
    assert alice.post(path, json={"files": files, "gitIgnore": patterns}, timeout=20).status_code == 413
    assert alice.post(path, json={"files": files[:5], "gitIgnore": "**/a/**/b\n" * 6000}, timeout=20).status_code == 413
    answer = alice.post(
        path, json={"files": files[:256], "gitIgnore": "*.pyc\nbuild/\n/zz/zz\n" + "\n".join(patterns.split()[:200])}
    )
    assert {file["shouldIgnore"] for file in answer.json()["files"]} == {True}


def test_readers_who_open_pull_requests_leave_room_for_the_branches_of_the_owner(hub, alice, monkeypatch):
    monkeypatch.setattr("tulou.features.content.ref_names.REFS_PER_REPO", 3)
    mallory = hub.http(hub.user("mallory"))
    wish = {"title": "spam", "description": "", "pullRequest": True}
    answers = [mallory.post("/api/models/alice/m/discussions", json=wish).status_code for _ in range(4)]
    assert answers == [200, 200, 200, 422]
    assert [alice.post(f"/api/models/alice/m/branch/b{n}", json={}).status_code for n in range(3)] == [200, 200, 422]


@pytest.mark.parametrize("card", ["\n", "\t\n", " ", "<", "![", "](", "-", "- \n", "https://"])
def test_no_card_keeps_the_search_busy(card):
    before = time.process_time()
    plain("x" + card * (500_000 // len(card)) + "y")
    assert time.process_time() - before < 10


def test_of_two_pull_requests_at_the_same_moment_one_is_asked_to_try_again(alice, monkeypatch):
    monkeypatch.setattr("tulou.features.content.pulls.next_number", lambda _m, _repo: 1)
    wish = {"title": "t", "description": "", "pullRequest": True}
    assert [alice.post("/api/models/alice/m/discussions", json=wish).status_code for _ in range(2)] == [200, 409]
    body = '{"key":"header","value":{"summary":"x"}}\n{"key":"file","value":{"path":"a","content":"b"}}\n'
    assert alice.post("/api/models/alice/m/commit/main?create_pr=1", content=body).status_code == 409


@pytest.mark.parametrize(("first", "second", "is_same"), [
    (Actor("alice", token=Token("1", "", TokenRole.READ)), Actor("alice", token=Token("2", "", TokenRole.READ)), True),
    (Actor("alice"), Actor("bob"), False),
    (Actor(address="2001:db8:1:2::1"), Actor(address="2001:db8:1:2:ffff::2"), True),
    (Actor(address="2001:db8:1:2::1"), Actor(address="2001:db8:1:3::1"), False),
    (Actor(address="::ffff:192.0.2.1"), Actor(address="::ffff:192.0.2.2"), False),
    (Actor(address="192.0.2.1"), Actor(address="192.0.2.2"), False),
])  # fmt: skip
def test_neither_more_tokens_nor_more_addresses_of_one_network_buy_more_requests(tmp_path, first, second, is_same):
    limits = RateLimits(Clock(), Settings(data=tmp_path, rate_limit_api=1))
    limits.spend(Budget.API, first)
    if is_same:
        with pytest.raises(TooManyRequests):
            limits.spend(Budget.API, second)
    else:
        limits.spend(Budget.API, second)


def test_what_was_being_written_is_not_in_the_errors_that_are_logged(hub):
    with pytest.raises(sa.exc.DBAPIError) as caught, hub.m.db.write() as tx:
        tx.execute(
            sa.text("INSERT INTO password (account_id, hash, changed_at) VALUES ('x', :hash, 1)"), {"hash": "$argon2id$secret"}
        )
    assert "$argon2id$secret" not in str(caught.value)


def test_whoever_fetches_slowly_leaves_turns_for_the_others(monkeypatch):
    monkeypatch.setattr(intake, "PATIENCE_SECONDS", 0.05)

    async def attack() -> None:
        ends = [await intake.process_turn(Actor(address="192.0.2.1")) for _ in range(intake.SHARE)]
        with pytest.raises(Busy):
            await intake.process_turn(Actor(address="192.0.2.1"))
        (await intake.process_turn(Actor("bob")))()
        for end in ends:
            end()
        (await intake.process_turn(Actor(address="192.0.2.1")))()

    anyio.run(attack)
