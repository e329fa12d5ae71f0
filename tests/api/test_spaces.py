"""Spaces by the API, with nothing running: settings, rights, and each step of a deployment as its runs would end it."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from tests.commits import commit
from tests.conftest import RunningHub, run_hub, settings_for
from tulou.db.tables import run as run_table
from tulou.db.tables import space as space_table
from tulou.db.tables import space_setting
from tulou.features.repos import lookup
from tulou.features.runs import read as runs
from tulou.features.runs import sources
from tulou.features.runs.model import Run, log_key
from tulou.features.spaces import control, idle, read, tasks, visits
from tulou.features.spaces.model import Space, Stage
from tulou.kernel.actor import TokenRole
from tulou.kernel.errors import ComputeOff
from tulou.kernel.events import RunChanged
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.platform.events import outbox

README = "---\ntitle: Mirror\nsdk: gradio\nsdk_version: 6.31.0\n---\n"


class Stand:
    """One Space of somebody called Alice, and short ways to play its machine."""

    def __init__(self, hub: RunningHub) -> None:
        self.hub, self.m = hub, hub.m
        self.name = f"alice{secrets.token_hex(4)}"
        self.alice = hub.http(hub.user(self.name))
        self.full, self.path = f"{self.name}/s", f"/api/spaces/{self.name}/s"
        self.locked = f"gradio==6.31.0 --hash=sha256:{secrets.token_hex(32)}\n"
        hub.repo(self.full, "space", sdk="gradio")
        self.repo = lookup.by_name(hub.m, parse_repo_id(RepoKind.SPACE, self.full))
        hub.settle()

    def push(self, **files: str) -> str:
        oid = commit(self.alice, self.full, {"README.md": README, "app.py": "x", **files}, kind="spaces")
        self.hub.settle()
        return oid

    @property
    def now(self) -> Space:
        return read.get(self.m, self.repo)

    @property
    def runtime(self) -> dict[str, object]:
        return self.alice.get(f"{self.path}/runtime").json()

    def run(self) -> Run:
        """Return the run that the deployment waits for."""
        building = self.now.building
        assert building is not None
        found = runs.get(self.m, building.run_id)
        assert found is not None
        return found

    def play(self, run_id: str, phase: str, *, ended: bool = True, lived: int = 5_000, **values: object) -> None:
        """Have the machine bring a run to a phase."""
        now = self.m.clock.now()
        times = {"ended_at": now, "started_at": now - lived} if ended else {"started_at": now}
        with self.m.db.write() as tx:
            tx.execute(sa.update(run_table).where(run_table.c.id == run_id).values(phase=phase, **times, **values))
            kind = tx.execute(sa.select(run_table.c.kind).where(run_table.c.id == run_id)).scalar_one()
            outbox.append(tx, self.m.clock, RunChanged(run_id, kind, phase))
        self.hub.settle()

    def lock(self) -> None:
        """Have the first run of a build end well."""
        run = self.run()
        folder = sources.out_folder(self.m, run.id)
        folder.mkdir(parents=True)
        (folder / "lock").write_text(self.locked)
        self.play(run.id, "succeeded", exit_code=0)

    def install(self) -> None:
        """Have the second run of a build end well."""
        run = self.run()
        (sources.out_folder(self.m, run.id) / "env" / "bin").mkdir(parents=True)
        self.play(run.id, "succeeded", exit_code=0)

    def serve(self) -> str:
        """Push, and have everything go well. Returns the run of the application."""
        self.push()
        self.lock()
        self.install()
        run_id = self.run().id
        self.play(run_id, "running", ended=False)
        return run_id


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[RunningHub]:
    """One hub for all tests here: each has a Space of its own. Nothing follows the rows: the tests play the machine."""
    if request.config.getoption("--db") == "sqlite":
        yield from run_hub(settings_for(tmp_path_factory.mktemp("spaces") / "data"))
        return
    with request.getfixturevalue("postgres").database() as url:
        yield from run_hub(settings_for(tmp_path_factory.mktemp("spaces") / "data", database_url=url))


@pytest.fixture
def stand(hub: RunningHub) -> Stand:
    with hub.m.db.write() as tx:  # nothing that an earlier test left waits for memory
        tx.execute(sa.update(run_table).where(run_table.c.ended_at.is_(None)).values(phase="stopped", ended_at=1, want="stop"))
    return Stand(hub)


def test_a_push_becomes_a_lock_an_environment_and_an_application(stand: Stand):
    assert (stand.now.stage, stand.runtime["stage"]) == (Stage.NO_APP_FILE, "NO_APP_FILE")
    oid = stand.push(**{"requirements.txt": "numpy"})
    assert (stand.now.stage, stand.now.commit) == (Stage.BUILDING, oid)
    locking = stand.run()
    assert locking.kind == "build"
    assert locking.order.argv[-4:] == ("gradio==6.31.0", "spaces", "--", "requirements.txt")
    assert (locking.order.network, locking.order.timeout_s) == ("egress", 1800)
    stand.lock()
    installing = stand.run()
    assert stand.now.build_runs == (locking.id, installing.id)
    assert not any(mount.source.startswith("repo:") for mount in installing.order.mounts)  # the lock says everything
    stand.install()
    assert stand.now.stage is Stage.APP_STARTING
    app = stand.run()
    assert app.kind == "space"
    assert app.order.argv == ("/env/bin/python", "app.py")
    assert {mount.target: mount.mode for mount in app.order.mounts} == {"/app": "overlay", "/env": "ro"}
    env = app.order.env
    assert (env["SPACE_ID"], env["SPACE_TITLE"], env["SYSTEM"], env["SPACE_COMMIT_SHA"]) == (stand.full, "Mirror", "spaces", oid)
    assert env["HF_ENDPOINT"] == stand.hub.url
    assert env["SPACE_HOST"].startswith(f"{stand.name}-s.localhost:")
    stand.play(app.id, "running", ended=False)
    assert stand.now.stage is Stage.RUNNING
    assert stand.runtime["hardware"] == {"current": "cpu-basic", "requested": "cpu-basic"}
    info = stand.alice.get(stand.path).json()
    assert (info["runtime"]["stage"], info["subdomain"]) == ("RUNNING", f"{stand.name}-s")
    assert info["host"] == stand.alice.get(f"{stand.path}/host").json()["host"]
    assert (
        stand.alice.get("/api/spaces", params={"expand": "runtime", "author": stand.name}).json()[0]["runtime"]["stage"]
        == "RUNNING"
    )


def test_an_equal_list_of_packages_is_not_installed_again(stand: Stand):
    old = stand.serve()
    stand.push(**{"app.py": "y"})
    assert stand.now.stage is Stage.RUNNING_BUILDING
    stand.lock()
    assert stand.now.stage is Stage.RUNNING_APP_STARTING
    new = stand.run()
    assert stand.now.run_id == old  # which serves until the new one answers
    stand.play(new.id, "running", ended=False)
    assert (stand.now.stage, stand.now.run_id) == (Stage.RUNNING, new.id)
    assert runs.get(stand.m, old).want == "stop"
    stand.alice.post(f"{stand.path}/restart", params={"factory": "true"})
    stand.lock()
    assert stand.now.building.step == "install"  # a factory rebuild uses nothing that was there


def test_a_new_version_that_finds_no_room_beside_the_old_one_takes_its_place(stand: Stand):
    old = stand.serve()
    stand.push(**{"app.py": "y"})
    stand.lock()
    with stand.m.db.write() as tx:
        tx.execute(sa.update(run_table).where(run_table.c.id == stand.run().id).values(created_at=0))
    tasks.look(stand.m, {})
    assert runs.get(stand.m, old).want == "stop"


@pytest.mark.parametrize(
    ("step", "phase", "values", "stage", "words"),
    [
        ("lock", "failed", {"exit_code": 2}, Stage.BUILD_ERROR, "The build ended with exit code 2."),
        ("lock", "timeout", {}, Stage.BUILD_ERROR, "The build took longer than it may: 1800 s."),
        ("install", "oom", {}, Stage.BUILD_ERROR, "The build used more memory than it may: 2048 MB."),
        ("lock", "succeeded", {}, Stage.BUILD_ERROR, "The build left no list of packages."),
        ("install", "succeeded", {}, Stage.BUILD_ERROR, "The build left no environment."),
        ("start", "failed", {"exit_code": 1}, Stage.RUNTIME_ERROR, "The application ended with exit code 1."),
        ("start", "failed", {"detail": "Nothing answered."}, Stage.RUNTIME_ERROR, "The application failed. Nothing answered."),
        ("start", "stopped", {}, Stage.STOPPED, ""),
        ("serve", "failed", {"exit_code": 1}, Stage.RUNTIME_ERROR, "The application ended with exit code 1."),
        ("serve", "oom", {"lived": 60_000}, Stage.APP_STARTING, ""),
        ("serve", "lost", {}, Stage.APP_STARTING, ""),
        ("serve", "stopped", {}, Stage.STOPPED, ""),
    ],
)
def test_each_way_in_which_a_run_can_end(stand: Stand, step: str, phase: str, values: dict, stage: Stage, words: str):
    if step == "serve":
        run_id = stand.serve()
    else:
        stand.push()
        for done, act in (("lock", stand.lock), ("install", stand.install)):
            if step == done:
                break
            act()
        run_id = stand.run().id
    stand.play(run_id, phase, **values)
    assert (stand.now.stage, stand.now.message) == (stage, words)
    assert stand.runtime.get("errorMessage", "") == words
    if stage.is_error:
        stand.alice.post(f"{stand.path}/restart")
        stand.hub.settle()
        assert stand.now.stage in {Stage.BUILDING, Stage.APP_STARTING}


def test_what_a_build_leaves_is_not_trusted(stand: Stand):
    stand.push()
    run = stand.run()
    folder = sources.out_folder(stand.m, run.id)
    folder.mkdir(parents=True)
    (folder / "lock").symlink_to(stand.m.settings.data / "secret.key")
    stand.play(run.id, "succeeded")
    assert (stand.now.stage, stand.now.message) == (Stage.BUILD_ERROR, "The build left no list of packages.")


def test_files_of_a_static_space_are_served_at_once_and_nothing_runs(stand: Stand):
    stand.push(**{"README.md": "---\nsdk: static\n---\n", "index.html": "<p>hi"})
    assert (stand.now.stage, stand.now.run_ids, stand.now.is_static) == (Stage.RUNNING, (), True)
    assert stand.alice.post(f"{stand.path}/pause").status_code == 400
    assert stand.alice.post(f"{stand.path}/storage", json={"tier": "small"}).status_code == 400
    assert stand.runtime["hardware"] == {"current": None, "requested": None}


def test_pause_stops_for_good_and_restart_ends_it(stand: Stand):
    run_id = stand.serve()
    assert stand.alice.post(f"{stand.path}/pause").json()["stage"] == "PAUSED"
    assert runs.get(stand.m, run_id).want == "stop"
    stand.play(run_id, "stopped")
    stand.push(**{"app.py": "y"})
    assert stand.now.stage is Stage.PAUSED
    assert control.wake(stand.m, stand.now) is None
    stand.alice.post(f"{stand.path}/restart")
    stand.hub.settle()
    assert stand.now.stage is Stage.BUILDING


def test_a_space_that_nobody_visits_is_frozen_then_stopped_and_a_visit_wakes_it(stand: Stand):
    run_id = stand.serve()
    hour, mine = 3_600_000, space_table.c.repo_id == stand.repo.id

    def age(milliseconds: int) -> None:
        with stand.m.db.write() as tx:
            tx.execute(sa.update(space_table).where(mine).values(visited_at=stand.m.clock.now() - milliseconds))
            tx.execute(sa.update(run_table).where(run_table.c.id == run_id).values(started_at=0))

    age(hour)
    with visits.connection(stand.m, stand.repo.id):
        tasks.put_to_sleep(stand.m, {})
    assert runs.get(stand.m, run_id).want == "run"  # somebody is connected
    visits.write_down(stand.m)
    age(hour)
    idle.settle(stand.m)
    assert (runs.get(stand.m, run_id).want, stand.now.stage) == ("pause", Stage.RUNNING)
    assert stand.alice.post(f"{stand.path}/sleeptime", json={"seconds": 60}).json()["gcTimeout"] == 60
    idle.settle(stand.m)
    assert (runs.get(stand.m, run_id).want, stand.now.stage, stand.now.want) == ("stop", Stage.STOPPED, "sleep")
    woken = control.wake(stand.m, stand.now)
    assert woken.id != run_id
    assert (stand.now.stage, stand.now.want) == (Stage.APP_STARTING, "run")


def test_a_space_that_may_not_sleep_does_not(stand: Stand):
    run_id = stand.serve()
    assert stand.alice.post(f"{stand.path}/sleeptime", json={"seconds": -1}).json()["gcTimeout"] == -1
    with stand.m.db.write() as tx:
        tx.execute(sa.update(space_table).where(space_table.c.repo_id == stand.repo.id).values(visited_at=0))
        tx.execute(sa.update(run_table).where(run_table.c.id == run_id).values(started_at=0))
    idle.settle(stand.m)
    assert stand.now.stage is Stage.RUNNING


def test_when_something_waits_for_memory_the_space_that_nobody_visited_longest_makes_room(stand: Stand):
    visited, forgotten = Stand(stand.hub), Stand(stand.hub)
    for each, age in ((visited, 60_000), (forgotten, 600_000)):
        run_id = each.serve()
        with each.m.db.write() as tx:
            tx.execute(sa.update(run_table).where(run_table.c.id == run_id).values(started_at=0))
            row = sa.update(space_table).where(space_table.c.repo_id == each.repo.id)
            tx.execute(row.values(visited_at=each.m.clock.now() - age))
    idle.settle(stand.m)
    assert forgotten.now.stage is Stage.RUNNING
    stand.push()
    with stand.m.db.write() as tx:
        tx.execute(sa.update(run_table).where(run_table.c.id == stand.run().id).values(created_at=1))
    idle.settle(stand.m)
    assert (forgotten.now.stage, visited.now.stage) == (Stage.STOPPED, Stage.RUNNING)
    idle.settle(stand.m)
    assert visited.now.stage is Stage.RUNNING  # somebody was there a minute ago
    stand.alice.post(f"{stand.path}/pause")
    stand.play(stand.now.build_runs[0], "stopped")


def test_builds_of_one_account_wait_for_their_turn(stand: Stand, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tulou.features.spaces.deploy.BUILDS_AT_ONCE", 1)
    stand.push()
    stand.hub.repo(f"{stand.name}/second", "space", sdk="gradio")
    commit(stand.alice, f"{stand.name}/second", {"README.md": README, "app.py": "x"}, kind="spaces")
    stand.hub.settle()
    second = f"/api/spaces/{stand.name}/second"
    assert stand.alice.get(f"{second}/runtime").json()["stage"] == "BUILDING"
    assert stand.alice.post(f"{second}/restart", params={"factory": "true"}).status_code == 409
    assert len(runs.live(stand.m, stand.repo.account_id, "build")) == 1
    stand.lock()
    stand.install()
    tasks.look(stand.m, {})
    (building,) = runs.live(stand.m, stand.repo.account_id, "build")
    assert building.repo_id != stand.repo.id


def test_an_account_runs_only_so_many_applications(stand: Stand, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tulou.features.spaces.deploy.SPACES_AWAKE", 0)
    stand.push()
    stand.lock()
    stand.install()
    assert (stand.now.stage, "Pause one" in stand.now.message) == (Stage.RUNTIME_ERROR, True)


def test_caches_that_nothing_needs_are_deleted(stand: Stand):
    stand.serve()
    m, old = stand.m, (1, 1)
    kept = sources.env_folder(m, stand.now.built.env)
    gone = [
        sources.env_folder(m, "f" * 64),
        sources.out_folder(m, "some-run"),
        sources.export_folder(m, stand.repo.id, "0" * 40),
        sources.data_folder(m, "nobody"),
    ]
    running = sources.export_folder(m, stand.repo.id, stand.now.commit)
    for folder in (*gone, running, sources.env_folder(m, "base-3.11")):
        folder.mkdir(parents=True, exist_ok=True)
    for folder in (*gone, running, kept):
        os.utime(folder, old)
    tasks.clean(m, {})
    assert [folder.exists() for folder in gone] == [False] * 4
    assert running.exists()
    assert kept.exists()
    assert sources.env_folder(m, "base-3.11").exists()


def test_secrets_are_sealed_never_read_back_and_only_the_application_gets_them(stand: Stand):
    stand.alice.post(f"{stand.path}/secrets", json={"key": "API_KEY", "value": "hunter2-hunter2", "description": "of the shop"})
    stand.alice.post(f"{stand.path}/variables", json={"key": "COLOR", "value": "teal"})
    found = stand.alice.get(f"{stand.path}/secrets").json()
    assert found["API_KEY"]["description"] == "of the shop"
    assert "hunter2" not in json.dumps(found)
    with stand.m.db.read() as connection:
        rows = connection.execute(sa.select(space_setting)).all()
        assert not any(b"hunter2" in bytes(row.sealed or b"") or "hunter2" in (row.value or "") for row in rows)
    stand.push()
    for act in (stand.lock, stand.install):
        assert "hunter2" not in stand.run().order.dump()
        with stand.m.db.read() as connection:
            assert connection.execute(sa.select(run_table.c.sealed).where(run_table.c.id == stand.run().id)).scalar() is None
        act()
    assert stand.run().order.env["COLOR"] == "teal"
    assert "hunter2" not in stand.run().order.dump()
    with stand.m.db.read() as connection:
        sealed = connection.execute(sa.select(run_table.c.sealed).where(run_table.c.id == stand.run().id)).scalar_one()
    assert b"hunter2" in stand.m.sealer.unseal(f"run {stand.run().id}", sealed)


def test_settings_restart_what_runs(stand: Stand):
    old = stand.serve()
    stand.alice.post(f"{stand.path}/secrets", json={"key": "A", "value": "1"})
    stand.hub.settle()
    new = stand.run().id
    assert (stand.now.stage, runs.get(stand.m, old).want) == (Stage.APP_STARTING, "stop")
    stand.alice.post(f"{stand.path}/variables", json={"key": "B", "value": "2"})
    stand.hub.settle()
    assert runs.get(stand.m, new).want == "stop"
    assert stand.run().order.env["B"] == "2"
    for _ in range(2):  # clients count on it that removing what is gone is no mistake
        assert stand.alice.request("DELETE", f"{stand.path}/variables", json={"key": "B"}).json() == {}
    stand.hub.settle()
    assert "B" not in stand.run().order.env


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "secrets", {"key": "1X", "value": "v"}, 400, "1 to 200 letters"),
        ("POST", "secrets", {"key": "A B", "value": "v"}, 400, "1 to 200 letters"),
        ("POST", "secrets", {"key": "X"}, 400, "'value'"),
        ("POST", "secrets", {"key": "X", "value": 7}, 400, "'value'"),
        ("POST", "variables", {"key": "X", "value": "v" * 40_000}, 400, "'value'"),
        ("POST", "variables", {"key": "X", "value": "é" * 20_000}, 400, "at most 32 KiB"),
        ("POST", "hardware", {"flavor": "a100-large"}, 400, "It has: cpu-basic"),
        ("POST", "hardware", {}, 400, "'flavor'"),
        ("POST", "sleeptime", {"seconds": 5}, 400, "60 seconds or more"),
        ("POST", "sleeptime", {"seconds": "soon"}, 400, "whole number"),
        ("POST", "sleeptime", {}, 400, "'seconds'"),
        ("POST", "storage", {"tier": "huge"}, 400, "small, medium, large"),
        ("POST", "dev-mode", {"enabled": True}, 501, "Dev mode is not built"),
        ("PUT", "volumes", {"volumes": [{"type": "model", "source": "bob/none", "mountPath": "/models"}]}, 404, "not found"),
        ("PUT", "volumes", {"volumes": [{"type": "model", "source": "me/m", "mountPath": "/etc"}]}, 400, "mountPath"),
        ("PUT", "volumes", {"volumes": [{"type": "model", "source": "me/m", "mountPath": "/x/../etc"}]}, 400, "mountPath"),
        ("PUT", "volumes", {"volumes": [{"type": "model", "source": "me/m", "mountPath": "/m", "readOnly": False}]}, 501, "API"),
        ("PUT", "volumes", {"volumes": [{"type": "model", "source": "me/m", "mountPath": "/m", "path": "../x"}]}, 422, "path"),
        ("PUT", "volumes", {"volumes": [{"type": "bucket", "source": "me/m", "mountPath": "/data"}]}, 501, "read-only"),
        ("PUT", "volumes", {"volumes": [{"type": ["model"], "source": "me/m", "mountPath": "/m"}]}, 400, "'type'"),
        ("PUT", "volumes", {"volumes": [{"type": "model", "source": {}, "mountPath": "/m"}]}, 400, "'source'"),
        ("PUT", "volumes", {"volumes": [{"type": "model", "source": "me/m", "mountPath": 7}]}, 400, "mountPath"),
        (
            "PUT",
            "volumes",
            {"volumes": [{"type": "model", "source": "me/m", "mountPath": "/m", "revision": "no"}]},
            404,
            "rev id",
        ),
        ("PUT", "volumes", {"volumes": [{"type": "model", "source": "me/m", "mountPath": "/m", "colour": "red"}]}, 400, "fields"),
        ("PUT", "volumes", {"volumes": "all"}, 400, "'volumes'"),
        ("DELETE", "volumes", {}, 400, "no volumes"),
        ("GET", "logs/other", None, 404, "a build log and a run log"),
    ],
)
def test_what_makes_no_sense_is_refused_with_words(stand: Stand, method: str, path: str, body: object, status: int, words: str):
    answer = stand.alice.request(method, f"{stand.path}/{path}", json=mine(stand, body))
    assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text


def mine(stand: Stand, body: object) -> object:
    """Make a volume's source one of this Alice."""
    return json.loads(json.dumps(body).replace('"me/m"', f'"{stand.full}"').replace('"model"', '"space"'))


