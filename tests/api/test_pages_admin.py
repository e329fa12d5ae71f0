"""The administration: invisible to everybody else, fresh sign-ins only, and every figure right."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from tests.conftest import RunningHub, run_hub, settings_for
from tests.people import PASSWORD, browser, give_password, sign_in
from tulou.db.tables import audit, task
from tulou.features.accounts import lookup
from tulou.features.audit import read
from tulou.features.content import collect, lifecycle
from tulou.features.quota import use
from tulou.kernel.actor import SYSTEM
from tulou.kernel.clock import FixedClock
from tulou.kernel.limits import GIB
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.platform.jobs import queue

PATHS = (
    "/admin", "/admin/users", "/admin/organizations", "/admin/accounts/alice", "/admin/accounts/acme", "/admin/repositories",
    "/admin/storage", "/admin/storage?preview=1", "/admin/tasks", "/admin/tasks?state=done", "/admin/audit",
    "/admin/audit?verify=all", "/admin/enforced",
)  # fmt: skip


def furnish(hub: RunningHub) -> None:
    """Make an administrator, a user, an organization and a private repository."""
    hub.user("root", admin=True)
    hub.user("alice")
    hub.org("acme", alice="admin")
    hub.repo("acme/m", private=True)


def test_every_page_is_there_for_administrators_in_both_languages(hub: RunningHub):
    furnish(hub)
    hub.settle()
    client = browser(hub, "root")
    for path in PATHS:
        for language, lang in (("en", "en"), ("zh", "zh-Hans")):
            page = client.get(path, headers={"accept-language": language})
            assert page.status_code == 200, path
            assert f'<html lang="{lang}"' in page.text
            assert page.text.count("<h1") == 1, path


def test_for_everybody_else_the_administration_does_not_exist(hub: RunningHub):
    furnish(hub)
    for client in (browser(hub, "alice"), browser(hub)):
        nowhere = client.get("/nothing/like/this/at/all")
        for path in PATHS:
            answer = client.get(path)
            assert answer.status_code == 404
            if "?" not in path:
                assert answer.text.replace(path, "X") == nowhere.text.replace("/nothing/like/this/at/all", "X"), path
        for path in ("/admin/users", "/admin/accounts/alice/promote", "/admin/storage/collect", "/admin/tasks/1/drop"):
            assert client.post(path).status_code == 404
    assert not lookup.user(hub.m, "alice").is_admin


def test_a_token_of_an_administrator_opens_no_page(hub: RunningHub):
    token = hub.user("root", admin=True)
    assert hub.http(token).get("/admin", headers={"accept": "text/html"}).status_code == 404


def test_after_half_a_day_the_administration_asks_for_the_password_again(tmp_path, database_url: str):
    clock = FixedClock()
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url), clock):
        furnish(hub)
        give_password(hub, "root")
        client = browser(hub, "root")
        clock.advance(seconds=12 * 3600)
        asked = client.get("/admin/users")
        assert (asked.status_code, asked.headers["location"]) == (303, "/login?again=1&next=%2Fadmin%2Fusers")
        assert client.post("/admin/accounts/alice/promote").headers["location"].startswith("/login?again=1")
        assert not lookup.user(hub.m, "alice").is_admin
        form = client.get(asked.headers["location"]).text
        assert 'value="root"' in form
        assert sign_in(client, "root", next="/admin/users").headers["location"] == "/admin/users"
        assert client.get("/admin/users").status_code == 200


def test_a_user_is_made_closed_opened_and_promoted(hub: RunningHub):
    furnish(hub)
    client = browser(hub, "root")
    made = client.post("/admin/users", data={"name": "newbie", "fullname": "New"})
    link = re.search(r"/one-time/l_[A-Za-z0-9]{34}", made.text)
    assert link is not None
    newbie = browser(hub)
    assert newbie.post(link[0]).status_code == 303
    assert client.post("/admin/users", data={"name": "newbie"}).status_code == 409
    assert client.post("/admin/accounts/newbie/disable").status_code == 303
    assert newbie.get("/settings/profile").status_code == 401
    assert client.post("/admin/accounts/newbie/enable").status_code == 303
    assert newbie.get("/settings/profile").status_code == 401  # the session was ended, not paused
    assert client.post("/admin/accounts/newbie/promote").status_code == 303
    assert lookup.user(hub.m, "newbie").is_admin
    assert client.post("/admin/accounts/newbie/demote").status_code == 303
    assert not lookup.user(hub.m, "newbie").is_admin
    actions = [line.action for line in read.lines(hub.m, read.Wanted(subject_id=lookup.user(hub.m, "newbie").id))]
    assert actions[:5] == ["user.changed", "user.changed", "user.enabled", "session.closed", "user.disabled"]


def test_nobody_locks_themselves_out(hub: RunningHub):
    furnish(hub)
    client = browser(hub, "root")
    for path in ("demote", "disable"):
        assert client.post(f"/admin/accounts/root/{path}").status_code == 409
    assert client.get("/admin").status_code == 200
    assert client.post("/admin/accounts/nobody/disable").status_code == 404


def test_an_invitation_to_the_hub_is_shown_once_and_withdrawn(hub: RunningHub):
    furnish(hub)
    client = browser(hub, "root")
    link = re.search(r"/join/i_[A-Za-z0-9]{34}", client.post("/admin/users/invitations").text)
    assert link is not None
    assert browser(hub).get(link[0]).status_code == 200
    listed = client.get("/admin/users").text
    assert link[0] not in listed
    invitation = re.search(r"/admin/users/invitations/([0-9a-f]+)/withdraw", listed)
    assert invitation is not None
    assert client.post(invitation[0]).status_code == 303
    assert browser(hub).post(link[0], data={"name": "eve", "password": PASSWORD}).status_code == 404


def test_an_account_gets_a_limit_of_its_own(hub: RunningHub):
    furnish(hub)
    client = browser(hub, "root")
    acme = lookup.org(hub.m, "acme").id
    assert client.post("/admin/accounts/acme/limit", data={"gigabytes": "2"}).status_code == 303
    assert use.of(hub.m, acme).limit == 2 * GIB
    assert client.post("/admin/accounts/acme/limit", data={"gigabytes": "-1"}).status_code == 400
    assert client.post("/admin/accounts/acme/limit", data={"gigabytes": ""}).status_code == 303
    assert use.of(hub.m, acme).limit is None


def test_repositories_are_found_and_the_deleted_restored(hub: RunningHub):
    furnish(hub)
    hub.repo("alice/other", "dataset")
    client = browser(hub, "root")
    assert "acme/m" in client.get("/admin/repositories?q=CME/M").text
    assert "alice/other" not in client.get("/admin/repositories?q=acme").text
    assert "acme/m" not in client.get("/admin/repositories?kind=dataset").text
    lifecycle.delete(hub.m, SYSTEM, parse_repo_id(RepoKind.MODEL, "acme/m"))
    page = client.get("/admin/repositories").text
    restore = re.search(r"/admin/repositories/[0-9a-f]{24}/restore", page)
    assert restore is not None
    hub.repo("acme/m")
    assert client.post(restore[0]).status_code == 409
    assert client.post(restore[0], data={"name": "m-again"}).status_code == 303
    assert "acme/m-again" in client.get("/admin/repositories").text


def test_a_preview_of_the_collection_says_what_it_then_does_and_changes_nothing(tmp_path, database_url: str):
    clock = FixedClock(4_000_000_000_000)  # files are written now, which is long ago by this clock
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url), clock):
        hub.user("alice")
        hub.repo("alice/m")
        before = collect.preview(hub.m)
        assert (before.now, before.later) == (0, 0)
        lifecycle.delete(hub.m, SYSTEM, parse_repo_id(RepoKind.MODEL, "alice/m"))
        clock.advance(seconds=8 * 86_400)
        first = collect.preview(hub.m)
        assert first.now == 0
        assert first.later > 0
        assert first.later_bytes > 0
        assert collect.preview(hub.m) == first  # looking changes nothing
        assert collect.run(hub.m).condemned == first.later
        clock.advance(seconds=2 * 86_400)
        second = collect.preview(hub.m)
        assert (second.now, second.now_bytes, second.later) == (first.later, first.later_bytes, 0)
        assert collect.run(hub.m).freed_bytes == second.now_bytes


def test_failed_tasks_run_again_or_are_dropped(hub: RunningHub):
    furnish(hub)
    hub.settle()
    now = hub.m.clock.now()
    with hub.m.db.write() as tx:
        for kind in ("cards.count-facets", "no.such.kind"):
            queue.put(tx, hub.m.clock, kind, {})
        tx.execute(sa.update(task).where(task.c.state == "queued").values(state="failed", error="<b>broken</b>", finished_at=now))
        ids = {row.kind: row.id for row in tx.execute(sa.select(task).where(task.c.state == "failed"))}
    client = browser(hub, "root")
    page = client.get("/admin/tasks").text
    assert "&lt;b&gt;broken&lt;/b&gt;" in page
    assert "Background tasks have failed for good." in client.get("/admin").text
    assert client.post(f"/admin/tasks/{ids['cards.count-facets']}/retry").status_code == 303
    assert client.post(f"/admin/tasks/{ids['no.such.kind']}/drop").status_code == 303
    hub.settle()
    assert "No task has failed." in client.get("/admin/tasks").text
    for path in ("/admin/tasks/999999/retry", "/admin/tasks/999999/drop", "/admin/tasks/x/drop"):
        assert client.post(path).status_code == 404


def test_the_collection_can_be_asked_for(hub: RunningHub):
    furnish(hub)
    hub.settle()
    client = browser(hub, "root")
    assert client.post("/admin/storage/collect").status_code == 303
    hub.settle()
    assert "content.collect" in client.get("/admin/tasks?state=done").text


def test_the_audit_log_is_filtered_and_paged(hub: RunningHub):
    furnish(hub)
    for number in range(60):
        hub.repo(f"alice/m{number}")
    client = browser(hub, "root")
    first = client.get("/admin/audit?action=repo.").text
    assert first.count("<tr>") == 51
    older = re.search(r'href="(/admin/audit\?action=repo[^"]*before=\d+)"', first)
    assert older is not None
    assert client.get(older[1].replace("&amp;", "&")).text.count("<tr>") == 12
    assert client.get("/admin/audit?subject=alice/m7").text.count("<tr>") == 2
    assert "user.created" in client.get("/admin/audit?subject=alice").text
    assert "signin.link" in client.get("/admin/audit?action=signin").text
    for query in ("actor=nobody", "subject=alice/none", "before=0", "action=%25"):
        page = client.get(f"/admin/audit?{query}")
        assert page.status_code == 200
        assert "No line is like that." in page.text, query


@pytest.mark.parametrize("query", ["", "?verify=all"])
def test_a_line_that_was_changed_breaks_the_chain(hub: RunningHub, query: str):
    furnish(hub)
    client = browser(hub, "root")
    assert "is unbroken" in client.get(f"/admin/audit{query}").text
    with hub.m.db.write() as tx:
        third = tx.execute(sa.select(audit.c.id).order_by(audit.c.id).offset(2).limit(1)).scalar_one()
        tx.execute(sa.update(audit).where(audit.c.id == third).values(actor_name="somebody else"))
    assert f"Line {third} does not match the chain" in client.get(f"/admin/audit{query}").text
    assert read.verify(hub.m).broken == third
    assert read.verify(hub.m, last=2).broken is None


def test_what_is_not_enforced_is_said(hub: RunningHub):
    furnish(hub)
    page = browser(hub, "root").get("/admin/enforced").text
    assert "There is no limit." in page
    assert "Each Space and job has a sandbox" in page


@pytest.mark.parametrize("text", ["%00", "%F0%9F%8F%9B", "x" * 5000, "%27%22%3C%25_", "-1", "99999999999999999999"])
def test_no_query_breaks_a_page(hub: RunningHub, text: str):
    furnish(hub)
    client = browser(hub, "root")
    for path, names in (
        ("/admin/users", "q after"), ("/admin/organizations", "q after"), ("/admin/repositories", "q kind sort page"),
        ("/admin/tasks", "state"), ("/admin/audit", "action actor subject before verify"), ("/new", "kind owner name"),
        ("/alice", "kind sort"), ("/admin", "done"), ("/login", "next again"), ("/settings/sessions", "done"),
    ):  # fmt: skip
        for name in names.split():
            assert client.get(f"{path}?{name}={text}").status_code == 200, (path, name)
    for path in (
        "/settings/sessions/{}/close", "/settings/tokens/{}/revoke", "/settings/deleted/{}/restore",
        "/admin/repositories/{}/restore", "/admin/users/invitations/{}/withdraw", "/admin/accounts/{}/disable",
        "/organizations/acme/settings/invitations/{}/withdraw", "/admin/tasks/{}/drop", "/organizations/{}/settings",
        "/settings/organizations/{}/leave", "/join/{}", "/one-time/{}",
    ):  # fmt: skip
        assert client.post(path.format(text)).status_code == 404, path
    for path, name in (
        ("/login", "name"), ("/login", "password"), ("/login/code", "code"), ("/login/code", "proof"), ("/new", "name"),
        ("/settings/password", "old"), ("/settings/two-factor/enable", "code"), ("/settings/tokens", "scopes"),
        ("/admin/users", "name"), ("/organizations/new", "name"), ("/organizations/acme/settings/members", "name"),
    ):  # fmt: skip
        answer = client.post(path, content=f"{name}={text}", headers={"content-type": "application/x-www-form-urlencoded"})
        assert answer.status_code < 500, (path, name)
