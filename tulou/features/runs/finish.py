"""Write down how a run ended, for good."""

from __future__ import annotations

import json
from dataclasses import asdict

from tulou.features.accounts import tokens
from tulou.features.runs import queries
from tulou.features.runs.model import Run, log_key
from tulou.fsio import atomic
from tulou.kernel.events import RunChanged
from tulou.platform.compute.base import Observed
from tulou.platform.events import outbox
from tulou.platform.machinery import Machinery

CHUNK = 1 << 20
RETRIED = frozenset({"failed", "oom", "lost"})
LOST_MACHINES = 2
"""How many machines a job may lose beyond its attempts."""


def finish(m: Machinery, run: Run, seen: Observed) -> None:
    """Keep the log, write the end down, and let the machine forget the attempt.

    Write order: 1 the log in the store   2 row, secrets, token and event in one transaction   3 forgotten.
    Crash after 1: the machine still knows the run, so all of it happens again. After 2: the reconciler sweeps what no row needs.
    """
    log_bytes = _keep_log(m, run)
    phase = "failed" if seen.phase == "stopped" and run.detail else seen.phase
    # That a machine is lost is no fault of the program: a job starts again, however often it may be tried.
    more = LOST_MACHINES if phase == "lost" and run.kind == "job" else 0
    if phase in RETRIED and run.attempt < run.attempts + more and run.want != "stop":
        _again(m, run)
    else:
        _end(m, run, seen, phase, log_bytes)
    m.compute.forget(run.machine_id)
    m.wake()


def end_unstarted(m: Machinery, run: Run, phase: str, detail: str) -> None:
    """End a run that never came to run."""
    with m.db.write() as tx:
        if queries.change(tx, run, phase=phase, detail=detail, ended_at=m.clock.now(), sealed=None, log_bytes=0):
            tokens.revoke_of_run(tx, m, queries.token_of(tx, run.id))
            outbox.append(tx, m.clock, RunChanged(run.id, run.kind, phase))
            tx.on_commit(m.wake)


def _keep_log(m: Machinery, run: Run) -> int:
    path = atomic.temporary_file(m.work, "log")
    size, ends = 0, b""
    try:
        with path.open("wb") as file:
            while chunk := m.compute.read_log(run.machine_id, size, CHUNK):
                file.write(chunk)
                size += len(chunk)
                ends = chunk[-1:]
            if size and ends != b"\n":
                size += file.write(b"\n")  # cut by a full disk; readers wait for whole lines
        if size:
            m.store.put(log_key(run.id, run.attempt), path)
    finally:
        atomic.remove(path)
    return size


def _again(m: Machinery, run: Run) -> None:
    with m.db.write() as tx:
        changed = queries.change(
            tx, run, phase="pending", attempt=run.attempt + 1, node=None, lease_until=None, started_at=None, detail=""
        )
        if changed:
            outbox.append(tx, m.clock, RunChanged(run.id, run.kind, "pending"))


def _end(m: Machinery, run: Run, seen: Observed, phase: str, log_bytes: int) -> None:
    usage = json.dumps(asdict(seen.usage))
    started, ended = seen.started_at or run.started_at, seen.ended_at or m.clock.now()
    with m.db.write() as tx:
        changed = queries.change(
            tx, run, phase=phase, exit_code=seen.exit_code, detail=run.detail or seen.detail, usage=usage,
            started_at=started, ended_at=ended, sealed=None, log_bytes=log_bytes,
        )  # fmt: skip
        if changed:
            tokens.revoke_of_run(tx, m, queries.token_of(tx, run.id))
            outbox.append(tx, m.clock, RunChanged(run.id, run.kind, phase))