def test_a_name_is_a_variable_or_a_secret_and_not_both(stand: Stand):
    stand.alice.post(f"{stand.path}/secrets", json={"key": "X", "value": "v"})
    assert stand.alice.post(f"{stand.path}/variables", json={"key": "X", "value": "v"}).status_code == 409


def test_volumes_are_read_only_pinned_and_only_for_those_who_may_read(stand: Stand):
    other = Stand(stand.hub)
    stand.hub.repo(f"{other.name}/closed", "dataset", private=True)
    stand.hub.repo(f"{stand.name}/m")
    closed = {"type": "dataset", "source": f"{other.name}/closed", "mountPath": "/closed"}
    assert stand.alice.put(f"{stand.path}/volumes", json={"volumes": [closed]}).status_code == 404
    volume = {"type": "model", "source": f"{stand.name}/m", "mountPath": "/models", "revision": "main"}
    assert stand.alice.put(f"{stand.path}/volumes", json={"volumes": [volume]}).json()["volumes"] == [
        {**volume, "readOnly": True}
    ]
    stand.push()
    stand.lock()
    stand.install()
    run_id = stand.run().id
    mount = next(mount for mount in stand.run().order.mounts if mount.target == "/models")
    assert mount.mode == "ro"
    assert "@" in mount.source
    stand.play(run_id, "running", ended=False)
    tasks.look(stand.m, {})
    assert stand.now.stage is Stage.RUNNING
    stand.alice.request("DELETE", "/api/repos/delete", json={"name": "m", "organization": stand.name})
    tasks.look(stand.m, {})
    gone = "The volume at /models cannot be had: Repository not found"
    assert (stand.now.stage, stand.now.message, runs.get(stand.m, run_id).want) == (Stage.RUNTIME_ERROR, gone, "stop")
    stand.alice.post(f"{stand.path}/restart")
    stand.hub.settle()
    assert (stand.now.stage, stand.now.message) == (Stage.RUNTIME_ERROR, gone)


