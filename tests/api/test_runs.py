"""Rows say what should run; the machine follows, and nothing is lost when the hub or the machine dies."""

from __future__ import annotations

import dataclasses
import threading

import pytest
import sqlalchemy as sa

from tests.fake_compute import FakeCompute
from tulou.db.tables import outbox, run
from tulou.features.runs import finish, history, logs, read, thaw, want
from tulou.features.runs.model import Order, OrderMount, log_key
from tulou.features.runs.reconcile import LEASE_MS, Reconciler
from tulou.platform.blobs.gc import DAY
from tulou.platform.compute.base import Observed, Usage


@pytest.fixture
def machine(hub):
    return FakeCompute()


@pytest.fixture
def m(hub, machine):
    hub.user("alice")
    return dataclasses.replace(hub.m, compute=machine)


@pytest.fixture
def loop(m):
    reports = []
    reconciler = Reconciler(m, lambda event, detail: reports.append((event, detail)), {})
    yield reconciler
    reconciler.stop()
    assert [event for event, _ in reports if event != "runs.start_failed"] == []


def account(m) -> str:
    from tulou.features.accounts import lookup

    found = lookup.by_name(m, "alice")
    assert found is not None
    return found.id


def ask(m, **order) -> str:
    extra = {name: order.pop(name) for name in ("secrets", "attempts", "kind") if name in order}
    with m.db.write() as tx:
        return want.order(
            tx, m, kind=extra.pop("kind", "job"), account_id=account(m), actor_id=None, repo_id=None,
            order=Order(argv=("true",), **order), **extra,
        )  # fmt: skip


def follow(loop, m, run_id, *phases, rounds=500):
    """Take rounds until the run is in one of these phases."""
    for _ in range(rounds):
        loop.step()
        loop._starters.submit(int).result()
        loop._hands.submit(int).result()
        found = read.get(m, run_id)
        if found.phase in phases:
            return found
        loop._wake.wait(0.01)
    raise AssertionError(f"{found.phase}, not {phases}")


def print_and_end(loop, m, machine, run_id, log: bytes) -> None:
    """Let a run start, print this, and succeed."""
    name = follow(loop, m, run_id, "running").machine_id
    machine.logs[name] = log
    machine.runs[name] = Observed(name, "succeeded", 0)
    follow(loop, m, run_id, "succeeded")


def events(m) -> list[str]:
    with m.db.read() as connection:
        return [row.payload for row in connection.execute(sa.select(outbox.c.payload).where(outbox.c.kind == "run.changed"))]


def test_a_run_starts_runs_and_ends_with_its_log_kept_and_its_secrets_erased(m, machine, loop):
    run_id = ask(m, secrets={"TOKEN": "s3cret"}, env={"A": "b"}, memory_mb=100)
    running = follow(loop, m, run_id, "running")
    spec = machine.specs[running.machine_id]
    assert (spec.secrets, spec.env, spec.argv) == ({"TOKEN": "s3cret"}, {"A": "b"}, ("true",))
    machine.logs[running.machine_id] = b"1\thello\n2\tworld\n"
    assert logs.read(m, run_id, 0, 100) == (b"1\thello\n2\tworld\n", False)
    machine.runs[running.machine_id] = Observed(running.machine_id, "failed", 3, "exit code 3", 5, 9, Usage(1, 2, 0.5))
    ended = follow(loop, m, run_id, "failed")
    assert (ended.exit_code, ended.detail, ended.usage.cpu_s, ended.ended_at) == (3, "exit code 3", 0.5, 9)
    assert machine.runs == {}
    assert logs.read(m, run_id, 8, 100) == (b"2\tworld\n", True)
    assert [line.text for line in logs.lines(m, run_id, 0)[0]] == ["hello", "world"]
    assert logs.tail_offset(m, run_id, 1) == 8
    with m.db.read() as connection:
        assert connection.execute(sa.select(run.c.sealed).where(run.c.id == run_id)).scalar() is None
    assert [phase for event in events(m) for phase in ("running", "failed") if f'"{phase}"' in event] == ["running", "failed"]


