"""What a client says a job should be, when a schedule is due, and what stands in for which image."""

from __future__ import annotations

import platform
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.features.jobs import stage
from tulou.features.jobs.stage import PHASES, Stage
from tulou.features.runs.flavors import LEAST_MB, shares
from tulou.features.runs.images import _host_notes as host_notes
from tulou.features.runs.images import is_name
from tulou.features.runs.model import Order, Run
from tulou.kernel.errors import BadInput, NotBuilt
from tulou.platform.compute.base import ENDED, Usage
from tulou.wire import cron
from tulou.wire.job_spec import JobSpec, parse_job, parse_labels

GOOD = {"dockerImage": "python:3.11", "command": ["python"]}
MINOR = ".".join(platform.python_version_tuple()[:2])


def test_what_clients_send_is_read_and_written_down_as_it_was():
    volume = {"type": "dataset", "source": "a/b", "mountPath": "/data/", "revision": "main", "path": "/sub/", "readOnly": True}
    asked = parse_job({
        **GOOD, "arguments": ["-V"], "environment": {"A": "1", "B": 2}, "secrets": {"S": "x"}, "flavor": "cpu-upgrade",
        "timeoutSeconds": 60, "attempts": 3, "labels": {"name": "n"}, "volumes": [volume, {"source": "a/c", "mountPath": "/m"}],
    })  # fmt: skip
    assert asked.spec.environment == {"A": "1", "B": "2"}
    assert (asked.spec.timeout_s, asked.spec.attempts, asked.secrets, asked.labels) == (60, 3, {"S": "x"}, {"name": "n"})
    assert asked.spec.volumes[0].shown() == {**volume, "mountPath": "/data", "path": "sub"}
    assert (asked.spec.volumes[1].type, asked.spec.volumes[1].read_only) == ("model", True)
    assert JobSpec.load(asked.spec.dump()) == asked.spec
    assert "x" not in repr(asked).replace("spec", "").replace("exec", "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"dockerImage": None}, {"dockerImage": "a" * 301}, {"dockerImage": 3}, {"command": "python"}, {"command": []},
        {"command": [1]}, {"command": ["a\0b"]}, {"command": ["a" * 99_000]}, {"arguments": {"a": 1}}, {"environment": []},
        {"environment": {"1A": "x"}}, {"environment": {"A=B": "x"}}, {"environment": {"A": None}}, {"environment": {"A": "\0"}},
        {"environment": {"A": "x" * 300_000}}, {"environment": {f"A{i}": "" for i in range(501)}}, {"secrets": {"a b": "x"}},
        {"flavor": 1}, {"timeoutSeconds": 0}, {"timeoutSeconds": -1}, {"timeoutSeconds": 1.5}, {"timeoutSeconds": True},
        {"timeoutSeconds": 10**9}, {"timeoutSeconds": "5m"}, {"attempts": 0}, {"attempts": 11}, {"labels": {"a b": "c"}},
        {"labels": {"a": "c d"}}, {"labels": {"a": 1}}, {"labels": ["a"]}, {"labels": {f"l{i}": "" for i in range(51)}},
        {"volumes": {}}, {"volumes": [1]}, {"volumes": [{}]}, {"volumes": [{"source": "a/b"}]},
        {"volumes": [{"source": "a/b", "mountPath": "/x", "type": "kernel"}]},
        {"volumes": [{"source": "a/b", "mountPath": "/x", "readOnly": "no"}]},
        {"volumes": [{"source": "a/b", "mountPath": "/x", "path": "../up"}]},
        {"volumes": [{"source": "a/b", "mountPath": "/x", "path": "a/../../up"}]},
        {"volumes": [{"source": "a/b", "mountPath": "/x"}, {"source": "a/c", "mountPath": "/x"}]},
        {"volumes": [{"source": "a/b", "mountPath": place} for place in ("/x/y", "/x-z", "/x")]},
        *({"volumes": [{"source": "a/b", "mountPath": place}]} for place in (
            "x", "", "/", "//x", "/x//y", "/x/../y", "/./x", "/proc/1", "/etc", "/env", "/usr/lib", "/dev/shm", "/tmp",
            "/home/user", "/a\nb", "/run", "/x\0",
        )),
    ],
)  # fmt: skip
def test_what_is_no_job_is_refused_in_words(wrong):
    with pytest.raises(BadInput) as refused:
        parse_job({**GOOD, **wrong})
    assert refused.value.message.endswith((".", "data"))