def test_a_bucket_is_a_volume_too_even_at_data_where_there_is_no_storage(stand: Stand):
    assert stand.alice.post(f"/api/buckets/{stand.name}/b", json={}).status_code == 200
    bucket = {"type": "bucket", "source": f"{stand.name}/b", "mountPath": "/data", "readOnly": True}
    assert stand.alice.put(f"{stand.path}/volumes", json={"volumes": [bucket]}).json()["volumes"] == [bucket]
    assert stand.alice.post(f"{stand.path}/storage", json={"tier": "small"}).status_code == 409
    stand.push()
    stand.lock()
    stand.install()
    assert [mount.source.split(":")[0] for mount in stand.run().order.mounts if mount.target == "/data"] == ["bucket"]
    stand.alice.delete(f"{stand.path}/volumes")
    assert stand.alice.post(f"{stand.path}/storage", json={"tier": "small"}).status_code == 200
    assert stand.alice.put(f"{stand.path}/volumes", json={"volumes": [bucket]}).status_code == 409


def test_storage_is_a_folder_that_outlives_restarts_and_can_be_deleted(stand: Stand):
    run_id = stand.serve()
    assert stand.alice.post(f"{stand.path}/storage", json={"tier": "small"}).json()["storage"] == "small"
    stand.hub.settle()
    assert any(mount.target == "/data" and mount.mode == "rw" for mount in stand.run().order.mounts)
    folder = sources.data_folder(stand.m, stand.repo.id)
    folder.mkdir(parents=True)
    (folder / "kept").write_text("x")
    for each in (run_id, stand.run().id):
        stand.play(each, "stopped")
    assert stand.alice.post(f"{stand.path}/storage", json={"tier": "medium"}).json()["storage"] == "medium"
    assert stand.alice.post(f"{stand.path}/storage", json={"tier": "small"}).status_code == 409
    assert (folder / "kept").exists()
    assert "storage" not in stand.alice.delete(f"{stand.path}/storage").json()
    assert not folder.exists()


