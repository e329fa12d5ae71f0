"""Signing in by password and in two steps, invitations, and what people set about themselves and their organizations."""

from __future__ import annotations

import re
import time

import pytest
import sqlalchemy as sa

from tests.conftest import RunningHub, run_hub, settings_for
from tests.people import PASSWORD, browser, give_password, sign_in
from tulou.db.tables import recovery_code, second_factor
from tulou.features.accounts import attempts, lookup, passwords, tokens, twofactor
from tulou.features.orgs import create, invitations
from tulou.features.orgs import lookup as orgs
from tulou.kernel.actor import SYSTEM, Role
from tulou.kernel.clock import FixedClock
from tulou.wire import totp


def code_for(hub: RunningHub, page: str) -> str:
    """Return the code that an app shows now, from the page on which it was set up."""
    import base64

    secret = re.search(r"secret=([A-Z2-7]+)", page)
    assert secret is not None
    raw = base64.b32decode(secret[1] + "=" * (-len(secret[1]) % 8))
    return totp.code(raw, totp.step_at(hub.m.clock.now()))


def set_up_second_step(hub: RunningHub, user: str) -> tuple[str, list[str]]:
    """Turn the second step on for a user. Returns the page with the secret, and the recovery codes."""
    client = browser(hub, user)
    page = client.post("/settings/two-factor").text
    done = client.post("/settings/two-factor/enable", data={"code": code_for(hub, page)})
    codes = re.findall(r"<li>([a-z0-9]{4}(?:-[a-z0-9]{4}){3})</li>", done.text)
    assert len(codes) == twofactor.CODES
    return page, codes


def test_a_password_signs_in_and_leads_to_the_page_that_was_wanted(hub: RunningHub):
    hub.user("alice")
    give_password(hub, "alice")
    client = browser(hub)
    asked = client.get("/settings/tokens")
    assert asked.status_code == 401
    assert 'name="next" value="/settings/tokens"' in asked.text
    answer = sign_in(client, "Alice", next="/settings/tokens")
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings/tokens")
    assert client.get("/settings/tokens").status_code == 200


@pytest.mark.parametrize("onward", [
    "//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
    "/a\r\nSet-Cookie: x=1", "", "/" * 3 + "evil.example", "evil.example",
])  # fmt: skip
def test_a_sign_in_never_leads_to_another_site(hub: RunningHub, onward: str):
    hub.user("alice")
    give_password(hub, "alice")
    assert sign_in(browser(hub), "alice", next=onward).headers["location"] == "/"


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(hub: RunningHub):
    hub.user("alice")
    hub.user("closed")
    hub.org("acme")
    give_password(hub, "alice")
    create_closed(hub)
    wrong = sign_in(browser(hub), "alice", "not the password").text.replace('value="alice"', "")
    for name in ("nobody", "closed", "acme", "a name with spaces"):
        other = sign_in(browser(hub), name)
        assert other.status_code == 403
        assert other.text.replace(f'value="{name}"', "") == wrong


def create_closed(hub: RunningHub) -> None:
    """Give `closed` a password, then close them."""
    from tulou.features.accounts.create import set_disabled

    give_password(hub, "closed")
    set_disabled(hub.m, SYSTEM, lookup.user(hub.m, "closed"), disabled=True)


def test_a_password_is_checked_as_slowly_for_nobody(hub: RunningHub):
    hub.user("alice")
    give_password(hub, "alice")
    passwords.matches(hub.m, None, "warm up")

    def best(account_id: str | None) -> float:
        spans = []
        for _ in range(5):
            begin = time.thread_time()  # not the clock on the wall: the machine may be busy
            passwords.matches(hub.m, account_id, "wrong")
            spans.append(time.thread_time() - begin)
        return min(spans)

    known, unknown = best(lookup.user(hub.m, "alice").id), best(None)
    assert 1 / 3 < known / unknown < 3


def test_guessing_has_to_wait_ever_longer_and_the_right_password_ends_that(tmp_path, database_url: str):
    clock = FixedClock()
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url), clock):
        hub.user("alice")
        give_password(hub, "alice")
        client = browser(hub)
        answers = [sign_in(client, "alice", f"guess number {n}").status_code for n in range(6)]
        assert answers == [403] * 5 + [429]
        refused = sign_in(client, "alice")
        assert refused.status_code == 429  # the right one, too early
        assert "PASSWORD" not in refused.text
        clock.advance(seconds=6)
        assert sign_in(client, "alice", "one more guess").status_code == 403
        clock.advance(seconds=6)
        assert sign_in(client, "alice").status_code == 429
        clock.advance(seconds=6)
        assert sign_in(client, "alice").status_code == 303
        assert sign_in(client, "alice", "a typing mistake").status_code == 403


