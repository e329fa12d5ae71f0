"""The website: signing in, tokens, and pages that cannot be turned against their readers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import RunningHub, run_hub, settings_for
from tulou.delivery.pages import assets, render
from tulou.features.accounts import links, lookup, tokens
from tulou.features.content import commit
from tulou.features.repos import lookup as repos
from tulou.kernel.actor import SYSTEM
from tulou.kernel.clock import FixedClock
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.wire.hf_commit import File, Header

HTML = {"accept": "text/html,application/xhtml+xml"}


def browser(hub: RunningHub, user: str | None = None) -> httpx.Client:
    """Return a browser, with `user` signed in by a one-time link."""
    client = hub.http()
    client.headers.update({**HTML, "origin": hub.url})
    if user is not None:
        secret = links.make(hub.m, SYSTEM, lookup.user(hub.m, user))
        assert client.post(f"/one-time/{secret}").status_code == 303
    return client


def cookie_of(client: httpx.Client) -> dict[str, str]:
    """Return the header by which a browser shows its session."""
    return {"cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items())}


def write(hub: RunningHub, full: str, **files: bytes) -> None:
    """Commit files to a model."""
    repo = repos.by_name(hub.m, parse_repo_id(RepoKind.MODEL, full))
    assert repo is not None
    added = [File(path.replace("__", "."), body) for path, body in files.items()]
    commit.commit(hub.m, SYSTEM, repo, "main", Header("add", "", None), added)


def test_a_link_signs_in_once_and_only_when_the_button_is_pressed(hub: RunningHub):
    hub.user("alice")
    secret = links.make(hub.m, SYSTEM, lookup.user(hub.m, "alice"))
    client = browser(hub)
    for _ in range(3):  # a mail scanner follows links
        assert "alice" in client.get(f"/one-time/{secret}").text
    answer = client.post(f"/one-time/{secret}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings/password")
    cookie = answer.headers["set-cookie"]
    assert all(word in cookie for word in ("tulou_session=", "HttpOnly", "SameSite=lax", "Path=/"))
    assert client.get("/settings/tokens").status_code == 200
    assert browser(hub).post(f"/one-time/{secret}").status_code == 404


def test_a_link_works_for_a_day(tmp_path, database_url: str):
    clock = FixedClock()
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url), clock):
        hub.user("alice")
        secret = links.make(hub.m, SYSTEM, lookup.user(hub.m, "alice"))
        clock.advance(seconds=links.LINK_SECONDS - 1)
        assert browser(hub).get(f"/one-time/{secret}").status_code == 200
        clock.advance(seconds=1)
        assert browser(hub).post(f"/one-time/{secret}").status_code == 404


def test_a_session_ends_after_a_month_and_when_its_user_signs_out(tmp_path, database_url: str):
    clock = FixedClock()
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url), clock):
        hub.user("alice")
        first, second = browser(hub, "alice"), browser(hub, "alice")
        stolen = cookie_of(first)
        assert first.post("/logout").status_code == 303
        assert hub.http().get("/settings/tokens", headers=stolen).status_code == 401
        assert second.get("/settings/tokens").status_code == 200
        clock.advance(seconds=31 * 86_400)
        assert second.get("/settings/tokens").status_code == 401


@pytest.fixture
def secure_hub(tmp_path, database_url: str) -> Iterator[RunningHub]:
    """A hub that its users reach by https."""
    yield from run_hub(settings_for(tmp_path / "data", database_url=database_url, public_url="https://hub.example.org"))


def test_over_https_the_cookie_is_bound_to_this_very_host(secure_hub: RunningHub):
    hub = secure_hub
    hub.user("alice")
    secret = links.make(hub.m, SYSTEM, lookup.user(hub.m, "alice"))
    answer = hub.http().post(f"/one-time/{secret}", headers={"sec-fetch-site": "same-origin"})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-tulou_session=")
    assert "Secure" in cookie
    session = cookie.partition("=")[2].partition(";")[0]
    assert hub.http().get("/settings/tokens", headers={"cookie": f"__Host-tulou_session={session}"}).status_code == 200
    # A sibling host can set a cookie of this name, so it must mean nothing.
    assert hub.http().get("/settings/tokens", headers={"cookie": f"tulou_session={session}"}).status_code == 401


@pytest.mark.parametrize("headers", [
    {"origin": "https://elsewhere.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"}, {},
])  # fmt: skip
def test_another_site_can_neither_act_for_a_reader_nor_sign_one_in(hub: RunningHub, headers: dict[str, str]):
    hub.user("alice")
    session = cookie_of(browser(hub, "alice"))
    secret = links.make(hub.m, SYSTEM, lookup.user(hub.m, "alice"))
    made = len(tokens.of_account(hub.m, lookup.user(hub.m, "alice").id))
    for path in ("/settings/tokens", "/logout", "/device", f"/one-time/{secret}"):
        for cookies in (session, {}):
            answer = hub.http().post(path, headers={**headers, **cookies}, data={"name": "x", "role": "write"})
            assert answer.status_code == 403
    assert len(tokens.of_account(hub.m, lookup.user(hub.m, "alice").id)) == made
    assert links.whose(hub.m, secret).name == "alice"


def test_a_cookie_opens_no_api(hub: RunningHub):
    hub.user("alice")
    hub.repo("alice/secret", private=True)
    client = browser(hub, "alice")
    assert client.get("/api/whoami-v2").status_code == 401
    assert client.get("/api/models/alice/secret").status_code == 401
    assert client.get("/alice/secret").status_code == 200


def test_a_token_is_shown_once_works_and_can_be_revoked(hub: RunningHub):
    hub.user("alice")
    client = browser(hub, "alice")
    page = client.post("/settings/tokens", data={"name": "laptop", "role": "read"})
    secret = re.search(r"hf_[A-Za-z0-9]{34}", page.text)
    assert secret is not None
    assert hub.http(secret[0]).get("/api/whoami-v2").json()["auth"]["accessToken"]["displayName"] == "laptop"
    listed = client.get("/settings/tokens").text
    assert secret[0] not in listed
    token = next(t for t in tokens.of_account(hub.m, lookup.user(hub.m, "alice").id) if t.name == "laptop")
    assert client.post(f"/settings/tokens/{token.id}/revoke").status_code == 303
    assert hub.http(secret[0]).get("/api/whoami-v2").status_code == 401


def test_nobody_revokes_the_token_of_another(hub: RunningHub):
    hub.user("alice")
    hub.user("mallory")
    token = tokens.of_account(hub.m, lookup.user(hub.m, "alice").id)[0]
    assert browser(hub, "mallory").post(f"/settings/tokens/{token.id}/revoke").status_code == 404
    assert tokens.by_id(hub.m, token.id) is not None


def test_a_fine_grained_token_reaches_what_its_lines_name(hub: RunningHub):
    hub.user("alice")
    hub.repo("alice/a", private=True)
    hub.repo("alice/b", private=True)
    page = browser(hub, "alice").post(
        "/settings/tokens", data={"name": "ci", "role": "fineGrained", "scopes": "alice/a: read\r\n\r\nalice/a: write\n"}
    )
    secret = re.search(r"hf_[A-Za-z0-9]{34}", page.text)
    assert secret is not None
    client = hub.http(secret[0])
    assert client.get("/api/models/alice/a/auth-check/write").status_code == 200
    assert client.get("/api/models/alice/b/auth-check").status_code == 404


@pytest.mark.parametrize("fields", [
    {"name": "", "role": "read"}, {"name": "x" * 101, "role": "read"}, {"name": "a\x00b", "role": "read"}, {},
    {"name": "x", "role": "root"}, {"name": "x", "role": "fineGrained"}, {"name": "x", "role": "fineGrained", "scopes": "alice"},
    {"name": "x", "role": "fineGrained", "scopes": "alice: admin"},
])  # fmt: skip
def test_a_bad_token_form_says_why(hub: RunningHub, fields: dict[str, str]):
    hub.user("alice")
    answer = browser(hub, "alice").post("/settings/tokens", data=fields)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


def test_a_token_form_tells_nothing_about_what_its_user_may_not_see(hub: RunningHub):
    hub.user("alice")
    hub.user("bob")
    hub.repo("bob/secret", private=True)
    client = browser(hub, "alice")
    form = {"name": "x", "role": "fineGrained"}
    lines = (f"bob/{name}: read" for name in ("secret", "none"))
    hidden, missing = (client.post("/settings/tokens", data={**form, "scopes": line}) for line in lines)
    assert hidden.status_code == missing.status_code == 404
    assert hidden.text.replace("bob/secret", "bob/none") == missing.text


def test_pages_show_only_what_their_reader_may_see(hub: RunningHub):
    for name in ("olga", "mallory"):
        hub.user(name)
    hub.org("acme", olga="admin")
    hub.repo("acme/open")
    hub.repo("acme/secret", private=True)
    member, outsider, stranger = browser(hub, "olga"), browser(hub, "mallory"), browser(hub)
    for page in ("/", "/acme"):
        assert "acme/secret" in member.get(page).text
        for client in (outsider, stranger):
            assert "acme/open" in client.get(page).text
            assert "secret" not in client.get(page).text
    for client in (outsider, stranger):
        hidden, missing = client.get("/acme/secret"), client.get("/acme/none")
        assert hidden.status_code == missing.status_code
        assert hidden.text.replace("/acme/secret", "/acme/none") == missing.text  # signing in leads back to this address


def test_a_repository_page_shows_its_card_and_how_to_get_it(hub: RunningHub):
    hub.user("alice")
    hub.repo("alice/m")
    write(hub, "alice/m", README__md=b"# Hello <script>alert(1)</script>", config__json=b"{}")
    page = browser(hub).get("/alice/m").text
    assert ">Hello" in page
    assert "alert(1)" not in page
    assert f"git clone {hub.url}/alice/m" in page
    assert browser(hub).get("/alice/m/tree/main").status_code == 200
    for missing in ("no-such-branch", "main/none", "main/a%00b", "main/..", "%00", "main/" + "a" * 5000, "main/config.json/x"):
        assert browser(hub).get(f"/alice/m/tree/{missing}").status_code in {400, 404, 422}, missing
    assert browser(hub).get("/alice/m/blob/main/config.json").status_code == 200


def test_an_empty_hub_has_words_for_it(hub: RunningHub):
    assert "Start here" in browser(hub).get("/").text
    assert "There is nothing here yet." in browser(hub).get("/models").text


def test_a_browser_gets_problems_as_pages_and_a_program_as_json(hub: RunningHub):
    page = browser(hub).get("/no/such/page/at/all")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert hub.http().get("/no/such/page/at/all").json()["code"] == "not_found"
    assert browser(hub).get("/api/models/no/one").headers["content-type"].startswith("application/json")
    assert browser(hub).get("/settings/tokens").status_code == 401


@pytest.mark.parametrize("path", ["/", "/login", assets.url("tulou.css"), assets.url("mark.svg"), "/healthz", "/alice"])
def test_public_pages_open_without_a_session(hub: RunningHub, path: str):
    hub.user("alice")
    assert browser(hub).get(path).status_code == 200


@pytest.mark.parametrize("path", [
    "/static/../settings.py", "/static/%2e%2e%2fx", "/static/tulou.css", "/static/x/tulou.css", "/a%00b", "/x..y",
    f"{assets.url('mark.svg')}%00", assets.url("mark.svg").replace("mark.svg", "../templates/base.html"),
])  # fmt: skip
def test_no_other_file_can_be_named(hub: RunningHub, path: str):
    assert browser(hub).get(path).status_code in {400, 401, 404}


def test_no_page_may_run_anything(hub: RunningHub):
    hub.user("alice")
    client = browser(hub, "alice")
    for path in ("/", "/alice", "/login", "/device", "/device?code=BCDF-GHJK", "/settings/tokens", "/nowhere"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, path
        assert "script-src 'self';" in policy, path
        assert not re.search(r'<script(?! type="module" src="/static/)|<style|\son\w+=|\sstyle=|javascript:', answer.text), path
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_pages_speak_chinese_to_those_who_prefer_it(hub: RunningHub):
    client = browser(hub)
    assert "登录" in client.get("/login", headers={"accept-language": "zh-CN,zh;q=0.9"}).text
    assert "Sign in" in client.get("/login", headers={"accept-language": "fr"}).text
    assert "登录" in client.get("/login?lang=zh").text
    assert "登录" in client.get("/login").text  # remembered


@pytest.mark.parametrize(("count", "text"), [
    (0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1234, "1.23 kB"), (999_999, "1000 kB"), (90_868_376, "90.9 MB"),
    (10**12, "1 TB"), (10**16, "10000 TB"),
])  # fmt: skip
def test_sizes_are_decimal(count: int, text: str):
    assert render.size(count) == text
