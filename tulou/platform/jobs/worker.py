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
        recurring: dict[str, int],
    ) -> None:  # fmt: skip
        self._db = db
        self._clock = clock
        self._handlers = handlers
        self._subscribers = subscribers
        self._log = log
        self._recurring = recurring
        self._owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin working in a thread of its own."""
        for kind in self._recurring:
            self._put_again(kind)
        self._thread = threading.Thread(target=self._loop, name="worker", daemon=True)
        self._thread.start()

    def wind_down(self) -> None:
        """Take no further task."""
        self._stop.set()
        self._wake.set()

    def stop(self) -> None:
        """Finish the task in hand and end the thread."""
        self.wind_down()
        if self._thread is not None:
            self._thread.join()

    def wake(self) -> None:
        """There is something to do."""
        self._wake.set()

    def drain(self) -> int:
        """Dispatch and run everything that is due now. Returns how many tasks ran."""
        ran = 0
        while outbox.dispatch(self._db, self._clock, self._subscribers):
            pass
        while (claimed := queue.claim(self._db, self._clock, self._owner, list(self._handlers))) is not None:
            self._run(claimed)
            ran += 1
            outbox.dispatch(self._db, self._clock, self._subscribers)
            if self._stop.is_set():
                break
        return ran

    def _loop(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            self.drain()
            if not self._stop.is_set():
                self._wake.wait(POLL_SECONDS)

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