def test_one_address_cannot_try_one_password_on_everybody(hub: RunningHub):
    client = browser(hub)
    answers = [sign_in(client, f"user{n}", "password of the year").status_code for n in range(21)]
    assert answers.count(429) == 1
    assert answers[-1] == 429


def test_an_address_that_must_wait_locks_nobody_out(tmp_path, database_url: str):
    clock = FixedClock()
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url), clock):
        for n in range(20):
            attempts.begin(hub.m, f"user{n}", "10.0.0.1")
        for _ in range(10):
            with pytest.raises(attempts.TooManyRequests):
                attempts.begin(hub.m, "alice", "10.0.0.1")
        attempts.begin(hub.m, "alice", "10.0.0.2")


def test_signing_in_makes_a_new_session_and_ends_the_one_before(hub: RunningHub):
    hub.user("alice")
    give_password(hub, "alice")
    client = browser(hub, "alice")
    before = client.cookies["tulou_session"]
    assert sign_in(client, "alice").status_code == 303
    assert client.cookies["tulou_session"] != before
    stolen = hub.http().get("/settings/profile", headers={"cookie": f"tulou_session={before}"})
    assert stolen.status_code == 401


def test_the_second_step_asks_for_a_code_that_works_once(tmp_path, database_url: str):
    clock = FixedClock()
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url), clock):
        hub.user("alice")
        give_password(hub, "alice")
        page, _codes = set_up_second_step(hub, "alice")
        clock.advance(seconds=60)
        client = browser(hub)
        asked = sign_in(client, "alice", next="/alice")
        assert asked.status_code == 200
        assert "tulou_session" not in client.cookies
        proof = re.search(r'name="proof" value="([^"]+)"', asked.text)
        assert proof is not None
        form = {"proof": proof[1], "next": "/alice"}
        assert client.post("/login/code", data={**form, "code": "000000"}).status_code == 403
        code = code_for(hub, page)
        answer = client.post("/login/code", data={**form, "code": code})
        assert (answer.status_code, answer.headers["location"]) == (303, "/alice")
        assert browser(hub).post("/login/code", data={**form, "code": code}).status_code == 403  # looked over the shoulder
        clock.advance(seconds=301)
        assert browser(hub).post("/login/code", data={**form, "code": code_for(hub, page)}).status_code == 400


def test_a_forged_proof_of_the_first_step_is_worth_nothing(hub: RunningHub):
    hub.user("alice")
    give_password(hub, "alice")
    page, _codes = set_up_second_step(hub, "alice")
    for proof in ("", "x", "e30.x", hub.m.signer.seal("another purpose", {"user": lookup.user(hub.m, "alice").id}, seconds=9)[0]):
        assert browser(hub).post("/login/code", data={"proof": proof, "code": code_for(hub, page)}).status_code == 400


def test_a_recovery_code_works_once_and_turns_the_second_step_off(hub: RunningHub):
    hub.user("alice")
    give_password(hub, "alice")
    _page, codes = set_up_second_step(hub, "alice")
    user = lookup.user(hub.m, "alice")
    proof = re.search(r'name="proof" value="([^"]+)"', sign_in(browser(hub), "alice").text)
    assert proof is not None
    assert browser(hub).post("/login/code", data={"proof": proof[1], "code": codes[0].upper()}).status_code == 303
    assert browser(hub).post("/login/code", data={"proof": proof[1], "code": codes[0]}).status_code == 403
    assert twofactor.codes_left(hub.m, user.id) == twofactor.CODES - 1
    client = browser(hub, "alice")
    assert client.post("/settings/two-factor/disable", data={"code": "nonsense"}).status_code == 403
    assert client.post("/settings/two-factor/disable", data={"code": codes[1]}).status_code == 303
    assert not twofactor.is_on(hub.m, user.id)


def test_the_database_does_not_contain_the_secret_of_an_app(hub: RunningHub):
    hub.user("alice")
    page, codes = set_up_second_step(hub, "alice")
    secret = re.search(r"secret=([A-Z2-7]+)", page)
    assert secret is not None
    tables = (second_factor, recovery_code)
    with hub.m.db.read() as connection:
        kept = [str(row) for table in tables for row in connection.execute(sa.select(table))]
    assert not [row for row in kept if secret[1] in row or any(code.replace("-", "") in row for code in codes)]