def test_secrets_are_sealed_for_this_run_alone(m):
    first, second = ask(m, secrets={"TOKEN": "s3cret"}), ask(m, secrets={"TOKEN": "other"})
    with m.db.read() as connection:
        sealed = dict(connection.execute(sa.select(run.c.id, run.c.sealed)).all())
    assert b"s3cret" not in sealed[first]
    from tulou.platform.seal import SealBroken

    with pytest.raises(SealBroken):
        m.sealer.unseal(want.purpose(second), sealed[first])


def test_a_run_waits_until_there_is_room_and_one_that_never_fits_says_so(m, machine, loop):
    large = ask(m, memory_mb=3000)
    follow(loop, m, large, "running")
    small = ask(m, memory_mb=2000)
    never = ask(m, memory_mb=5000)
    assert "at most 4096 MB" in follow(loop, m, never, "failed").detail
    assert read.get(m, small).phase == "pending"
    name = read.get(m, large).machine_id
    machine.runs[name] = Observed(name, "succeeded", 0)
    follow(loop, m, small, "running")


def test_stopping_ends_what_waits_and_what_runs(m, machine, loop):
    running = ask(m, memory_mb=4000)
    follow(loop, m, running, "running")
    waiting = ask(m, memory_mb=4000)
    with m.db.write() as tx:
        want.stop(tx, m, waiting)
        want.stop(tx, m, running)
        want.resume(tx, m, running)  # nothing un-stops a run
    assert follow(loop, m, waiting, "stopped").started_at is None
    follow(loop, m, running, "stopped")


def test_a_run_freezes_and_thaws_at_once(m, machine, loop):
    run_id = ask(m)
    follow(loop, m, run_id, "running")
    with m.db.write() as tx:
        want.pause(tx, m, run_id)
    follow(loop, m, run_id, "paused")
    thaw.now(m, run_id)
    assert read.get(m, run_id).phase == "running"
    assert machine.signals[-1] == (read.get(m, run_id).machine_id, "resume")
    loop.step()
    assert read.get(m, run_id).phase == "running"


def test_a_run_that_cannot_start_says_why_and_leaves_the_rest_alone(m, machine, loop):
    machine.refuse = "no such image"
    assert follow(loop, m, ask(m), "failed").detail == "It could not be started: no such image."
    machine.refuse = ""
    missing = ask(m, mounts=(OrderMount("env:nope", "/env"),))
    assert "build it again" in follow(loop, m, missing, "failed").detail
    follow(loop, m, ask(m), "running")


def test_a_program_that_never_answers_is_stopped_and_fails(m, machine, loop):
    run_id = ask(m, port=7860, ready_s=-1)
    assert "Nothing answered HTTP on port 7860" in follow(loop, m, run_id, "failed").detail


def test_a_hub_that_starts_again_carries_on_where_the_machine_is(m, machine, loop):
    run_id = ask(m)
    follow(loop, m, run_id, "running")
    again = Reconciler(m, lambda _event, _detail: None, {})
    name = read.get(m, run_id).machine_id
    machine.logs[name] = b"1\tdone\n"
    machine.runs[name] = Observed(name, "succeeded", 0)
    follow(again, m, run_id, "succeeded")
    assert m.store.size(log_key(run_id, 1)) == 7
    again.stop()


def test_a_crash_between_the_end_and_forgetting_leaves_nothing_behind(m, machine, loop):
    run_id = ask(m)
    follow(loop, m, run_id, "running")
    name = read.get(m, run_id).machine_id
    machine.runs[name] = Observed(name, "succeeded", 0)
    forgotten, machine.forget = machine.forget, lambda _run_id: None
    follow(loop, m, run_id, "succeeded")
    machine.runs["viewer-1"] = Observed("viewer-1", "running")
    assert name in machine.runs
    machine.forget = forgotten
    loop._swept_at = 0
    loop.step()
    assert list(machine.runs) == ["viewer-1"]


def test_what_fails_is_tried_again_as_often_as_asked_and_every_log_is_kept(m, machine, loop):
    run_id = ask(m, attempts=2)
    first = follow(loop, m, run_id, "running")
    machine.logs[first.machine_id] = b"1\tfirst\n"
    machine.runs[first.machine_id] = Observed(first.machine_id, "failed", 1)
    for _ in range(50):
        loop.step()
        second = read.get(m, run_id)
        if second.attempt == 2 and second.phase == "running":
            break
        loop._wake.wait(0.01)
    machine.logs[second.machine_id] = b"2\tsecond\n"
    assert logs.read(m, run_id, 0, 100)[0] == b"1\tfirst\n"
    assert logs.read(m, run_id, 8, 100) == (b"2\tsecond\n", False)
    machine.runs[second.machine_id] = Observed(second.machine_id, "failed", 1)
    assert follow(loop, m, run_id, "failed").attempt == 2
    assert logs.read(m, run_id, 8, 100) == (b"2\tsecond\n", True)
    assert logs.length(m, run_id) == 17


