"""The children that read what is pushed: one stands ready for a while after another was needed, and all end with the hub."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tulou.platform.compute.base import ENDED, Compute
from tulou.platform.tabular.run import PREFIX, Child

IDLE_SECONDS = 600.0
_LEFT_MS = 600_000


class Closing(Exception):
    """The hub is going down: what was begun goes on at the next start."""


class Readers:
    """Hands out children. Loading their libraries takes most of a second: who pushes again need not wait for it."""

    def __init__(self, work: Path, compute: Compute) -> None:
        self._work = work
        self._compute = compute
        self._lock = threading.Lock()
        self._spare: Child | None = None
        self._idle: threading.Timer | None = None
        self._busy: set[Child] = set()
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        """True once the hub goes down."""
        return self._is_closed

    @contextmanager
    def child(self) -> Iterator[Child]:
        """Yield a child for one job, and end it afterwards. Raises Closing."""
        one = self._take()
        try:
            yield one
        finally:
            with self._lock:
                self._busy.discard(one)
            one.close()

    def warm(self) -> None:
        """Have one ready for the next push, for ten minutes."""
        with self._lock:
            if self._is_closed:
                return
            if self._spare is None or not self._spare.is_alive:
                self._drop()
                self._spare = Child(self._work, self._compute)
            if self._idle is not None:
                self._idle.cancel()
            self._idle = threading.Timer(IDLE_SECONDS, self._cool)
            self._idle.daemon = True
            self._idle.start()

    def sweep(self, now: int) -> None:
        """Delete what is left of children whose hub died before it could."""
        for name, seen in self._compute.observe().items():
            if name.startswith(PREFIX) and seen.phase in ENDED and (seen.ended_at or 0) < now - _LEFT_MS:
                self._compute.forget(name)

    def close(self) -> None:
        """End every child. Whoever waits for one hears that it died, and that the hub is closed."""
        with self._lock:
            self._is_closed = True
            if self._idle is not None:
                self._idle.cancel()
            self._drop()
            for one in self._busy:
                one.kill()

    def _take(self) -> Child:
        with self._lock:
            if self._is_closed:
                raise Closing
            one, self._spare = self._spare, None
            if one is not None and not one.is_alive:
                one.close()
                one = None
            one = one or Child(self._work, self._compute)
            self._busy.add(one)
        return one

    def _cool(self) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._spare is not None:
            self._spare.close()
            self._spare = None