def test_whoever_came_by_a_link_chooses_a_password_and_changing_it_ends_other_sessions(tmp_path, database_url: str):
    clock = FixedClock()
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url), clock):
        hub.user("alice")
        other, client = browser(hub, "alice"), browser(hub, "alice")
        before = client.cookies["tulou_session"]
        assert client.post("/settings/password", data={"new": "short"}).status_code == 400
        for weak in ("1234567890", "aaaaaaaaaaaa", "alicealice", "Password1234"):
            assert client.post("/settings/password", data={"new": weak}).status_code == 400
        assert client.post("/settings/password", data={"new": PASSWORD}).status_code == 303
        assert client.cookies["tulou_session"] != before
        assert client.get("/settings/password").status_code == 200
        assert other.get("/settings/password").status_code == 401
        assert sign_in(browser(hub), "alice").status_code == 303
        clock.advance(seconds=3600)  # now the browser may have been left open
        assert 'name="old"' in client.get("/settings/password").text
        assert client.post("/settings/password", data={"new": "quite another password"}).status_code == 403
        right = {"new": "quite another password", "old": PASSWORD}
        assert client.post("/settings/password", data=right).status_code == 303


def test_sessions_are_listed_and_closed_one_by_one_or_all(hub: RunningHub):
    hub.user("alice")
    hub.user("mallory")
    first, second, third = (browser(hub, "alice") for _ in range(3))
    page = first.get("/settings/sessions").text
    ids = re.findall(r"/settings/sessions/([0-9a-f]{24})/close", page)
    assert len(ids) == 2
    assert first.cookies["tulou_session"] not in page
    assert browser(hub, "mallory").post(f"/settings/sessions/{ids[0]}/close").status_code == 404
    assert first.post(f"/settings/sessions/{ids[0]}/close").status_code == 303
    assert sorted(client.get("/settings/profile").status_code for client in (second, third)) == [200, 401]
    assert first.post("/settings/sessions/close-others").status_code == 303
    assert [client.get("/settings/profile").status_code for client in (first, second, third)] == [200, 401, 401]


def test_a_session_that_nobody_uses_for_two_weeks_is_over(tmp_path, database_url: str):
    clock = FixedClock()
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url), clock):
        hub.user("alice")
        used, idle = browser(hub, "alice"), browser(hub, "alice")
        clock.advance(seconds=8 * 86_400)
        assert used.get("/settings/profile").status_code == 200
        clock.advance(seconds=8 * 86_400)
        assert used.get("/settings/profile").status_code == 200
        assert idle.get("/settings/profile").status_code == 401
        assert idle.get("/settings/profile").status_code == 401  # asking does not bring it back


