"""Keep publishing and collecting apart: nothing is deleted between the moment it is stored and the commit that refers to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from tulou.db.engine import Database

_KEY = 0x7475_6C6F_7501  # the advisory lock of "tulou", number 1


class Turnstile:
    """Many publishers at once, or one collector. A waiting collector goes next, so that publishers cannot starve it.

    Without it this could happen: an upload finds an object stored already; the collector, which saw it unreferenced,
    deletes it; the upload commits a reference to nothing.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._condition = threading.Condition()
        self._publishers = 0
        self._collectors = 0
        self._collecting = False

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Hold while objects are put and until the transaction that refers to them has committed."""
        with self._condition:
            self._condition.wait_for(lambda: not self._collecting and not self._collectors)
            self._publishers += 1
        try:
            with self._across_nodes("pg_advisory_xact_lock_shared"):
                yield
        finally:
            with self._condition:
                self._publishers -= 1
                self._condition.notify_all()

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Hold while unreferenced objects are looked up once more and deleted. Keep it short: uploads wait."""
        with self._condition:
            self._collectors += 1
            self._condition.wait_for(lambda: not self._collecting and self._publishers == 0)
            self._collectors -= 1
            self._collecting = True
        try:
            with self._across_nodes("pg_advisory_xact_lock"):
                yield
        finally:
            with self._condition:
                self._collecting = False
                self._condition.notify_all()

    @contextmanager
    def _across_nodes(self, function: str) -> Iterator[None]:
        """On PostgreSQL hold the same lock in the database, on a connection of its own, for the other nodes."""
        if self._db.is_sqlite:
            yield
            return
        with self._db.engine.connect() as connection, connection.begin():
            connection.execute(sa.select(getattr(sa.func, function)(_KEY)))
            yield