def test_a_run_whose_machine_let_its_lease_go_is_carried_on_by_another(m, machine, loop):
    run_id = ask(m, attempts=2)
    follow(loop, m, run_id, "running")
    with m.db.write() as tx:
        tx.execute(sa.update(run).values(lease_until=m.clock.now() + LEASE_MS))
    elsewhere = dataclasses.replace(m, compute=FakeCompute(name="there"))
    other = Reconciler(elsewhere, lambda _event, _detail: None, {})
    other.step()
    assert read.get(m, run_id).node == "here"
    with m.db.write() as tx:
        tx.execute(sa.update(run).values(lease_until=m.clock.now() - 1))
    for _ in range(50):
        other.step()
        found = read.get(m, run_id)
        if found.node == "there" and found.phase == "running":
            break
        other._wake.wait(0.01)
    assert (found.node, found.attempt) == ("there", 2)
    other.stop()


def test_the_end_of_a_run_is_written_once(m, machine, loop):
    run_id = ask(m)
    seen = follow(loop, m, run_id, "running")
    finish.finish(m, seen, Observed(seen.machine_id, "succeeded", 0))
    finish.finish(m, seen, Observed(seen.machine_id, "failed", 1))
    assert read.get(m, run_id).phase == "succeeded"
    assert sum('"succeeded"' in event or '"failed"' in event for event in events(m)) == 1


def test_the_logs_of_several_runs_read_as_one(m, machine, loop):
    first, second = ask(m), ask(m)
    for run_id, text in ((first, b"1\ta\n2\tb\n"), (second, b"3\tc\n")):
        print_and_end(loop, m, machine, run_id, text)
    found, offset, seen = [], 0, []
    while True:
        lines, offset, is_end = logs.several(m, [first, second], offset)
        found += [line.text for line in lines]
        seen += [line.end for line in lines]
        if is_end and not lines:
            break
    assert (found, seen) == (["a", "b", "c"], [4, 8, 12])
    assert [line.text for line in logs.several(m, [first, second], 4)[0]] == ["b"]
    assert [line.text for line in logs.several(m, [first, second], 8)[0]] == ["c"]
    assert logs.several(m, [], 0) == ([], 0, True)


def everything(m, run_id: str, offset: int = 0) -> list[str]:
    """Read a log as its viewers do."""
    found: list[str] = []
    for _ in range(100):
        lines, offset, is_end = logs.lines(m, run_id, offset)
        found += [line.text for line in lines]
        if is_end and not lines:
            return found
    raise AssertionError("the log has no end")


def test_a_line_longer_than_any_block_does_not_end_the_log_for_its_readers(m, machine, loop):
    run_id = ask(m)
    long = "\N{GRINNING FACE}" * 16_384  # the longest line that is kept: its letters have four bytes
    name = follow(loop, m, run_id, "running").machine_id
    machine.logs[name] = f"1764000000000\t{long}\n1764000000001\tlast\n".encode()
    assert [line.text for line in logs.lines(m, run_id, 0)[0]] == [long, "last"]
    machine.runs[name] = Observed(name, "succeeded", 0)
    follow(loop, m, run_id, "succeeded")
    assert everything(m, run_id) == [long, "last"]


def test_a_log_is_read_from_the_middle_of_any_line(m, machine, loop):
    run_id = ask(m)
    name = follow(loop, m, run_id, "running").machine_id
    machine.logs[name] = b"1764000000000\t" + b"9" * 6_000 + b"\n"
    assert [(line.at, len(line.text)) for line in logs.lines(m, run_id, 20)[0]] == [(0, 0)]