def test_a_space_is_made_with_everything_that_was_said_about_it(stand: Stand):
    body = {
        "type": "space", "name": "made", "sdk": "gradio", "hardware": "cpu-basic", "sleepTimeSeconds": 300,
        "secrets": [{"key": "S", "value": "secret-value"}], "variables": [{"key": "V", "value": "v", "description": "d"}],
    }  # fmt: skip
    assert stand.alice.post("/api/repos/create", json=body).status_code == 200
    assert stand.alice.get(f"/api/spaces/{stand.name}/made/runtime").json()["gcTimeout"] == 300
    assert list(stand.alice.get(f"/api/spaces/{stand.name}/made/secrets").json()) == ["S"]
    copy = {"repository": f"{stand.name}/copy", "variables": [{"key": "W", "value": "w"}]}
    assert stand.alice.post(f"/api/spaces/{stand.name}/made/duplicate", json=copy).status_code == 200
    assert stand.alice.get(f"/api/spaces/{stand.name}/copy/secrets").json() == {}  # G-4: they are not copied
    values = stand.alice.get(f"/api/spaces/{stand.name}/copy/variables").json()
    assert {name: each["value"] for name, each in values.items()} == {"V": "v", "W": "w"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"hardware": "a100-large"},
        {"sleepTimeSeconds": 1},
        {"secrets": [{"key": "S"}]},
        {"secrets": [{"key": "S", "value": "1"}, {"key": "S", "value": "2"}]},
        {"variables": "all"},
        {"volumes": [{"type": "model", "source": "nobody/none", "mountPath": "/m"}]},
        {"template": "nobody/none"},
    ],
)
def test_nothing_is_made_when_what_was_said_about_it_is_wrong(stand: Stand, wrong: dict[str, object]):
    answer = stand.alice.post("/api/repos/create", json={"type": "space", "name": "made", "sdk": "gradio", **wrong})
    assert 400 <= answer.status_code < 500
    assert stand.alice.get(f"/api/spaces/{stand.name}/made").status_code == 404