@pytest.mark.parametrize(
    "unbuilt",
    [
        {"spaceId": "a/b"}, {"expose": {"ports": [80], "portsPublic": []}}, {"ssh": {"enabled": True}},
        {"network": {"group": "g"}}, {"resourceGroupId": "x"},
        {"volumes": [{"source": "a/b", "mountPath": "/x", "readOnly": False}]},
    ],
)  # fmt: skip
def test_what_this_hub_cannot_do_is_refused_and_not_dropped(unbuilt):
    with pytest.raises(NotBuilt):
        parse_job({**GOOD, **unbuilt})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from(["dockerImage", "command", "arguments", "environment", "secrets", "volumes", "labels", "attempts"])


@given(st.dictionaries(_FIELDS, _JSON))
def test_no_body_breaks_the_reader(body):
    try:
        asked = parse_job({**GOOD, **body})
    except BadInput:
        return
    assert JobSpec.load(asked.spec.dump()) == asked.spec


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader_of_schedules(text):
    try:
        schedule = cron.parse(text)
    except BadInput:
        return
    assert cron.next_after(schedule, 0) > 0


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        ("* * * * *", "2026-11-24T10:00:00", "2026-11-24T10:01:00"),
        ("@hourly", "2026-11-24T10:00:01", "2026-11-24T11:00:00"),
        (" 0  9 * * 1 ", "2026-11-24T10:00:00", "2026-11-30T09:00:00"),
        ("@monthly", "2026-12-31T23:59:59", "2027-01-01T00:00:00"),
        ("0 0 29 2 *", "2026-11-24T10:00:00", "2028-02-29T00:00:00"),
        ("*/15 8-9 * * mon-fri", "2026-11-27T09:45:00", "2026-11-30T08:00:00"),
    ],
)  # fmt: skip
def test_schedules_are_due_in_utc(schedule, after, due):
    start = int(datetime.fromisoformat(after).replace(tzinfo=UTC).timestamp() * 1000)
    found = cron.next_after(cron.parse(schedule), start)
    assert datetime.fromtimestamp(found / 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S") == due
    assert found > start


@pytest.mark.parametrize(
    "never",
    [
        "", "@reboot", "* * * *", "* * * * * *", "60 * * * *", "0 0 31 2 *", "R * * * *", "H H * * *", "*/0 * * * *", "x",
        "0 9 * * 1;rm",
    ],
)  # fmt: skip
def test_what_is_never_due_or_due_by_chance_is_refused(never):
    with pytest.raises(BadInput):
        cron.parse(never)


def run_in(phase: str, **more: object) -> Run:
    order = Order(("x",), memory_mb=512, timeout_s=30.0)
    values: dict[str, object] = {"exit_code": None, "detail": "", "attempt": 1, "attempts": 1, "started_at": None}
    return Run(
        id="r", kind="job", account_id="a", actor_id=None, repo_id=None, order=order, want="run", phase=phase, node=None,
        usage=Usage(), log_bytes=None, created_at=1_000, **{**values, "ended_at": None, **more},  # type: ignore[arg-type]
    )  # fmt: skip


def test_every_phase_of_a_run_is_one_stage_of_a_job():
    phases = [phase for phases in PHASES.values() for phase in phases]
    assert sorted(phases) == sorted({"pending", "starting", "running", "paused"} | ENDED)
    for name, phases in PHASES.items():
        assert {stage.of(run_in(phase)) for phase in phases} == {name}
    assert {phase for name in (Stage.COMPLETED, Stage.CANCELED, Stage.ERROR) for phase in PHASES[name]} == ENDED


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (run_in("failed", exit_code=3), "Job failed with exit code 3"),
        (run_in("oom"), "Job ran out of memory: it may use 512 MB"),
        (run_in("timeout"), "Job timeout: it may run 30 s"),
        (run_in("lost", detail="it is gone"), "The machine was lost: it is gone"),
        (run_in("failed", detail="Why."), "Why."),
        (run_in("succeeded"), None), (run_in("stopped"), None), (run_in("running"), None),
        (run_in("pending", attempt=2, attempts=3), "Waiting for room on this hub (attempt 2 of 3)"),
    ],
)  # fmt: skip
def test_the_ends_of_jobs_are_told_apart(run, says):
    assert stage.message(run) == says


