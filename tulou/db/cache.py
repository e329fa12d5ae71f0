"""Answers kept in memory for as long as nothing at all was committed to the database."""

from __future__ import annotations

from collections.abc import Hashable

from tulou.db.engine import Database

MAX_ENTRIES = 20_000


class VersionedCache:
    """A dictionary that empties itself whenever the database changed. Keeps nothing on PostgreSQL.

    Reading costs 3 µs where a query costs 130 µs; it is what makes a small `resolve` cheap.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._version: tuple[int, int] | None = None
        self._entries: dict[tuple[str, Hashable], object] = {}

    def mark(self) -> tuple[int, int] | None:
        """Return the present version of the database, to be handed to `put` with a value computed after this call."""
        return self._db.version()

    def get(self, space: str, key: Hashable) -> object | None:
        """Return what was put under this key since the last commit to the database, or None."""
        version = self._db.version()
        if version is None:
            return None
        if version != self._version:
            # Concurrent threads may both empty it; neither can bring back an old entry.
            self._entries = {}
            self._version = version
        return self._entries.get((space, key))

    def put(self, mark: tuple[int, int] | None, space: str, key: Hashable, value: object) -> None:
        """Keep a value, unless the database changed since `mark`: then the value may be old already."""
        if mark is not None and mark == self._version == self._db.version() and len(self._entries) < MAX_ENTRIES:
            self._entries[(space, key)] = value