def test_only_spaces_have_applications(stand: Stand):
    answer = stand.alice.post("/api/repos/create", json={"type": "model", "name": "m", "hardware": "cpu-basic"})
    assert (answer.status_code, answer.json()["error"]) == (400, "Only a Space has hardware.")


def test_templates_are_listed_and_begin_a_space(stand: Stand):
    found = stand.alice.get("/api/spaces/templates").json()["templates"]
    assert {"name", "repoId", "sdk", "preferredPrivate"} == set(found[0])
    static = next(each for each in found if each["sdk"] == "static")
    body = {"type": "space", "name": "begun", "sdk": "static", "template": static["repoId"]}
    assert stand.alice.post("/api/repos/create", json=body).status_code == 200
    stand.hub.settle()
    assert stand.alice.get(f"/api/spaces/{stand.name}/begun/runtime").json()["stage"] == "RUNNING"


def test_a_renamed_space_has_another_host_and_a_deleted_one_leaves_nothing(stand: Stand):
    run_id = stand.serve()
    stand.alice.post(f"{stand.path}/secrets", json={"key": "S", "value": "secret-value"})
    folder = sources.data_folder(stand.m, stand.repo.id)
    folder.mkdir(parents=True)
    stand.alice.post("/api/repos/move", json={"type": "space", "fromRepo": stand.full, "toRepo": f"{stand.name}/t"})
    stand.hub.settle()
    assert stand.now.slug == f"{stand.name}-t"
    stand.alice.request("DELETE", "/api/repos/delete", json={"type": "space", "name": "t", "organization": stand.name})
    stand.hub.settle()
    started = runs.live(stand.m, stand.repo.account_id, "space")
    assert started
    assert all(each.want == "stop" for each in started)
    with stand.m.db.read() as connection:
        for table in (space_setting, space_table):
            assert connection.execute(sa.select(table).where(table.c.repo_id == stand.repo.id)).first() is None
    for each in started:
        stand.play(each.id, "stopped")
    assert not folder.exists()
    assert runs.get(stand.m, run_id) is not None


