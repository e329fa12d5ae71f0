"""The loop that makes this machine follow the rows: look at both, and do what is missing.

It remembers nothing that matters: a hub that starts again looks again. Programs outlive the hub, so that looking, not repeating,
is what recovers from a crash.
"""

from __future__ import annotations

import re
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from typing import Any

from tulou.features.runs import finish, launch, probe, queries, room, sources
from tulou.features.runs.model import Run
from tulou.kernel.errors import HubError
from tulou.kernel.events import RunChanged
from tulou.platform.compute.base import ENDED, Observed, Signal, StartFailed
from tulou.platform.events import outbox
from tulou.platform.machinery import Machinery

Log = Callable[[str, dict[str, Any]], None]
LEASE_MS = 60_000
"""A machine that shares the database with others is taken for lost when it did not renew for so long."""
BUSY_SECONDS, LIVE_SECONDS, IDLE_SECONDS = 0.1, 0.5, 5.0
"""How long to rest while something starts or ends, while something runs, and while nothing does."""
SWEEP_MS = 60_000
TRIES = 3
"""How often starting a run may fail for reasons that nobody foresaw."""
_OF_A_ROW = re.compile(r"([0-9a-f]{24})-[0-9]+")
"""Runs that the hub starts beside the rows, such as the viewer's, have other names."""


