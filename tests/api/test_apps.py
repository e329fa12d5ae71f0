"""The hosts of Spaces: who is let in, what is stripped, what wakes, and what visitors are told when nothing answers."""

from __future__ import annotations

import html
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.apps_world import World, furnished, until
from tests.commits import commit
from tests.people import browser
from tests.upstream import App, serving
from tulou.features.runs import read as runs
from tulou.features.runs import want
from tulou.features.spaces import change, queries, read
from tulou.features.spaces.model import Stage

PAGE = {"accept": "text/html", "sec-fetch-mode": "navigate"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with serving(App(), lifespan="off") as port, furnished(tmp_path_factory.mktemp("apps") / "data", port) as made:
        yield made


def into(world: World, client: httpx.Client, full: str, onward: str = "/") -> httpx.Client:
    """Go from the hub to an application as a browser does, and return the browser as it stands there."""
    target = urlsplit(onward_of(client.get(f"/spaces/{full}/enter", params={"next": onward})))
    there = world.visit(target.netloc.partition(".")[0], **PAGE)
    entered = there.get(f"{target.path}?{target.query}")
    assert (entered.status_code, entered.headers["location"]) == (303, onward)
    there.headers["cookie"] = entered.headers["set-cookie"].partition(";")[0]
    return there


def onward_of(answer: httpx.Response) -> str:
    """Return where the hub's page leads."""
    assert answer.status_code == 200, answer.text
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', answer.text)
    assert found is not None
    return html.unescape(found[1])


def heads(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["headers"])


def same(one: httpx.Response, other: httpx.Response, names: tuple[str, str]) -> None:
    """Assert that two answers differ by nothing but what was asked for."""
    assert one.status_code == other.status_code == 404
    assert one.text.replace(*names) == other.text
    assert set(one.headers) == set(other.headers)
    assert {k: v for k, v in one.headers.items() if k not in {"date", "content-length"}} == {
        k: v for k, v in other.headers.items() if k not in {"date", "content-length"}
    }


def test_everybody_visits_a_public_space_on_its_own_host(world: World):
    seen = heads(world.visit("alice-open").get("/some%2Fwhere?x=1"))
    assert seen["host"] == world.host("alice-open")
    assert seen["x-forwarded-for"] == "127.0.0.1"


def test_nothing_of_the_hub_is_served_on_a_spaces_host_nor_the_other_way_round(world: World):
    there = world.visit("alice-open")
    assert there.get("/api/whoami-v2").json()["raw"] == "/api/whoami-v2?"
    assert there.get("/login").json()["raw"] == "/login?"
    assert world.hub.http().get("/_tulou/enter").status_code == 401
    with pytest.raises(InvalidStatus) as problem, connect(f"ws://127.0.0.1:{world.port}/api/x", proxy=None):
        pass
    assert problem.value.response.status_code == 404


def test_the_application_of_a_public_space_never_sees_the_hubs_secrets(world: World):
    cookies = "tulou_session=s; __Host-tulou-visit=v; tulou-visit=v; mine=1"
    seen = heads(world.visit("alice-open").get("/x", headers={"authorization": f"Bearer {world.alice}", "cookie": cookies}))
    assert "authorization" not in seen
    assert seen["cookie"] == "mine=1"


@pytest.mark.parametrize("headers", [{}, PAGE, {"authorization": "Bearer hf_wrong"}, {"cookie": "__Host-tulou-visit=x.y"}])
def test_an_outsider_cannot_tell_a_private_space_from_a_missing_one(world: World, headers: dict[str, str]):
    names = ("alice-closed", "alice-hidden")
    same(*(world.visit(slug, **headers).get("/a?b=1") for slug in names), names)
    same(*(world.visit(slug, **headers).post("/a", content=b"x") for slug in names), names)
    token = {**headers, "authorization": f"Bearer {world.bob}"}
    same(*(world.visit(slug, **token).get("/a") for slug in names), names)
    for slug in names:
        assert refused(world, slug) == 404


def ws(world: World, slug: str, headers: dict[str, str] | None = None, origin: str | None = None) -> ClientConnection:
    """Open a WebSocket to an application. Raises InvalidStatus."""
    line = socket.create_connection(("127.0.0.1", world.port))
    said = {} if origin is None else {"origin": Origin(origin.format(own=world.host(slug)))}
    try:
        return connect(f"ws://{world.host(slug)}/ws", sock=line, additional_headers=headers, proxy=None, **said)
    except InvalidStatus:
        line.close()
        raise


def refused(world: World, slug: str, headers: dict[str, str] | None = None, origin: str | None = None) -> int:
    """Return the status with which a WebSocket is refused; 101 if it is not."""
    try:
        with ws(world, slug, headers, origin) as line:
            line.send("hi")
            assert line.recv() == "hi"
            return 101
    except InvalidStatus as problem:
        return problem.response.status_code


@pytest.mark.parametrize("slug", ["alice-hidden", "alice-closed", "a_b-c", "x" * 70 + "-y", "-a-", "alice.closed-x"])
def test_whoever_meets_a_closed_door_is_shown_the_way_to_sign_in(world: World, slug: str):
    page = world.visit(slug, **PAGE).get("/a?b=1")
    assert page.status_code == 404
    assert "<script" not in page.text
    found = re.search(r'href="([^"]*/login/app/[^"]*)"', page.text)
    if slug in {"alice-hidden", "alice-closed"}:
        assert found is not None
        assert found[1] == f"{world.hub.url}/login/app/{slug}?next=%2Fa%3Fb%3D1"
    else:
        assert found is None


def test_a_token_that_may_read_the_space_opens_it_for_programs(world: World):
    there = world.visit("alice-closed", authorization=f"Bearer {world.alice}")
    assert "authorization" not in heads(there.get("/x"))
    old = world.visit("alice-closed", **{"x-hf-authorization": f"Bearer {world.alice}"})
    assert "x-hf-authorization" not in heads(old.get("/x"))
    assert refused(world, "alice-closed", {"Authorization": f"Bearer {world.alice}"}) == 101


def test_a_ticket_from_the_hub_becomes_a_pass_for_one_host(world: World):
    there = into(world, browser(world.hub, "alice"), "alice/closed", "/deep?x=1")
    seen = heads(there.get("/deep?x=1"))
    assert "cookie" not in seen
    for site in ({"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, {"sec-fetch-site": "cross-site"}):
        assert there.get("/", headers=site).status_code == 200
    # The same pass on another private Space is worth nothing, even one of the same person.
    world.space("alice/other", private=True)
    other = world.visit("alice-other", cookie=there.headers["cookie"], **PAGE)
    assert other.get("/").status_code == 404


def test_the_pass_is_kept_from_scripts_and_from_other_hosts(world: World):
    answer = browser(world.hub, "alice").get("/spaces/alice/closed/enter")
    target = urlsplit(onward_of(answer))
    assert answer.headers["cache-control"] == "private, no-store"
    set_cookie = world.visit("alice-closed").get(f"{target.path}?{target.query}").headers["set-cookie"]
    assert set_cookie.startswith("__Host-tulou-visit=")
    assert {"HttpOnly", "Secure", "SameSite=None", "Partitioned", "Path=/"} <= set(set_cookie.split("; "))
    assert "Domain" not in set_cookie


def test_scripts_of_other_applications_cannot_use_a_visitors_pass(world: World):
    there = into(world, browser(world.hub, "alice"), "alice/closed")
    foreign = {"origin": f"http://{world.host('bob-evil')}", "sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}
    assert there.get("/x", headers=foreign).status_code == 404
    assert there.post("/x", headers=foreign, content=b"x").status_code == 404
    assert there.post("/x", headers={"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate"}).status_code == 404
    old_browser = {"origin": foreign["origin"]}
    del there.headers["sec-fetch-mode"]
    assert there.post("/x", headers=old_browser).status_code == 404
    assert there.post("/x", headers={"origin": f"http://{world.host('alice-closed')}"}).status_code == 200


@pytest.mark.parametrize(("origin", "status"), [("http://{own}", 101), (None, 404), ("http://evil.example", 404), ("null", 404)])
def test_a_websocket_with_a_pass_comes_from_the_applications_own_page(world: World, origin: str | None, status: int):
    there = into(world, browser(world.hub, "alice"), "alice/closed")
    assert refused(world, "alice-closed", {"Cookie": there.headers["cookie"]}, origin) == status


@pytest.mark.parametrize(("origin", "status"), [("http://{own}", 101), (None, 101), ("http://evil.example", 403), ("null", 403)])
def test_no_page_of_another_site_opens_a_websocket_to_an_application(world: World, origin: str | None, status: int):
    assert refused(world, "alice-open", None, origin) == status


def test_a_pass_ends_with_the_right_behind_it(world: World):
    from tulou.features.orgs.create import remove_member, set_member
    from tulou.kernel.actor import SYSTEM, Role

    world.hub.org("guild")
    set_member(world.hub.m, SYSTEM, "guild", "bob", Role.READ)
    world.space("guild/inner", private=True)
    there = into(world, browser(world.hub, "bob"), "guild/inner")
    assert there.get("/").status_code == 200
    remove_member(world.hub.m, SYSTEM, "guild", "bob")
    assert there.get("/").status_code == 404


def test_forged_stale_and_foreign_tickets_open_nothing(world: World):
    way_in = onward_of(browser(world.hub, "alice").get("/spaces/alice/closed/enter"))
    real = parse_qs(urlsplit(way_in).query)["ticket"][0]
    for slug, ticket in [("alice-closed", real[:-2] + "xx"), ("alice-closed", ""), ("alice-closed", "a.b"), ("alice-open", real)]:
        answer = world.visit(slug).get("/_tulou/enter", params={"ticket": ticket, "next": "/x"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/x")
        assert "set-cookie" not in answer.headers


def test_the_hubs_way_in_is_for_those_who_may_read_the_space(world: World):
    outsider, owner, nobody = browser(world.hub, "bob"), browser(world.hub, "alice"), browser(world.hub)
    for closed in ("/spaces/alice/closed/enter", "/login/app/alice-closed"):
        missing = closed.replace("closed", "hidden")
        one, other = outsider.get(closed), outsider.get(missing)
        assert (one.status_code, one.text.replace("closed", "hidden")) == (other.status_code, other.text)
        assert one.status_code == 404
        before, after = nobody.get(closed), nobody.get(missing)
        assert before.status_code == after.status_code
        assert before.text.replace("closed", "hidden") == after.text
    let_in = onward_of(owner.get("/login/app/alice-closed?next=/y"))
    assert let_in.startswith(f"http://{world.host('alice-closed')}/_tulou/enter?")
    public = onward_of(nobody.get("/spaces/alice/open/enter?next=/y"))
    assert public == f"http://{world.host('alice-open')}/y"


ELSEWHERE = ["https://evil.example", "//evil.example", "/\\evil.example", "\\evil", "/_tulou/enter?x", "x", "/" + "y" * 3000]


@pytest.mark.parametrize("onward", ELSEWHERE)
def test_entering_leads_nowhere_but_to_the_application(world: World, onward: str):
    for path in ("/spaces/alice/open/enter", "/login/app/alice-open"):
        answer = browser(world.hub, "alice").get(path, params={"next": onward})
        assert onward_of(answer) == f"http://{world.host('alice-open')}/"
    answer = world.visit("alice-closed").get("/_tulou/enter", params={"ticket": "x", "next": onward})
    assert answer.headers["location"] == "/"


def test_a_private_space_and_one_that_asks_for_it_are_framed_by_the_hub_alone(world: World):
    private = world.visit("alice-closed", authorization=f"Bearer {world.alice}").get("/x")
    assert f"frame-ancestors 'self' {world.hub.url}" in private.headers["content-security-policy"]
    world.space("alice/unframed", framed=False)
    assert "frame-ancestors" in world.visit("alice-unframed").get("/x").headers["content-security-policy"]
    assert "content-security-policy" not in world.visit("alice-open").get("/x").headers


def test_cookies_of_the_application_stay_its_own(world: World):
    assert world.visit("alice-open").get("/cookies").headers.get_list("set-cookie") == [
        "a=1; Path=/", "b=2; HttpOnly", "c=3; SameSite=None; Secure",
    ]  # fmt: skip


@pytest.mark.parametrize(("stage", "want_", "code"), [
    (Stage.PAUSED, "pause", "app_paused"), (Stage.BUILD_ERROR, "run", "app_failed"), (Stage.RUNTIME_ERROR, "run", "app_failed"),
    (Stage.CONFIG_ERROR, "run", "app_failed"), (Stage.BUILDING, "run", "app_building"),
])  # fmt: skip
def test_a_space_that_does_not_run_says_so_and_where_to_learn_more(world: World, stage: Stage, want_: str, code: str):
    full = f"alice/is-{stage.lower().replace('_', '-')}"
    world.hub.repo(full, "space", sdk="docker")
    world.hub.settle()
    world.put(full, stage=stage, want=want_, message="a secret of the log")
    slug = full.replace("/", "-")
    program = world.visit(slug).get("/x")
    assert (program.status_code, program.json()["code"]) == (503, code)
    page = world.visit(slug, **PAGE, **{"accept-language": "zh"}).get("/x")
    assert page.status_code == 503
    assert f'href="{world.hub.url}/spaces/{full}"' in page.text
    assert "secret" not in page.text
    assert ("Retry-After" in page.headers) == ("Refresh" in page.headers) == (stage is Stage.BUILDING)
    assert 'lang="zh-Hans"' in page.text


def test_a_frozen_space_answers_the_visit_that_thaws_it(world: World):
    m, repo_id = world.hub.m, world.space("alice/frozen")
    space = read.by_id(m, repo_id)
    assert space is not None
    assert space.run_id is not None
    with m.db.write() as tx:
        want.pause(tx, m, space.run_id)
    until(lambda: runs.get(m, space.run_id).phase == "paused")
    machine_id = runs.get(m, space.run_id).machine_id
    assert world.machine.runs[machine_id].phase == "paused"
    assert world.visit("alice-frozen").get("/x").status_code == 200
    assert world.machine.runs[machine_id].phase == "running"
    assert (machine_id, "resume") in world.machine.signals


def test_an_open_connection_counts_as_a_visit(world: World):
    repo_id = world.repo_id("alice/open")
    with ws(world, "alice-open"):
        assert world.hub.m.visits.open[repo_id] >= 1
    until(lambda: repo_id not in world.hub.m.visits.open)
    before = world.hub.m.visits.last.pop(repo_id, None)
    assert before is not None
    world.visit("alice-open").get("/x")
    until(lambda: repo_id in world.hub.m.visits.last)


def test_a_crashed_application_is_a_page_and_never_the_hubs_own_error(world: World):
    world.space("alice/gone")
    before, world.machine.port = world.machine.port, 1
    try:
        program = world.visit("alice-gone").get("/x")
        assert (program.status_code, program.json()["code"]) == (502, "app_gone")
        page = world.visit("alice-gone", **PAGE).get("/x")
        assert page.status_code == 502
        assert page.headers["content-type"].startswith("text/html")
        assert refused(world, "alice-gone") == 502
    finally:
        world.machine.port = before
    assert world.visit("alice-gone").get("/x").status_code == 200


def test_a_static_space_is_served_from_its_commit(world: World):
    owner = world.hub.http(world.alice)
    assert owner.post("/api/repos/create", json={"type": "space", "name": "site", "sdk": "static"}).status_code == 200
    files = {
        "README.md": "---\nsdk: static\n---\n", "index.html": "<h1>hello</h1>", "a/index.html": "<p>a", "a/x.js": "export {}",
        "data.bin": b"0123456789",
    }  # fmt: skip
    commit(owner, "alice/site", files, kind="spaces")
    world.hub.settle()
    there = world.visit("alice-site")
    first = there.get("/")
    assert (first.text, first.headers["content-type"]) == ("<h1>hello</h1>", "text/html; charset=utf-8")
    assert "sandbox" not in first.headers["content-security-policy"]
    assert there.get("/", headers={"if-none-match": first.headers["etag"]}).status_code == 304
    assert there.get("/a?q=1").headers["location"] == "/a/?q=1"
    assert there.get("/a/").text == "<p>a"
    assert there.get("/a/x.js").headers["content-type"] == "text/javascript; charset=utf-8"
    part = there.get("/data.bin", headers={"range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    for bad in ("/nothing", "/a/../README.md/", "/%00", "/%ff", "/..%2f..%2fetc/passwd", "/.git/config"):
        assert there.get(bad).status_code == 404, bad
    assert there.post("/").status_code == 405
    assert refused(world, "alice-site") == 404


ODD_HOSTS = ["alice-open.localhost:x", "alice-open.localhost:99999999", "alice-open.localhost@evil", "é-x.localhost"]


@pytest.mark.parametrize("host", ODD_HOSTS)
def test_a_host_that_is_none_is_no_application(world: World, host: str):
    answer = world.visit("x").get("/x", headers={"host": host.format(p=world.port).encode("latin-1")})
    assert answer.status_code in {400, 404}, answer.text


def test_two_hosts_in_one_request_are_refused(world: World):
    with socket.create_connection(("127.0.0.1", world.port), timeout=5) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: alice-open.localhost\r\nhost: alice-closed.localhost\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 400")


@pytest.fixture
def below(tmp_path: Path) -> Iterator[World]:
    """A hub that has no host names for applications: they live below its own address."""
    with serving(App(), lifespan="off") as port, furnished(tmp_path / "data", port, apps_url="path") as made:
        yield made


def test_in_path_mode_an_application_is_shut_into_a_sandbox_and_gets_no_cookie_at_all(below: World):
    owner = browser(below.hub, "alice")
    seen = owner.get("/spaces/alice/open/app/x%2Fy?z=1", headers={"cookie": "mine=1"})
    told = heads(seen)
    assert seen.json()["raw"] == "/x%2Fy?z=1"
    assert (told["x-forwarded-prefix"], told["host"]) == ("/spaces/alice/open/app", f"127.0.0.1:{below.port}")
    assert "cookie" not in told
    for path in ("/x", "/cookies", "/heads", "/go?/next"):
        answer = owner.get(f"/spaces/alice/open/app{path}")
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("sandbox allow-scripts")
        assert "allow-same-origin" not in policy
        assert answer.headers["access-control-allow-origin"] == "*"
        assert not {"set-cookie", "clear-site-data"} & answer.headers.keys()
    assert owner.get("/spaces/alice/open/app/go?/next").headers["location"] == "/spaces/alice/open/app/next"
    assert owner.get("/spaces/alice/open/app?q=1").headers["location"] == "/spaces/alice/open/app/?q=1"
    asked = {"origin": "null", "access-control-request-method": "POST"}
    assert owner.options("/spaces/alice/open/app/x", headers=asked).headers["access-control-allow-headers"] == "*"
    uri = f"ws://127.0.0.1:{below.port}/spaces/alice/open/app/ws"
    with connect(uri, origin=Origin("null"), proxy=None) as line:
        line.send("hi")
        assert line.recv() == "hi"
    with pytest.raises(InvalidStatus) as problem, connect(uri, origin=Origin("http://evil.example"), proxy=None):
        pass
    assert problem.value.response.status_code == 403


def test_in_path_mode_a_private_application_is_for_tokens_and_a_session_opens_nothing(below: World):
    with_token, owner, outsider = below.hub.http(below.alice), browser(below.hub, "alice"), below.hub.http(below.bob)
    assert with_token.get("/spaces/alice/closed/app/x").status_code == 200
    for client in (owner, outsider, below.hub.http()):
        closed, missing = client.get("/spaces/alice/closed/app/x"), client.get("/spaces/alice/hidden/app/x")
        assert closed.status_code == missing.status_code == 404
        assert closed.text == missing.text
    assert outsider.get("/spaces/alice/a..b/app/").status_code == 404
    # No host names an application here: the hub answers for all.
    assert below.hub.http().get("/api/spaces/alice/open", headers={"host": "alice-open.localhost"}).json()["id"] == "alice/open"


def test_whoever_visits_a_sleeping_space_waits_and_a_person_is_shown_that_they_do(world: World):
    m, repo_id, port = world.hub.m, world.space("alice/sleepy"), world.machine.port
    with m.db.write() as tx:
        taken = queries.take(tx, repo_id)
        assert taken is not None
        change.rest(tx, m, taken, "sleep")
    until(lambda: runs.get(m, taken.run_id).is_over)
    world.machine.port = 0  # the application starts, and does not answer yet
    try:
        with ThreadPoolExecutor() as pool:
            programs = [pool.submit(world.visit("alice-sleepy").get, "/x") for _ in range(5)]
            page = world.visit("alice-sleepy", **PAGE).get("/x?y")
            assert (page.status_code, page.headers["retry-after"]) == (503, "2")
            assert page.headers["refresh"] == "2"
            assert "Waking up" in page.text
            assert not any(program.done() for program in programs)
            world.machine.port = port
            until(lambda: (world.hub.settle(), all(program.done() for program in programs))[1])
            assert [program.result().status_code for program in programs] == [200] * 5
    finally:
        world.machine.port = port
    woken = read.by_id(m, repo_id)
    assert woken is not None
    assert woken.run_id != taken.run_id
    mine = [spec for spec in world.machine.specs.values() if spec.env.get("SPACE_ID") == "alice/sleepy"]
    assert len(mine) == 1  # six visitors woke it once


def test_an_open_connection_is_cut_when_the_right_behind_it_is_gone(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tulou.delivery.apps.through.RECHECK_SECONDS", 0.1)
    world.space("alice/closing")
    outsider = world.visit("alice-closing")
    with ws(world, "alice-closing") as line, outsider.stream("GET", "/events") as events:
        lines = events.iter_lines()
        assert next(lines) == "data: 0"
        line.send("hi")
        assert line.recv() == "hi"
        owner = world.hub.http(world.alice)
        assert owner.put("/api/spaces/alice/closing/settings", json={"private": True}).status_code == 200
        with pytest.raises(ConnectionClosed) as closed:
            line.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)
    assert outsider.get("/x").status_code == 404