def test_two_names_that_come_to_one_host_get_one_each(hub: RunningHub):
    hub.user("a-b")
    hub.user("a")
    hub.repo("a-b/c", "space", sdk="static")
    hub.repo("a/b-c", "space", sdk="static")
    hub.settle()
    with hub.m.db.read() as connection:
        slugs = sorted(connection.execute(sa.select(space_table.c.slug).where(space_table.c.slug.startswith("a-b-c"))).scalars())
    assert slugs[0] == "a-b-c"
    assert slugs[1].startswith("a-b-c-")


def test_what_a_crash_interrupted_is_taken_up_by_the_next_look(stand: Stand):
    stand.push()
    run = stand.run()
    folder = sources.out_folder(stand.m, run.id)
    folder.mkdir(parents=True)
    (folder / "lock").write_text(stand.locked)
    with stand.m.db.write() as tx:  # the run ended, and the hub died before anybody heard of it
        tx.execute(sa.update(run_table).where(run_table.c.id == run.id).values(phase="succeeded", ended_at=1))
    tasks.look(stand.m, {})
    assert stand.now.building.step == "install"
    with stand.m.db.write() as tx:
        tx.execute(sa.delete(space_table).where(space_table.c.repo_id == stand.repo.id))
    tasks.look(stand.m, {})
    assert stand.now.stage is Stage.BUILDING


