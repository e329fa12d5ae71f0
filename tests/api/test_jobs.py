"""Jobs and schedules by the API, on a machine that runs nothing: who may, what is refused, what clients are told."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from tests.api.test_query_counts import counting
from tests.commits import commit
from tests.conftest import RunningHub, run_hub, settings_for
from tests.fake_compute import FakeCompute
from tulou.db.tables import job, run, scheduled_job, token
from tulou.features.accounts import lookup, tokens
from tulou.features.accounts.create import set_disabled
from tulou.features.jobs import bucket_volumes, fire
from tulou.features.jobs import save as save_module
from tulou.features.orgs.create import remove_member
from tulou.kernel.actor import SYSTEM, TokenRole
from tulou.kernel.clock import FixedClock
from tulou.kernel.limits import JOBS_AT_ONCE
from tulou.platform.compute.base import Observed, RunSpec, Usage

PLAIN = {"dockerImage": "python:3", "command": ["python", "-c", "pass"], "arguments": [], "environment": {}}
NOBODY = "0" * 24


class Site:
    """A hub whose machine is a fake, with time that stands still."""

    def __init__(self, hub: RunningHub, machine: FakeCompute, clock: FixedClock) -> None:
        self.hub, self.m, self.machine, self.clock = hub, hub.m, machine, clock

    def follow(self, rounds: int = 4) -> None:
        """Let the machine follow the rows."""
        loop = self.hub.hub.reconciler
        for _ in range(rounds):
            loop.step()
            while loop._held:
                loop._wake.wait(0.005)

    def row(self, job_id: str) -> sa.Row:
        with self.m.db.read() as connection:
            return connection.execute(sa.select(run).join(job, job.c.run_id == run.c.id).where(job.c.id == job_id)).one()

    def spec(self, job_id: str) -> RunSpec:
        """Return what the machine was given."""
        return self.machine.specs[self.machine_id(job_id)]

    def machine_id(self, job_id: str) -> str:
        row = self.row(job_id)
        return f"{row.id}-{row.attempt}"

    def end(self, job_id: str, phase: str, **more: object) -> None:
        """Say how the program of a job ended."""
        name = self.machine_id(job_id)
        self.machine.runs[name] = Observed(name, phase, **more)
        self.follow()


@pytest.fixture
def site(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    machine, clock = FakeCompute(), FixedClock()
    monkeypatch.setattr("tulou.app.open_compute", lambda *_, **__: machine)
    made = {"base": lambda *_: tmp_path, "wheels": lambda *_: tmp_path}
    monkeypatch.setattr("tulou.app.RESOLVERS", {**bucket_volumes.RESOLVERS, **made})
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url), clock):
        yield Site(hub, machine, clock)


@pytest.fixture
def alice(site: Site) -> httpx.Client:
    return site.hub.http(site.hub.user("alice"))


def start(client: httpx.Client, owner: str = "alice", **more: object) -> dict:
    return client.post(f"/api/jobs/{owner}", json={**PLAIN, **more}).raise_for_status().json()


def stage(client: httpx.Client, job_id: str, owner: str = "alice") -> str:
    return client.get(f"/api/jobs/{owner}/{job_id}").raise_for_status().json()["status"]["stage"]


# --- one job ----------------------------------------------------------------------------------------------------------


def test_a_job_waits_runs_and_completes_and_the_client_is_told_each_time(site, alice):
    made = start(alice, labels={"name": "first"}, environment={"A": "b"}, timeoutSeconds=60, attempts=2)
    assert made["status"]["stage"] == "SCHEDULING"
    assert made["status"]["message"].startswith("Waiting for room")
    assert (made["owner"]["name"], made["owner"]["type"], made["initiator"]["name"]) == ("alice", "user", "alice")
    assert (made["dockerImage"], made["command"], made["retry"]) == ("python:3", PLAIN["command"], 1)
    assert (made["flavor"], made["labels"]) == ("cpu-basic", {"name": "first"})
    assert made["createdAt"].endswith("Z")
    site.follow()
    assert stage(alice, made["id"]) == "RUNNING"
    spec = site.spec(made["id"])
    assert spec.argv == ("python", "-c", "pass")
    assert (spec.timeout_s, spec.network, spec.program) == (60.0, "egress", "theirs")
    wanted = {"A": "b", "JOB_ID": made["id"], "HF_ENDPOINT": site.hub.url, "ACCELERATOR": "none"}
    assert wanted.items() <= spec.env.items()
    site.clock.advance(seconds=5)
    site.end(made["id"], "succeeded", exit_code=0, usage=Usage(1, 2, 3.0))
    done = alice.get(f"/api/jobs/alice/{made['id']}").json()
    assert done["status"] == {"stage": "COMPLETED", "message": None, "exposeUrls": None, "sshUrl": None}
    assert done["durations"] == {"schedulingSecs": 0, "runningSecs": 5, "totalSecs": 5}
    assert done["finishedAt"] is not None


def test_every_bad_end_is_told_apart(site, alice):
    for phase, code, ends, says in (
        ("failed", 3, "ERROR", "exit code 3"), ("oom", 137, "ERROR", "out of memory"), ("timeout", None, "ERROR", "timeout"),
        ("stopped", None, "CANCELED", ""),
    ):  # fmt: skip
        made = start(alice)
        site.follow()
        site.end(made["id"], phase, exit_code=code)
        status = alice.get(f"/api/jobs/alice/{made['id']}").json()["status"]
        assert (status["stage"], says in (status["message"] or "")) == (ends, True)


def test_a_job_that_fails_is_tried_as_often_as_asked(site, alice):
    made = start(alice, attempts=2)
    site.follow()
    site.end(made["id"], "failed", exit_code=1)
    assert stage(alice, made["id"]) == "RUNNING"
    site.end(made["id"], "failed", exit_code=1)
    status = alice.get(f"/api/jobs/alice/{made['id']}").json()["status"]
    assert (status["stage"], status["message"]) == ("ERROR", "Job failed with exit code 1 (attempt 2 of 2)")


def test_a_job_whose_machine_is_lost_starts_again_and_not_for_ever(site, alice):
    made = start(alice)
    site.follow()
    for attempt in (1, 2):
        assert site.machine_id(made["id"]).endswith(f"-{attempt}")
        site.end(made["id"], "lost")
        assert stage(alice, made["id"]) == "RUNNING"
    site.end(made["id"], "lost")
    status = alice.get(f"/api/jobs/alice/{made['id']}").json()["status"]
    assert (status["stage"], status["message"]) == ("ERROR", "The machine was lost (attempt 3 of 3)")
    failed = start(alice)
    site.follow()
    site.end(failed["id"], "lost")
    site.end(failed["id"], "failed", exit_code=2)
    assert stage(alice, failed["id"]) == "ERROR", "its own fault is no more forgiven than before"


def test_a_job_is_cancelled_before_it_starts_while_it_runs_and_harmlessly_after(site, alice):
    waiting = start(alice)
    assert alice.post(f"/api/jobs/alice/{waiting['id']}/cancel").status_code == 200
    site.follow()
    assert stage(alice, waiting["id"]) == "CANCELED"
    running = start(alice)
    site.follow()
    alice.post(f"/api/jobs/alice/{running['id']}/cancel").raise_for_status()
    site.follow()
    assert stage(alice, running["id"]) == "CANCELED"
    alice.post(f"/api/jobs/alice/{running['id']}/cancel").raise_for_status()
    assert stage(alice, running["id"]) == "CANCELED"


def test_of_secrets_only_the_names_come_back_and_the_database_has_no_value(site, alice):
    made = start(alice, secrets={"KEY": "the-value-of-it"})
    assert made["secrets"] == {"KEY": None}
    assert "the-value-of-it" not in alice.get("/api/jobs/alice").text
    site.follow()
    assert site.spec(made["id"]).secrets["KEY"] == "the-value-of-it"
    assert "the-value-of-it" not in json.dumps(dict(site.spec(made["id"]).env))
    with site.m.db.read() as connection:
        for table in (job, run, token):
            assert "the-value-of-it" not in str(connection.execute(sa.select(table)).all())
    again = alice.post(f"/api/jobs/alice/{made['id']}/duplicate").raise_for_status().json()
    site.follow()
    assert site.spec(again["id"]).secrets["KEY"] == "the-value-of-it"
    assert again["initiator"] == {"type": "duplicated-job", "id": made["id"]}
    site.end(made["id"], "succeeded", exit_code=0)
    assert site.row(made["id"]).sealed is None


def test_jobs_are_listed_newest_first_by_stage_and_label_and_page(site, alice, monkeypatch):
    monkeypatch.setattr("tulou.delivery.hf.jobs.JOBS_PAGE", 2)
    monkeypatch.setattr("tulou.features.jobs.read._CHUNK", 2)
    ids = [start(alice, labels={"n": str(number % 2)})["id"] for number in range(5)]
    alice.post(f"/api/jobs/alice/{ids[0]}/cancel").raise_for_status()
    site.follow()
    assert pages(alice, "/api/jobs/alice") == sorted(ids, reverse=True)
    assert pages(alice, "/api/jobs/alice?label=n=0") == sorted(ids[::2], reverse=True)
    assert pages(alice, "/api/jobs/alice?stage=CANCELED") == ids[:1]
    assert pages(alice, "/api/jobs/alice?stage=RUNNING&stage=SCHEDULING") == sorted(ids[1:], reverse=True)
    assert pages(alice, "/api/jobs/alice?stage=RUNNING&label=n=0&label=x=1") == []


def test_a_list_of_jobs_costs_the_same_however_long_it_is(site, alice):
    def cost() -> int:
        with counting(site.hub) as counter:
            alice.get("/api/jobs/alice").raise_for_status()
            alice.get("/api/scheduled-jobs/alice").raise_for_status()
        return len(counter.statements)

    start(alice)
    schedule(alice)
    before = cost()
    for _ in range(4):
        start(alice)
        schedule(alice)
    assert cost() == before


def pages(client: httpx.Client, url: str | None) -> list[str]:
    found: list[str] = []
    while url is not None:
        answer = client.get(url).raise_for_status()
        found += [item["id"] for item in answer.json()]
        url = answer.links.get("next", {}).get("url")
    return found


def test_labels_are_replaced(alice):
    made = start(alice, labels={"a": "1"})
    changed = alice.put(f"/api/jobs/alice/{made['id']}/labels", json={"labels": {"b": "2"}}).raise_for_status().json()
    assert changed["labels"] == {"b": "2"} == alice.get(f"/api/jobs/alice/{made['id']}").json()["labels"]
    assert alice.put(f"/api/jobs/alice/{made['id']}/labels", json={"labels": {"b b": "2"}}).status_code == 400


def test_an_account_runs_so_many_jobs_at_once_and_the_others_of_its_jobs_wait(site, alice):
    bob = site.hub.http(site.hub.user("bob"))
    site.machine.memory_mb = 1 << 20
    mine = [start(alice)["id"] for _ in range(JOBS_AT_ONCE + 2)]
    theirs = start(bob, "bob")["id"]
    site.follow()
    stages = {each: stage(alice, each) for each in mine}
    assert sorted(stages.values()) == ["RUNNING"] * JOBS_AT_ONCE + ["SCHEDULING"] * 2
    assert stage(bob, theirs, "bob") == "RUNNING"
    site.end(next(each for each, now in stages.items() if now == "RUNNING"), "succeeded", exit_code=0)
    assert sorted(stage(alice, each) for each in mine) == ["COMPLETED"] + ["RUNNING"] * JOBS_AT_ONCE + ["SCHEDULING"]


def test_an_account_may_have_so_many_jobs_waiting(site, alice, monkeypatch):
    monkeypatch.setattr("tulou.features.jobs.submit.JOBS_LIVE", 2)
    start(alice)
    start(alice)
    refused = alice.post("/api/jobs/alice", json=PLAIN)
    assert (refused.status_code, "limit" in refused.json()["error"]) == (409, True)


def test_what_cannot_be_is_refused_and_leaves_nothing(site, alice):
    site.hub.repo("alice/d", "dataset")
    commit(alice, "alice/d", {"a.txt": "x"}, kind="datasets")
    volume = {"type": "dataset", "source": "alice/d", "mountPath": "/m"}
    for wrong, status, says in (
        ({"dockerImage": "ubuntu"}, 400, "tulou image import"), ({"flavor": "a100-large"}, 400, "cpu-basic"),
        ({"command": []}, 400, "command"), ({"timeoutSeconds": 10**8}, 400, "timeoutSeconds"),
        ({"ssh": {"enabled": True}}, 501, "SSH"), ({"spaceId": "a/b"}, 501, "Space"),
        ({"volumes": [{**volume, "source": "alice/none"}]}, 404, "Repository not found"),
        ({"volumes": [{**volume, "source": "none"}]}, 400, "account/name"),
        ({"volumes": [{**volume, "revision": "nope"}]}, 404, "rev id"),
        ({"volumes": [{**volume, "path": "a.txt"}]}, 404, "folder"), ({"volumes": [{**volume, "path": "nope"}]}, 404, "folder"),
    ):  # fmt: skip
        answer = alice.post("/api/jobs/alice", json={**PLAIN, **wrong})
        assert (answer.status_code, says in answer.json()["error"]) == (status, True), answer.text
    assert alice.get("/api/jobs/alice").json() == []
    with site.m.db.read() as connection:
        assert connection.execute(sa.select(run.c.id)).all() == []
        assert connection.execute(sa.select(token.c.id).where(token.c.name.startswith("job "))).all() == []


def test_strange_questions_and_bodies_get_no_answer_and_break_nothing(alice):
    for what in ("jobs", "scheduled-jobs"):
        long = "?cursor=" + "a" * 25
        for url in ("?stage=nope", "?cursor=x", "?label=a%20b=c", "?label==", "/nope/logs", "/%00", "/a%2Fb", long):
            assert alice.get(f"/api/{what}/alice{url}").status_code in {200, 400, 404}
        assert alice.get(f"/api/{what}/al%00ice/{NOBODY}").status_code == 404
        assert [alice.request(how, f"/api/{what}/al%00ice").status_code for how in ("GET", "POST")] == [403, 403]
        for body in (b"{", b"[]", b'"x"', b"1", b"\xff", b"{}{}", b'{"command": "x"}', b"", b"null"):
            assert alice.post(f"/api/{what}/alice", content=body).status_code == 400


# --- who may ----------------------------------------------------------------------------------------------------------


def test_nobody_else_learns_of_a_job(site, alice):
    bob, nobody = site.hub.http(site.hub.user("bob")), site.hub.http()
    made = start(alice)["id"]
    theirs = start(bob, "bob")["id"]
    for method, rest in (("GET", ""), ("POST", "/cancel"), ("POST", "/duplicate"), ("GET", "/logs"), ("GET", "/metrics")):
        missing = bob.request(method, f"/api/jobs/bob/{NOBODY}{rest}")
        assert missing.status_code == 404
        for path in (f"/api/jobs/alice/{made}", f"/api/jobs/bob/{made}", f"/api/jobs/alice/{theirs}", f"/api/jobs/nobody/{made}"):
            hidden = bob.request(method, path + rest)
            assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content), path
        assert nobody.request(method, f"/api/jobs/alice/{made}{rest}").status_code == 401
    for rest in ("labels", "expose"):
        assert bob.put(f"/api/jobs/alice/{made}/{rest}", json={"labels": {}}).status_code == 404
    for method in ("GET", "POST"):
        hidden = bob.request(method, "/api/jobs/alice", json=PLAIN)
        missing = bob.request(method, "/api/jobs/nobody", json=PLAIN)
        assert (hidden.status_code, hidden.content) == (403, missing.content)
    assert stage(alice, made) == "SCHEDULING"


def test_in_an_organization_those_who_write_run_jobs_and_see_each_others(site):
    people = {role: site.hub.http(site.hub.user(f"some-{role}")) for role in ("admin", "write", "contributor", "read")}
    site.hub.org("acme", **{f"some-{role}": role for role in people})
    made = start(people["write"], "acme")["id"]
    assert stage(people["admin"], made, "acme") == "SCHEDULING"
    assert people["admin"].post(f"/api/jobs/acme/{made}/cancel").status_code == 200
    for role in ("contributor", "read"):
        assert people[role].post("/api/jobs/acme", json=PLAIN).status_code == 403
        assert people[role].get(f"/api/jobs/acme/{made}").status_code == 404
        assert people[role].get("/api/jobs/acme").status_code == 403


def test_a_token_that_reads_sees_jobs_and_starts_or_stops_none(site, alice):
    reader = site.hub.http(site.hub.token("alice", TokenRole.READ))
    made = start(alice)["id"]
    assert stage(reader, made) == "SCHEDULING"
    assert reader.post("/api/jobs/alice", json=PLAIN).status_code == 403
    for method, rest in (("POST", "cancel"), ("POST", "duplicate"), ("PUT", "labels"), ("PUT", "expose")):
        assert reader.request(method, f"/api/jobs/alice/{made}/{rest}", json={}).status_code == 403
    assert reader.post("/api/scheduled-jobs/alice", json={"jobSpec": PLAIN, "schedule": "@hourly"}).status_code == 403


def test_a_fine_grained_token_runs_jobs_where_it_may_write(site, alice):
    site.hub.org("acme", alice="admin")
    narrow = site.hub.http(site.hub.token("alice", TokenRole.FINE_GRAINED))
    made = start(narrow)
    assert narrow.post("/api/jobs/acme", json=PLAIN).status_code == 403
    site.follow()
    inside = site.hub.http(site.spec(made["id"]).secrets["HF_TOKEN"])
    me = inside.get("/api/whoami-v2").json()["auth"]["accessToken"]
    assert (me["role"], me["displayName"]) == ("fineGrained", f"job {made['id']}")
    assert inside.post("/api/jobs/acme", json=PLAIN).status_code == 403


def test_volumes_are_read_as_the_one_who_asks_and_pinned(site, alice):
    bob = site.hub.http(site.hub.user("bob"))
    site.hub.repo("bob/secret", "dataset", private=True)
    site.hub.repo("alice/d", "dataset", private=True)
    pinned = commit(alice, "alice/d", {"in/a.txt": "x"}, kind="datasets")
    volume = {"type": "dataset", "source": "bob/secret", "mountPath": "/m"}
    assert alice.post("/api/jobs/alice", json={**PLAIN, "volumes": [volume]}).status_code == 404
    assert bob.post("/api/jobs/alice", json={**PLAIN, "volumes": [volume]}).status_code == 403
    made = start(alice, volumes=[{"type": "dataset", "source": "alice/d", "mountPath": "/m", "path": "in"}])
    commit(alice, "alice/d", {"in/a.txt": "later"}, kind="datasets")
    site.follow()
    [mount] = [each for each in site.spec(made["id"]).mounts if each.target == "/m"]
    assert (mount.mode, (mount.source / "a.txt").read_text()) == ("ro", "x")
    assert pinned in str(mount.source)


# --- buckets ----------------------------------------------------------------------------------------------------------


def bucket(client: httpx.Client, name: str = "work") -> None:
    client.post(f"/api/buckets/alice/{name}", json={"visibility": "private"}).raise_for_status()


def listed(client: httpx.Client, name: str = "work") -> dict[str, str]:
    """Return the files of a bucket, by path."""
    found = client.get(f"/api/buckets/alice/{name}/tree", params={"recursive": True}).raise_for_status().json()
    paths = [each["path"] for each in found if each["type"] == "file"]
    return {path: client.get(f"/buckets/alice/{name}/resolve/{path}", follow_redirects=True).text for path in paths}


def with_bucket(site: Site, client: httpx.Client, **more: object) -> tuple[str, Path]:
    """Start a job on a bucket, and return its id and the folder that its program sees."""
    volume = {"type": "bucket", "source": "alice/work", "mountPath": "/data", **more}
    made = start(client, volumes=[volume])
    site.follow()
    [mount] = [each for each in site.spec(made["id"]).mounts if each.target == "/data"]
    assert mount.mode == ("ro" if more.get("readOnly") else "rw")
    return made["id"], mount.source


def save(site: Site, client: httpx.Client, job_id: str) -> dict:
    """End a job well, let the hub bring back what it wrote, and return what is said of it then."""
    site.end(job_id, "succeeded", exit_code=0)
    assert stage(client, job_id) == "RUNNING", "it has not ended for its owner before its results are there"
    assert job_id in pages(client, "/api/jobs/alice?stage=RUNNING")
    assert job_id not in pages(client, "/api/jobs/alice?stage=COMPLETED&stage=ERROR")
    site.hub.settle()
    assert job_id in pages(client, f"/api/jobs/alice?stage={stage(client, job_id)}")
    assert job_id not in pages(client, "/api/jobs/alice?stage=RUNNING")
    return client.get(f"/api/jobs/alice/{job_id}").json()["status"]


def test_what_a_job_adds_changes_and_deletes_in_a_bucket_comes_back_and_nothing_else(site, alice, tmp_path):
    bucket(alice)
    first, folder = with_bucket(site, alice, path="run")
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "a.txt").write_text("a")
    (folder / "b.txt").write_text("b")
    (folder / "empty").touch()
    (tmp_path / "secret").write_text("of the hub")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "outside").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    assert save(site, alice, first) == {"stage": "COMPLETED", "message": None, "exposeUrls": None, "sshUrl": None}
    assert listed(alice) == {"run/deep/er/a.txt": "a", "run/b.txt": "b", "run/empty": ""}
    assert not folder.exists()
    second, folder = with_bucket(site, alice)
    assert (folder / "run" / "b.txt").read_text() == "b"
    (folder / "run" / "b.txt").write_text("b, longer")
    (folder / "run" / "empty").unlink()
    save(site, alice, second)
    assert listed(alice) == {"run/deep/er/a.txt": "a", "run/b.txt": "b, longer"}


def test_a_bucket_that_is_only_read_stays_as_it_is(site, alice):
    bucket(alice)
    made, folder = with_bucket(site, alice, readOnly=True)
    (folder / "x").write_text("x")
    site.end(made, "succeeded", exit_code=0)
    assert stage(alice, made) == "COMPLETED"
    site.hub.settle()
    assert listed(alice) == {}
    assert not folder.exists()


def test_what_another_changed_meanwhile_is_not_deleted_for_them(site, alice):
    bucket(alice)
    first, folder = with_bucket(site, alice)
    (folder / "a").write_text("1")
    save(site, alice, first)
    slow, slow_folder = with_bucket(site, alice)
    quick, quick_folder = with_bucket(site, alice)
    (slow_folder / "a").unlink()
    (quick_folder / "a").write_text("two")
    save(site, alice, quick)
    save(site, alice, slow)
    assert listed(alice) == {"a": "two"}


def test_results_that_cannot_be_saved_make_the_job_fail_and_say_so(site, alice):
    bucket(alice)
    made, folder = with_bucket(site, alice)
    (folder / "bad\nname").write_text("x")
    status = save(site, alice, made)
    assert (status["stage"], "a name that a bucket cannot have" in status["message"]) == ("ERROR", True)
    deep, folder = with_bucket(site, alice)
    (folder / "/".join("d" * 100)).mkdir(parents=True)
    assert "nested" in save(site, alice, deep)["message"]
    gone, folder = with_bucket(site, alice)
    (folder / "a").write_text("x")
    alice.delete("/api/buckets/alice/work").raise_for_status()
    status = save(site, alice, gone)
    assert (status["stage"], "could not be saved" in status["message"]) == ("ERROR", True)


def test_a_bucket_is_mounted_by_those_who_may_read_or_write_it(site, alice):
    bucket(alice)
    bob = site.hub.http(site.hub.user("bob"))
    site.hub.org("acme", alice="admin", bob="read")
    alice.post("/api/buckets/acme/shared", json={"visibility": "private"}).raise_for_status()
    for source, read_only, status in (("alice/work", True, 404), ("acme/shared", False, 403), ("acme/shared", True, 200)):
        volume = {"type": "bucket", "source": source, "mountPath": "/data", "readOnly": read_only}
        assert bob.post("/api/jobs/bob", json={**PLAIN, "volumes": [volume]}).status_code == status, source
    wrong = {"type": "bucket", "source": "alice/work", "mountPath": "/data", "revision": "main"}
    assert alice.post("/api/jobs/alice", json={**PLAIN, "volumes": [wrong]}).status_code == 400


def test_a_job_is_not_left_saving_for_ever(site, alice):
    bucket(alice)
    made, _ = with_bucket(site, alice)
    site.end(made, "succeeded", exit_code=0)
    save_module.give_up(site.m, {})
    assert stage(alice, made) == "RUNNING"
    site.clock.advance(seconds=7 * 3600)
    save_module.give_up(site.m, {})
    assert stage(alice, made) == "ERROR"


# --- the token of a job -----------------------------------------------------------------------------------------------


def inside(site: Site, job_id: str) -> httpx.Client:
    """Return a client with the token that a job has."""
    return site.hub.http(site.spec(job_id).secrets["HF_TOKEN"])


def test_the_token_of_a_job_works_while_it_runs_and_never_again(site, alice):
    made = start(alice)
    site.follow()
    within = inside(site, made["id"])
    assert within.get("/api/whoami-v2").json()["name"] == "alice"
    site.hub.repo("alice/m")
    commit(within, "alice/m", {"result": "1"})
    site.end(made["id"], "succeeded", exit_code=0)
    assert within.get("/api/whoami-v2").status_code == 401


def test_a_job_with_a_token_of_its_own_gets_no_other(site, alice):
    made = start(alice, secrets={"HF_TOKEN": "hf_mine"})
    site.follow()
    assert site.spec(made["id"]).secrets["HF_TOKEN"] == "hf_mine"
    assert site.row(made["id"]).token_id is None


def test_revoking_the_token_that_started_a_job_ends_those_of_its_job_and_of_that_ones_job(site):
    site.hub.user("alice")
    first = site.hub.token("alice", TokenRole.WRITE)
    outer = start(site.hub.http(first))
    site.follow()
    inner = start(inside(site, outer["id"]))
    site.follow()
    within = [inside(site, outer["id"]), inside(site, inner["id"])]
    assert [each.get("/api/whoami-v2").status_code for each in within] == [200, 200]
    with site.m.db.read() as connection:
        row = connection.execute(sa.select(token).where(token.c.name.startswith("test "))).one()
    tokens.revoke(site.m, SYSTEM, row.account_id, row.id)
    assert [each.get("/api/whoami-v2").status_code for each in within] == [401, 401]


def test_a_job_started_by_a_job_has_a_token_that_ends_no_later(site, alice):
    outer = start(alice, timeoutSeconds=60)
    site.follow()
    inner = start(inside(site, outer["id"]), timeoutSeconds=3600)
    with site.m.db.read() as connection:
        ends = {row.name: row.expires_at for row in connection.execute(sa.select(token).where(token.c.expires_at.is_not(None)))}
    assert ends[f"job {inner['id']}"] == ends[f"job {outer['id']}"]


def test_tokens_of_jobs_do_not_use_up_the_number_of_tokens(site, alice, monkeypatch):
    monkeypatch.setattr("tulou.features.accounts.tokens.TOKENS_PER_ACCOUNT", 2)
    for _ in range(3):
        start(alice)
    site.hub.token("alice", TokenRole.READ)


# --- schedules --------------------------------------------------------------------------------------------------------


def schedule(client: httpx.Client, when: str = "0 * * * *", owner: str = "alice", **more: object) -> dict:
    body = {"jobSpec": PLAIN, "schedule": when, **more}
    return client.post(f"/api/scheduled-jobs/{owner}", json=body).raise_for_status().json()


def hours(site: Site, count: float) -> None:
    site.clock.advance(seconds=3600 * count)
    fire.fire(site.m, {})


def test_a_schedule_starts_a_job_when_it_is_due_and_missed_ones_once(site, alice):
    made = schedule(alice)
    assert (made["suspend"], made["concurrency"], made["status"]["lastJob"]) == (False, False, None)
    assert made["status"]["nextJobRunAt"].endswith(":00:00.000Z")
    fire.fire(site.m, {})
    assert alice.get("/api/jobs/alice").json() == []
    hours(site, 1)
    fire.fire(site.m, {})
    [first] = alice.get("/api/jobs/alice").json()
    assert first["initiator"] == {"type": "scheduled-job", "id": made["id"]}
    site.follow()
    site.end(first["id"], "succeeded", exit_code=0)
    hours(site, 72)
    assert len(alice.get("/api/jobs/alice").json()) == 2
    told = alice.get(f"/api/scheduled-jobs/alice/{made['id']}").json()
    assert told["status"]["lastJob"]["id"] in {each["id"] for each in alice.get("/api/jobs/alice").json()} - {first["id"]}


def test_jobs_of_a_schedule_overlap_only_where_asked(site, alice):
    schedule(alice)
    hours(site, 1)
    hours(site, 1)
    assert len(alice.get("/api/jobs/alice").json()) == 1
    schedule(alice, concurrency=True)
    hours(site, 1)
    hours(site, 1)
    assert len(alice.get("/api/jobs/alice").json()) == 3


def test_a_schedule_is_suspended_resumed_moved_labelled_run_now_and_deleted(site, alice):
    made = schedule(alice, suspend=True)
    one = f"/api/scheduled-jobs/alice/{made['id']}"
    assert (made["suspend"], made["status"]["nextJobRunAt"]) == (True, None)
    hours(site, 2)
    assert alice.get("/api/jobs/alice").json() == []
    assert alice.post(f"{one}/resume").json()["suspend"] is False
    moved = alice.post(f"{one}/schedule", json={"schedule": "@daily"}).json()
    assert (moved["schedule"], moved["status"]["nextJobRunAt"][11:]) == ("@daily", "00:00:00.000Z")
    assert alice.post(f"{one}/schedule", json={"schedule": "never"}).status_code == 400
    assert alice.put(f"{one}/labels", json={"labels": {"a": "b"}}).json()["jobSpec"]["labels"] == {"a": "b"}
    now = alice.post(f"{one}/run").raise_for_status().json()
    assert (now["initiator"]["id"], now["labels"]) == (made["id"], {"a": "b"})
    assert alice.post(f"{one}/run").status_code == 409
    assert alice.post(f"{one}/suspend").json()["suspend"] is True
    assert [each["id"] for each in alice.get("/api/scheduled-jobs/alice?label=a=b").json()] == [made["id"]]
    assert alice.get("/api/scheduled-jobs/alice?label=a=c").json() == []
    assert alice.delete(one).status_code == 204
    assert alice.get(one).status_code == 404
    assert len(alice.get("/api/jobs/alice").json()) == 1


def test_a_schedule_whose_maker_lost_the_right_is_suspended_and_says_why(site):
    site.hub.user("alice")
    bob = site.hub.http(site.hub.user("bob"))
    root = site.hub.http(site.hub.user("root", admin=True))
    site.hub.org("acme", bob="write", root="admin")
    made = schedule(bob, owner="acme")
    remove_member(site.m, SYSTEM, "acme", "bob")
    hours(site, 1)
    told = root.get(f"/api/scheduled-jobs/acme/{made['id']}").json()
    assert (told["suspend"], "rights" in told["suspendReason"]) == (True, True)
    assert root.get("/api/jobs/acme").json() == []
    root.post(f"/api/scheduled-jobs/acme/{made['id']}/resume").raise_for_status()
    hours(site, 1)
    [started] = root.get("/api/jobs/acme").json()
    assert started["createdBy"]["name"] == "root", "who resumes it stands for it"


def test_a_schedule_ends_with_the_account_and_with_the_token_that_made_it(site):
    by_token = site.hub.http(site.hub.user("alice"))
    other = site.hub.token("alice", TokenRole.WRITE)
    revoked, gone = schedule(site.hub.http(other)), schedule(site.hub.http(site.hub.user("bob")), owner="bob")
    with site.m.db.read() as connection:
        row = connection.execute(sa.select(token).where(token.c.name.startswith("test "))).one()
    tokens.revoke(site.m, SYSTEM, row.account_id, row.id)
    set_disabled(site.m, SYSTEM, lookup.user(site.m, "bob"), disabled=True)
    hours(site, 1)
    assert by_token.get(f"/api/scheduled-jobs/alice/{revoked['id']}").json()["suspend"] is True
    with site.m.db.read() as connection:
        assert connection.execute(sa.select(scheduled_job.c.suspended).where(scheduled_job.c.id == gone["id"])).scalar_one()
        assert connection.execute(sa.select(run.c.id)).all() == []


def test_a_schedule_of_a_narrow_token_starts_narrow_jobs(site):
    site.hub.user("alice")
    schedule(site.hub.http(site.hub.token("alice", TokenRole.FINE_GRAINED)), secrets=None)
    hours(site, 1)
    site.follow()
    [name] = site.machine.specs
    within = site.hub.http(site.machine.specs[name].secrets["HF_TOKEN"])
    assert within.get("/api/whoami-v2").json()["auth"]["accessToken"]["role"] == "fineGrained"


def test_nobody_else_learns_of_a_schedule(site, alice):
    bob = site.hub.http(site.hub.user("bob"))
    made = schedule(alice)["id"]
    for method, rest in (
        ("GET", ""), ("DELETE", ""), ("POST", "/suspend"), ("POST", "/resume"), ("POST", "/run"), ("POST", "/schedule"),
        ("PUT", "/labels"),
    ):  # fmt: skip
        missing = bob.request(method, f"/api/scheduled-jobs/bob/{NOBODY}{rest}", json={})
        for path in (f"/api/scheduled-jobs/alice/{made}", f"/api/scheduled-jobs/bob/{made}"):
            hidden = bob.request(method, path + rest, json={})
            assert (hidden.status_code, hidden.content) == (404, missing.content)
    assert bob.get("/api/scheduled-jobs/alice").status_code == 403
    assert alice.get(f"/api/scheduled-jobs/alice/{made}").status_code == 200


def test_an_account_has_so_many_schedules(alice, monkeypatch):
    monkeypatch.setattr("tulou.features.jobs.schedules.JOBS_SCHEDULED", 1)
    schedule(alice)
    assert alice.post("/api/scheduled-jobs/alice", json={"jobSpec": PLAIN, "schedule": "@daily"}).status_code == 409


# --- streams ----------------------------------------------------------------------------------------------------------


def printed(client: httpx.Client, job_id: str, query: str = "", last: str | None = None) -> list[tuple[str, str]]:
    """Return the ids and texts of the events of a log that ends."""
    headers = {"last-event-id": last} if last else {}
    text = client.get(f"/api/jobs/alice/{job_id}/logs{query}", headers=headers).raise_for_status().text
    events = [dict(line.split(": ", 1) for line in part.splitlines()) for part in text.split("\n\n") if "data: " in part]
    return [(event["id"], json.loads(event["data"])["data"]) for event in events]


def test_a_log_streams_to_its_end_and_goes_on_where_a_client_lost_it(site, alice):
    made = start(alice, dockerImage="ghcr.io/astral-sh/uv:python3.6-bookworm")
    site.follow()
    site.machine.logs[site.machine_id(made["id"])] = b"".join(b"%d\tline %d\n" % (number, number) for number in range(1, 2001))
    site.end(made["id"], "succeeded", exit_code=0)
    lines = printed(alice, made["id"])
    assert lines[0][1].startswith("===== Job started at ")
    assert "where the image has Python 3.6" in lines[1][1]
    assert [text for _, text in lines[2:]] == [f"line {number}" for number in range(1, 2001)]
    assert printed(alice, made["id"], last=lines[1000][0]) == lines[1001:]
    assert printed(alice, made["id"], "?tail=3") == lines[-3:]
    assert printed(alice, made["id"], last=lines[-1][0]) == []
    for query, header in (("?tail=x", None), ("?tail=-1", None), ("?tail=99999999", None), ("", "x"), ("", "-1")):
        headers = {"last-event-id": header} if header else {}
        assert alice.get(f"/api/jobs/alice/{made['id']}/logs{query}", headers=headers).status_code == 400


def test_a_log_is_followed_while_the_job_runs(site, alice):
    made = start(alice)
    site.follow()
    name = site.machine_id(made["id"])
    site.machine.logs[name] = b"1\tfirst\n"
    with alice.stream("GET", f"/api/jobs/alice/{made['id']}/logs") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = (line for line in answer.iter_lines() if line.startswith("data: "))
        assert "Job started" in next(lines)
        assert json.loads(next(lines)[6:]) == {"data": "first", "timestamp": "1970-01-01T00:00:00.001Z"}
        site.machine.logs[name] += b"2\tsecond\n"
        assert json.loads(next(lines)[6:])["data"] == "second"
        site.end(made["id"], "failed", exit_code=1)
        assert list(lines) == []


def test_metrics_come_while_a_job_runs_and_end_with_it(site, alice):
    made = start(alice)
    site.follow()
    name = site.machine_id(made["id"])
    site.machine.runs[name] = Observed(name, "running", started_at=1, usage=Usage(memory=7 << 20, cpu_s=1.0))
    with alice.stream("GET", f"/api/jobs/alice/{made['id']}/metrics") as answer:
        lines = (line for line in answer.iter_lines() if line.startswith("data: "))
        sample = json.loads(next(lines)[6:])
        assert (sample["memory_used_bytes"], sample["memory_total_bytes"], sample["gpus"]) == (7 << 20, 1024 << 20, {})
        site.machine.runs[name] = Observed(name, "running", started_at=1, usage=Usage(memory=7 << 20, cpu_s=2.0))
        assert json.loads(next(lines)[6:])["cpu_usage_pct"] > 0
        site.end(made["id"], "succeeded", exit_code=0)
        assert list(lines) == []
    assert alice.get(f"/api/jobs/alice/{made['id']}/metrics").status_code == 406
