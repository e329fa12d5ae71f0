"""Run background tasks in threads of this process: dispatch the outbox, claim, keep the lease, finish."""

from __future__ import annotations

import os
import secrets
import threading
import traceback
from collections.abc import Callable
from typing import Any

from tulou.db.engine import Database
from tulou.kernel.clock import Clock
from tulou.platform.events import outbox
from tulou.platform.jobs import queue

Handler = Callable[[dict[str, Any]], None]
Log = Callable[[str, dict[str, Any]], None]
POLL_SECONDS = 5.0


class Worker:
    """Owns its threads from `start` to `stop`. `drain` does the same work in the caller's thread, for tests and the CLI."""

    def __init__(
        self, db: Database, clock: Clock, handlers: dict[str, Handler], subscribers: list[outbox.Subscriber], log: Log,
        recurring: dict[str, int], slow: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self._db = db
        self._clock = clock
        self._handlers = handlers
        self._subscribers = subscribers
        self._log = log
        self._recurring = recurring
        self._owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        # Slow kinds have a thread of their own: minutes of converting a file must not keep cards out of date.
        self._lanes = [(sorted(handlers.keys() - slow), threading.Event()), (sorted(handlers.keys() & slow), threading.Event())]
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin working in threads of its own."""
        for kind in self._recurring:
            self._put_again(kind)
        for number, (kinds, wake) in enumerate(self._lanes):
            thread = threading.Thread(target=self._loop, args=(kinds, wake), name=f"worker-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def wind_down(self) -> None:
        """Take no further task."""
        self._stop.set()
        self.wake()

    def stop(self) -> None:
        """Finish the tasks in hand and end the threads."""
        self.wind_down()
        for thread in self._threads:
            thread.join()

    def wake(self) -> None:
        """There is something to do."""
        for _kinds, wake in self._lanes:
            wake.set()

    def drain(self) -> int:
        """Dispatch and run everything that is due now. Returns how many tasks ran."""
        return self._drain(sorted(self._handlers))

    def _drain(self, kinds: list[str]) -> int:
        ran = 0
        while outbox.dispatch(self._db, self._clock, self._subscribers):
            pass
        while (claimed := queue.claim(self._db, self._clock, self._owner, kinds)) is not None:
            self._run(claimed)
            ran += 1
            outbox.dispatch(self._db, self._clock, self._subscribers)
            if self._stop.is_set():
                break
        return ran

    def _loop(self, kinds: list[str], wake: threading.Event) -> None:
        while not self._stop.is_set():
            wake.clear()
            self._drain(kinds)
            if not self._stop.is_set():
                wake.wait(POLL_SECONDS)

    def _run(self, claimed: queue.Task) -> None:
        if claimed.attempts > claimed.max_attempts:
            queue.fail(self._db, self._clock, claimed, "the worker died too often on this task")
            return
        ended = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(claimed, ended), name="lease", daemon=True)
        keeper.start()
        try:
            self._handlers[claimed.kind](claimed.payload)
        except Exception as problem:  # noqa: BLE001 - a task's mistake must not end the worker
            queue.fail(self._db, self._clock, claimed, repr(problem))
            event = "task.interrupted" if self._stop.is_set() else "task.failed"
            trace = "".join(traceback.format_exception(problem))
            self._log(event, {"task": claimed.kind, "id": claimed.id, "trace": trace})
        else:
            queue.finish(self._db, self._clock, claimed)
        finally:
            ended.set()
            keeper.join()
            if claimed.kind in self._recurring:
                self._put_again(claimed.kind)

    def _put_again(self, kind: str) -> None:
        with self._db.write() as tx:
            queue.put(tx, self._clock, kind, {}, key=kind, delay_ms=self._recurring[kind])

    def _keep(self, claimed: queue.Task, ended: threading.Event) -> None:
        while not ended.wait(queue.LEASE_MS / 3000):
            queue.extend(self._db, self._clock, claimed)