class Reconciler:
    """Owns its thread from `start` to `stop`. `step` does one round in the caller's thread, for tests."""

    def __init__(self, m: Machinery, log: Log, resolvers: dict[str, sources.Resolver]) -> None:
        self._m = m
        self._log = log
        self._resolvers = resolvers
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._hands = ThreadPoolExecutor(4, thread_name_prefix="runs")
        # Apart: to lay out a large repository takes minutes, and nobody else's run should wait so long for its end.
        self._starters = ThreadPoolExecutor(4, thread_name_prefix="starts")
        self._held: set[str] = set()
        self._failures: Counter[str] = Counter()
        self._not_before: dict[str, float] = {}
        self._lock = threading.Lock()
        self._swept_at = 0
        self._renewed_at = 0
        # Only where other machines could take over is there anybody to make way for.
        self._lease_ms = None if m.db.is_sqlite else LEASE_MS

    def start(self) -> None:
        """Begin to follow."""
        self._thread = threading.Thread(target=self._loop, name="reconciler", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Something changed."""
        self._wake.set()

    def stop(self) -> None:
        """Stop following, and stop the Spaces: the next visitor wakes them. Jobs go on without the hub."""
        self._stopping.set()
        self.wake()
        if self._thread is not None:
            self._thread.join()
            for run in self._rows():
                if run.kind == "space" and run.phase != "pending":
                    self._m.compute.signal(run.machine_id, "stop")
        self._starters.shutdown()
        self._hands.shutdown()

    def step(self) -> float:
        """Look at everything once. Returns after how many seconds to look again if nobody calls."""
        rows = self._rows()
        started = [run for run in rows if run.phase != "pending"]
        seen = self._m.compute.observe([run.machine_id for run in started]) if started else {}
        for run in started:
            if not self._is_held(run):
                self._advance(run, seen.get(run.machine_id))
        taken = self._begin([run for run in rows if run.phase == "pending"], room.Taken(started))
        self._renew(started)
        self._sweep(rows)
        if taken or any(run.phase == "starting" or run.want == "stop" for run in started):
            return BUSY_SECONDS
        return LIVE_SECONDS if rows else IDLE_SECONDS

    def _is_held(self, run: Run) -> bool:
        with self._lock:
            return run.machine_id in self._held or time.monotonic() < self._not_before.get(run.machine_id, 0)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            rest = IDLE_SECONDS
            try:
                rest = self.step()
            except Exception as problem:  # noqa: BLE001 - one round's mistake must not leave every run alone
                self._report("runs.round_failed", problem)
            self._wake.wait(rest)

    def _rows(self) -> list[Run]:
        with self._m.db.read() as connection:
            return queries.live(connection, self._node, self._m.clock.now())

    @cached_property
    def _node(self) -> str:
        return room.here(self._m).name

    def _advance(self, run: Run, seen: Observed | None) -> None:
        if run.node != self._node:
            self._hand(run, lambda: finish.finish(self._m, run, Observed(run.machine_id, "lost", detail="its machine is gone")))
        elif seen is None and run.phase == "starting":
            self._hand(run, lambda: self._launch(run), self._starters)  # the hub died between taking it and starting it
        elif seen is None:
            self._hand(run, lambda: finish.finish(self._m, run, Observed(run.machine_id, "lost", detail="the machine lost it")))
        elif seen.phase in ENDED:
            self._hand(run, lambda: finish.finish(self._m, run, seen))
        else:
            self._follow(run, seen)

    def _begin(self, waiting: list[Run], taken: room.Taken) -> bool:
        """Take what waits and has room, oldest first. Says whether anything was taken or ended."""
        if not waiting:
            return False
        machine = room.here(self._m)
        acted = False
        for run in waiting:
            if run.want == "stop":
                finish.end_unstarted(self._m, run, "stopped", "")
            elif (problem := room.never(machine, run)) is not None:
                finish.end_unstarted(self._m, run, "failed", problem)
            elif not taken.fits(machine, run) or not self._take(run):
                continue
            else:
                taken.add(run)
            acted = True
        return acted

    def _take(self, run: Run) -> bool:
        now = self._m.clock.now()
        lease = now + self._lease_ms if self._lease_ms else None
        with self._m.db.write() as tx:
            if not queries.claim(tx, run, self._node, lease, now):
                return False
        self._hand(run, lambda: self._launch(run), self._starters)
        return True

    def _launch(self, run: Run) -> None:
        try:
            launch.start(self._m, run, self._resolvers, self._lease_ms / 1000 if self._lease_ms else None)
        except (StartFailed, HubError, OSError) as problem:
            detail = problem.strerror or "the disk failed" if isinstance(problem, OSError) else str(problem)
            finish.end_unstarted(self._m, replace(run, phase="starting"), "failed", f"It could not be started: {detail}.")
            self._report("runs.start_failed", problem)

    def _follow(self, run: Run, seen: Observed) -> None:
        """Bring a living run to where it is wanted."""
        if run.want == "stop":
            self._hand(run, lambda: self._m.compute.signal(run.machine_id, "stop"))
        elif run.phase == "starting" and seen.phase == "running":
            self._hand(run, lambda: self._greet(run))
        elif run.phase in {"running", "paused"} and run.want == "pause" and seen.phase == "running":
            self._steer(run, "pause", "paused")
        elif run.phase in {"running", "paused"} and run.want == "run" and seen.phase == "paused":
            self._steer(run, "resume", "running")
        elif run.phase in {"running", "paused"} and run.phase != seen.phase and seen.phase in {"running", "paused"}:
            self._note(run, phase=seen.phase)

    def _steer(self, run: Run, signal: Signal, phase: str) -> None:
        self._m.compute.signal(run.machine_id, signal)
        self._note(run, phase=phase)

    def _greet(self, run: Run) -> None:
        """See whether a program that started answers, as its order says it will."""
        port = run.order.port
        if port is None or probe.answers(self._m, run.machine_id, port):
            self._note(run, phase="running")
        elif self._m.clock.now() > (run.started_at or 0) + run.order.ready_s * 1000:
            detail = f"Nothing answered HTTP on port {port} within {run.order.ready_s:.0f} s."
            with self._m.db.write() as tx:
                queries.change(tx, run, detail=detail)
                queries.want(tx, run.id, "stop")

    def _note(self, run: Run, *, phase: str) -> None:
        with self._m.db.write() as tx:
            if queries.change(tx, run, phase=phase):
                outbox.append(tx, self._m.clock, RunChanged(run.id, run.kind, phase))
                tx.on_commit(self._m.wake)

    def _hand(self, run: Run, work: Callable[[], None], hands: ThreadPoolExecutor | None = None) -> None:
        """Do something slow beside the loop, at most one thing at a time for each run."""
        with self._lock:
            self._held.add(run.machine_id)
        (hands or self._hands).submit(self._handled, run, work)

    def _handled(self, run: Run, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as problem:  # noqa: BLE001 - a later round looks at this run again
            self._report("runs.failed", problem, run=run.id)
            self._give_time(run)
        finally:
            with self._lock:
                self._held.discard(run.machine_id)

    def _give_time(self, run: Run) -> None:
        """Let a run be for a while that the hub could not handle; give up one that it cannot start."""
        self._failures[run.machine_id] += 1
        times = self._failures[run.machine_id]
        self._not_before[run.machine_id] = time.monotonic() + min(60.0, 2.0**times)
        if times >= TRIES and run.phase in {"pending", "starting"}:
            detail = "It could not be started: the hub failed, and its log says how."
            finish.end_unstarted(self._m, replace(run, phase="starting"), "failed", detail)

    def _renew(self, started: list[Run]) -> None:
        now = self._m.clock.now()
        if self._lease_ms is None or not started or now < self._renewed_at + self._lease_ms // 4:
            return
        self._renewed_at = now
        with self._m.db.write() as tx:
            queries.renew(tx, self._node, now + self._lease_ms)
        for run in started:
            self._m.compute.signal(run.machine_id, "renew")

    def _sweep(self, rows: list[Run]) -> None:
        """Forget what the machine still knows and no row needs: leftovers of a crash between row and forgetting."""
        now = self._m.clock.now()
        if now < self._swept_at + SWEEP_MS:
            return
        self._swept_at = now
        needed = {run.machine_id for run in rows}
        for name in self._not_before.keys() - needed:
            del self._not_before[name], self._failures[name]
        known = {name: found[1] for name in self._m.compute.observe() if (found := _OF_A_ROW.fullmatch(name))}
        with self._m.db.read() as connection:
            runs = queries.by_ids(connection, known.values())
        for name, run_id in known.items():
            run = runs.get(run_id)
            if name in needed:
                continue
            if run is None or run.is_over or run.machine_id != name:
                self._forget(name)

    def _forget(self, name: str) -> None:
        try:
            self._m.compute.forget(name)
        except OSError as problem:
            self._report("runs.not_forgotten", problem, machine=name)  # the next sweep tries again; the others go now

    def _report(self, event: str, problem: BaseException, **more: str) -> None:
        self._log(event, {**more, "trace": "".join(traceback.format_exception(problem))})