def test_an_invitation_makes_an_account_once(hub: RunningHub):
    hub.user("alice", admin=True)
    hub.org("acme", alice="admin")
    secret = invitations.make(hub.m, SYSTEM, org_name="acme", role=Role.WRITE, days=7)
    client = browser(hub)
    assert "acme" in client.get(f"/join/{secret}").text
    form = {"name": "newcomer", "fullname": "New Comer", "password": PASSWORD}
    for wrong in ({**form, "name": "alice"}, {**form, "name": "admin"}, {**form, "name": "../x"}, {**form, "password": "short"}):
        assert client.post(f"/join/{secret}", data=wrong).status_code in {400, 409}
    answer = client.post(f"/join/{secret}", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/newcomer")
    assert client.get("/settings/profile").status_code == 200
    members = {member.user.name: member.role for member in orgs.members(hub.m, lookup.org(hub.m, "acme"))}
    assert members == {"alice": Role.ADMIN, "newcomer": Role.WRITE}
    assert browser(hub).get(f"/join/{secret}").status_code == 404
    assert browser(hub).post(f"/join/{secret}", data={**form, "name": "second"}).status_code == 404
    assert sign_in(browser(hub), "newcomer").status_code == 303


def test_somebody_with_an_account_joins_with_it_and_keeps_a_higher_role(hub: RunningHub):
    hub.user("alice")
    hub.org("acme", alice="admin")
    hub.user("bob")
    for name, expected in (("bob", Role.READ), ("alice", Role.ADMIN)):
        secret = invitations.make(hub.m, SYSTEM, org_name="acme", role=Role.READ, days=1)
        answer = browser(hub, name).post(f"/join/{secret}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/acme")
        assert {m.user.name: m.role for m in orgs.members(hub.m, lookup.org(hub.m, "acme"))}[name] is expected


def test_there_is_no_signing_up_without_an_invitation(hub: RunningHub):
    client = browser(hub)
    for secret in ("i_" + "x" * 34, "x"):
        assert client.get(f"/join/{secret}").status_code == 404
        assert client.post(f"/join/{secret}", data={"name": "eve", "password": PASSWORD}).status_code == 404
    assert lookup.by_name(hub.m, "eve") is None


def test_only_administrators_of_an_organization_see_its_settings(hub: RunningHub):
    for name in ("alice", "bob", "mallory"):
        hub.user(name)
    hub.org("acme", alice="admin", bob="write")
    for name, status in (("alice", 200), ("bob", 403), ("mallory", 403)):
        client = browser(hub, name)
        assert client.get("/organizations/acme/settings").status_code == status
        assert client.get("/organizations/none/settings").status_code == 404
        if status == 403:
            for path in ("", "/members", "/members/remove", "/invitations"):
                refused = client.post(f"/organizations/acme/settings{path}", data={"name": name, "role": "admin"})
                assert refused.status_code == 403, path
    assert {m.user.name for m in orgs.members(hub.m, lookup.org(hub.m, "acme"))} == {"alice", "bob"}


def test_an_organization_is_made_governed_and_left(hub: RunningHub):
    hub.user("alice")
    hub.user("bob")
    client = browser(hub, "alice")
    assert client.post("/organizations/new", data={"name": "alice"}).status_code == 409
    answer = client.post("/organizations/new", data={"name": "acme", "fullname": "Acme", "visibility": "private"})
    home = answer.headers["location"]
    assert (answer.status_code, home) == (303, "/organizations/acme/settings")
    assert client.post(f"{home}/members", data={"name": "nobody", "role": "read"}).status_code == 404
    assert client.post(f"{home}/members", data={"name": "bob", "role": "king"}).status_code == 400
    assert client.post(f"{home}/members", data={"name": "bob", "role": "read"}).status_code == 303
    link = re.search(r"http://[^<]*/join/i_[A-Za-z0-9]{34}", client.post(f"{home}/invitations", data={"role": "read"}).text)
    assert link is not None
    listed = client.get(home).text
    assert link[0] not in listed
    invitation = re.search(r"/settings/invitations/([0-9a-f]+)/withdraw", listed)
    assert invitation is not None
    assert client.post(f"{home}/invitations/{invitation[1]}/withdraw").status_code == 303
    assert browser(hub).get(link[0]).status_code == 404
    assert client.post("/settings/organizations/acme/leave").status_code == 409  # the last administrator
    assert client.post(f"{home}/members", data={"name": "alice", "role": "write"}).status_code == 409
    assert client.post(f"{home}/members/remove", data={"name": "alice"}).status_code == 409
    create.set_member(hub.m, SYSTEM, "acme", "bob", Role.ADMIN)
    assert client.post("/settings/organizations/acme/leave").status_code == 303
    assert client.get(home).status_code == 403


def test_a_fine_grained_token_is_made_of_choices_and_expires(tmp_path, database_url: str):
    clock = FixedClock()
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url), clock):
        hub.user("alice")
        hub.org("acme", alice="write")
        hub.repo("acme/m", private=True)
        hub.repo("alice/mine", private=True)
        form = {"name": "ci", "role": "fineGrained", "on:acme": "read", "on:alice": "", "days": "7"}
        made = browser(hub, "alice").post("/settings/tokens", data=form)
        secret = re.search(r"hf_[A-Za-z0-9]{34}", made.text)
        assert secret is not None
        client = hub.http(secret[0])
        assert client.get("/api/models/acme/m").status_code == 200
        assert client.get("/api/models/alice/mine").status_code == 404
        assert client.get("/api/models/acme/m/auth-check/write").status_code == 403
        clock.advance(seconds=8 * 86_400)
        assert client.get("/api/models/acme/m").status_code == 401
        assert len(tokens.of_account(hub.m, lookup.user(hub.m, "alice").id)) == 2


def test_names_that_people_give_themselves_stay_text(hub: RunningHub):
    hub.user("alice")
    hub.org("acme", alice="admin")
    hub.repo("alice/m")
    hub.repo("acme/d", "dataset")
    client = browser(hub, "alice")
    hostile = '"><script>alert(1)</script>'
    assert client.post("/settings/profile", data={"fullname": hostile, "email": "a@b.example"}).status_code == 303
    assert client.post("/organizations/acme/settings", data={"fullname": hostile}).status_code == 303
    client.headers["user-agent"] = hostile
    for path in PAGES:
        page = client.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text, path
    assert client.post("/settings/profile", data={"fullname": "x" * 201}).status_code == 400
    assert client.post("/settings/profile", data={"email": "no address"}).status_code == 400


PAGES = (
    "/login", "/settings/profile", "/settings/password", "/settings/two-factor", "/settings/sessions", "/settings/tokens",
    "/settings/organizations", "/settings/deleted", "/organizations/new", "/organizations/acme/settings", "/new", "/alice",
    "/acme", "/alice/m/settings", "/datasets/acme/d/settings",
)  # fmt: skip


def test_every_page_of_people_is_there_in_both_languages(hub: RunningHub):
    hub.user("alice")
    hub.org("acme", alice="admin")
    hub.repo("alice/m")
    hub.repo("acme/d", "dataset", private=True)
    client = browser(hub, "alice")
    for path in PAGES:
        for language, lang in (("en", "en"), ("zh", "zh-Hans")):
            page = client.get(path, headers={"accept-language": language})
            assert page.status_code == 200, path
            assert f'<html lang="{lang}"' in page.text
            assert page.text.count("<h1") == 1, path
            assert page.headers["cache-control"] == "private, no-store"