def test_durations_count_waiting_and_running_apart():
    assert stage.durations(run_in("pending"), 5_000) == stage.Durations(None, None, 4)
    assert stage.durations(run_in("running", started_at=3_500), 9_000) == stage.Durations(2, 5, 8)
    assert stage.durations(run_in("failed", started_at=3_500, ended_at=4_600), 99_000) == stage.Durations(2, 1, 3)


@pytest.mark.parametrize(
    ("image", "stands_in"),
    [
        ("python", True), ("python:3", True), (f"python:{MINOR}", True), (f"python:{MINOR}-slim-bookworm", True), ("uv", True),
        (f"docker.io/library/python:{MINOR}", True), ("ghcr.io/astral-sh/uv:python3.12-bookworm", True), ("python:latest", True),
        ("python:3.6", False), ("python:2.7", False), (f"python:{MINOR}-alpine", False), ("ubuntu", False), ("", False),
        ("evil/python:3", False), ("python:3\n", False), ("pythonx", False), ("ghcr.io/evil/uv", False), ("python:3.", False),
    ],
)  # fmt: skip
def test_this_machines_python_stands_in_for_its_own_images_only(image, stands_in):
    assert (host_notes(image) is not None) is stands_in


def test_a_python_that_is_not_quite_the_one_asked_for_is_said():
    assert host_notes(f"python:{MINOR}.999") != () != host_notes("ghcr.io/astral-sh/uv:python3.6-bookworm")
    assert host_notes(f"python:{platform.python_version()}") == () == host_notes(f"ghcr.io/astral-sh/uv:python{MINOR}-alpine")


@pytest.mark.parametrize(("name", "good"), [
    ("ubuntu", True), ("pytorch/pytorch:2.6.0-cuda12.4", True), ("a@sha256:00", True), ("", False), ("../x", False),
    ("a/../b", False), ("/a", False), ("a//b", False), ("a b", False), ("a/", False), (".a", False), ("a" * 201, False),
    ("a\n", False),
])  # fmt: skip
def test_names_of_images_are_no_paths(name, good):
    assert is_name(name) is good


@given(st.integers(1, 512), st.integers(256, 4_000_000))
def test_every_machine_has_a_smallest_flavour_and_none_gives_more_than_there_is(cpus, memory_mb):
    found = shares(float(cpus), memory_mb)
    assert found[0].name == "cpu-basic"
    assert found[0].memory_mb >= min(LEAST_MB, memory_mb)
    assert all(0 < f.memory_mb <= memory_mb and f.cpus <= cpus for f in found)
    pairs = [(f.cpus, f.memory_mb) for f in found]
    assert pairs == sorted(set(pairs))


def test_labels_may_be_empty_but_not_strange():
    assert parse_labels({"name": "", "a.b-c_d": "x.y"}) == {"name": "", "a.b-c_d": "x.y"}
    assert parse_labels(None) == {}