def test_a_log_is_one_stream_over_several_runs_and_can_be_taken_up_where_it_was_lost(stand: Stand):
    def say(run_id: str, text: str) -> None:
        path = stand.m.work / run_id
        path.write_text(text)
        stand.m.store.put(log_key(run_id, 1), path)

    def read_log(last: str = "") -> list[tuple[str, str]]:
        answer = stand.alice.get(f"{stand.path}/logs/build", headers={"last-event-id": last} if last else {})
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [event.split("\n") for event in answer.text.strip().split("\n\n") if event]
        return [(name.removeprefix("id: "), json.loads(data.removeprefix("data: "))["data"]) for name, data in events]

    assert read_log() == []
    stand.push()
    say(stand.run().id, "1000\tone\n2000\ttwo\n")
    stand.lock()
    with stand.alice.stream("GET", f"{stand.path}/logs/build") as answer:  # the build goes on: the stream stays open
        lines = answer.iter_lines()
        assert [next(lines) for _ in range(5)][4] == 'data: {"data":"two\\n","timestamp":"1970-01-01T00:00:02.000Z"}'
    say(stand.run().id, "3000\tthree\n")
    stand.install()
    whole = read_log()
    assert [text for _, text in whole] == ["one\n", "two\n", "three\n"]
    assert read_log(whole[1][0]) == whole[2:]
    assert read_log(whole[2][0]) == []
    say(stand.run().id, "4000\tserving\n")
    stand.play(stand.run().id, "failed", exit_code=1)
    answer = stand.alice.get(f"{stand.path}/logs/run")
    assert '"data":"serving\\n"' in answer.text