def test_an_attempt_that_printed_nothing_or_half_a_line_hides_no_later_one(m, machine, loop):
    run_id = ask(m, attempts=3)
    for attempt, text in ((1, b""), (2, b"1\thalf"), (3, b"2\twhole\n")):
        for _ in range(1000):
            found = follow(loop, m, run_id, "running")
            if found.attempt == attempt:
                break
            loop._wake.wait(0.01)
        assert found.attempt == attempt
        machine.logs[found.machine_id] = text
        machine.runs[found.machine_id] = Observed(found.machine_id, "failed" if attempt < 3 else "succeeded", int(attempt < 3))
        loop.step()
    follow(loop, m, run_id, "succeeded")
    assert everything(m, run_id) == ["half", "whole"]
    assert logs.length(m, run_id) == len(b"1\thalf\n2\twhole\n")


def test_the_end_of_the_logs_of_several_runs_is_found_without_reading_all(m, machine, loop):
    first, second = ask(m), ask(m)
    for run_id, text in ((first, b"1\ta\n2\tb\n"), (second, b"3\tc\n")):
        print_and_end(loop, m, machine, run_id, text)
    assert [logs.tail_of_several(m, [first, second], count) for count in (0, 1, 2, 3, 9)] == [12, 8, 4, 0, 0]
    assert logs.tail_of_several(m, [], 5) == 0


def test_runs_that_take_long_to_lay_out_keep_nobody_from_ending(m, machine, loop):
    going = ask(m)
    follow(loop, m, going, "running")
    free, start = threading.Event(), machine.start
    machine.start = lambda spec: (free.wait(30), start(spec))
    slow = [ask(m, memory_mb=64) for _ in range(6)]
    try:
        loop.step()
        with m.db.write() as tx:
            want.stop(tx, m, going)
        for _ in range(100):
            loop.step()
            loop._hands.submit(int).result()
            if read.get(m, going).is_over:
                break
        assert read.get(m, going).phase == "stopped"
        assert {read.get(m, each).phase for each in slow} <= {"pending", "starting"}
    finally:
        free.set()
    machine.start = start
    for each in slow:
        follow(loop, m, each, "running")


def test_a_leftover_that_cannot_be_deleted_keeps_no_other_one(m, machine, loop):
    names = [f"{number:024x}-1" for number in range(3)]
    machine.runs |= {name: Observed(name, "failed") for name in names}
    forget, reports = machine.forget, []

    def stubborn(name: str) -> None:
        if name == names[0]:
            raise OSError("it is held")
        forget(name)

    machine.forget = stubborn
    sweeper = Reconciler(m, lambda event, _detail: reports.append(event), {})
    sweeper.step()
    sweeper.stop()
    assert (list(machine.runs), reports) == ([names[0]], ["runs.not_forgotten"])


def test_a_run_that_the_hub_cannot_start_is_given_up_after_a_few_tries(m, machine, loop):
    reports = []
    patient = Reconciler(m, lambda event, _detail: reports.append(event), {})
    patient._not_before = _Never()  # no waiting between the tries
    start, machine.start = machine.start, lambda spec: spec.nothing
    run_id = ask(m)
    found = follow(patient, m, run_id, "failed", rounds=200)
    assert "its log says how" in found.detail
    assert reports == ["runs.failed"] * 3
    machine.start = start
    follow(patient, m, ask(m), "running")
    patient.stop()


class _Never(dict):
    def __setitem__(self, key, value):
        """Forget."""


def test_old_runs_go_with_their_logs_but_the_last_of_a_space_stays(m, machine, loop):
    old_job, first, last = ask(m), ask(m, kind="space"), ask(m, kind="space")
    for run_id in (old_job, first, last):
        print_and_end(loop, m, machine, run_id, b"1\told\n")
    long_ago = m.clock.now() - (m.settings.run_history_days + 1) * DAY
    with m.db.write() as tx:
        tx.execute(sa.update(run).values(ended_at=long_ago, repo_id="6b0000000000000000000000"))
        tx.execute(sa.update(run).where(run.c.id == first).values(created_at=long_ago))
    new_job = ask(m)
    history.task(dataclasses.replace(m, settings=dataclasses.replace(m.settings, run_history_days=0)), {})
    assert read.get(m, old_job) is not None
    history.task(m, {})
    assert [read.get(m, each) is not None for each in (old_job, first, last, new_job)] == [False, False, True, True]
    assert [m.store.size(log_key(each, 1)) for each in (old_job, first, last)] == [None, None, 6]
