"""Processes that check uploads: started when there is something to check, ended when there was nothing for a while.

Processes and not threads: two threads are slower than one here, they hand the interpreter's lock to and fro at every chunk.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Generic, ParamSpec, TypeVar

from tulou.kernel.errors import Busy

P = ParamSpec("P")
T = TypeVar("T")

IDLE_SECONDS = 60.0
LONGEST_SECONDS = 3600.0
"""No single piece of work takes longer: a terabyte is hashed in less."""


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """A call under way, and the children it was given to."""

    future: Future[T]
    pool: ProcessPoolExecutor


class CheckPool:
    """A pool of child processes that exists only while it is used."""

    def __init__(self, processes: int, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self.processes = processes
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._running = 0
        self._timer: threading.Timer | None = None

    def run(self, function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Call a module-level function in a child and wait for it; its exceptions are raised here.

        Raises Busy if the child was killed: the caller's client may try again.
        """
        return self.result(self.submit(function, *arguments, **options))

    def submit(self, function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> Job[T]:
        """Begin to call a module-level function in a child. Raises Busy as `run` does."""
        with self._lock:
            self._running += 1
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            pool = self._pool = self._pool or _start(self.processes)
            try:
                future = pool.submit(function, *arguments, **options)
            except BrokenProcessPool as cause:
                self._forget()
                self._done()
                raise Busy from cause
        future.add_done_callback(self._release)
        return Job(future, pool)

    def result(self, job: Job[T]) -> T:
        """Wait for a call. Raises what its function raised, or Busy."""
        try:
            return job.future.result(LONGEST_SECONDS)
        except (BrokenProcessPool, CancelledError, TimeoutError) as cause:
            with self._lock:
                if self._pool is job.pool:
                    self._forget()
            raise Busy from cause

    def close(self) -> None:
        """End the children at once; what they were doing raises Busy."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            # The pool would let each child end its work, and an upload to a hub that is stopping never ends.
            children = list((self._pool._processes or {}).values()) if self._pool else []  # noqa: SLF001 - 3.14 has kill_workers
            self._forget()
        for child in children:
            child.kill()

    def _release(self, _future: Future[T]) -> None:
        with self._lock:
            self._done()

    def _done(self) -> None:
        self._running -= 1
        if self._running == 0 and self._pool is not None:
            self._timer = threading.Timer(self._idle_seconds, self._end_if_idle)
            self._timer.daemon = True
            self._timer.start()

    def _end_if_idle(self) -> None:
        with self._lock:
            if self._running == 0:
                self._forget()

    def _forget(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _start(processes: int) -> ProcessPoolExecutor:
    # Spawned, not forked: this process has threads, and a forked child would inherit their locks.
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_settle_in)


def _settle_in() -> None:
    """Run below the web server's priority, and end when it ends, however it ends."""
    os.nice(5)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(0)