ROUTES = [
    ("GET", "runtime", None), ("GET", "host", None), ("GET", "secrets", None), ("GET", "variables", None),
    ("GET", "logs/run", None),
    ("POST", "secrets", {"key": "X", "value": "v"}), ("POST", "variables", {"key": "Y", "value": "v"}),
    ("DELETE", "secrets", {"key": "X"}), ("POST", "hardware", {"flavor": "cpu-basic"}), ("POST", "sleeptime", {"seconds": 60}),
    ("POST", "pause", None), ("POST", "restart", None), ("POST", "storage", {"tier": "small"}), ("DELETE", "storage", None),
    ("PUT", "volumes", {"volumes": []}), ("POST", "dev-mode", {"enabled": False}),
]  # fmt: skip
_READABLE = {"runtime", "host"}


def test_everybody_gets_what_they_may_and_an_outsider_learns_nothing(hub: RunningHub):
    tokens = {name: hub.user(name) for name in ("olga", "wanda", "rita", "mallory")}
    hub.org("acme", olga="admin", wanda="write", rita="read")
    hub.repo("acme/closed", "space", private=True, sdk="static")
    hub.repo("acme/open", "space", sdk="static")
    hub.settle()
    readers = {"rita": hub.http(tokens["rita"]), "olga with a read token": hub.http(hub.token("olga", TokenRole.READ))}
    outsiders = {"mallory": hub.http(tokens["mallory"]), "nobody": hub.http()}

    def ask(client: httpx.Client, space: str, method: str, path: str, body: object) -> httpx.Response:
        return client.request(method, f"/api/spaces/acme/{space}/{path}", json=body)

    for method, path, body in ROUTES:
        for name in ("olga", "wanda"):
            answer = ask(hub.http(tokens[name]), "closed", method, path, body)
            assert answer.status_code in {200, 400}, (name, method, path, answer.text)
        for name, client in readers.items():
            expected = 200 if path in _READABLE else 403
            assert ask(client, "closed", method, path, body).status_code == expected, (name, method, path)
        for name, client in outsiders.items():
            hidden, missing = ask(client, "closed", method, path, body), ask(client, "none", method, path, body)
            assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content), (name, method, path)
            assert hidden.status_code == (401 if name == "nobody" else 404)
            expected = {200} if path in _READABLE else {401, 403}
            assert ask(client, "open", method, path, body).status_code in expected, (name, method, path)


def test_a_hub_that_runs_nothing_says_so_and_still_serves_static_files(tmp_path: Path):
    for hub in run_hub(settings_for(tmp_path / "data", compute="off")):
        stand = Stand(hub)
        stand.push()
        assert stand.now.stage is Stage.STOPPED
        assert stand.runtime["errorMessage"].startswith("This hub runs no programs")
        with pytest.raises(ComputeOff):
            control.wake(stand.m, stand.now)
        stand.alice.post(f"{stand.path}/restart")
        hub.settle()
        assert stand.now.stage is Stage.STOPPED
        assert stand.alice.post(f"{stand.path}/hardware", json={"flavor": "cpu-basic"}).status_code == 501
        stand.push(**{"README.md": "---\nsdk: static\n---\n", "index.html": "hi"})
        assert stand.now.stage is Stage.RUNNING
