"""Open the database and hand out transactions: many readers, one writer at a time on SQLite."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, make_url

from tulou.fsio import faults
from tulou.kernel.errors import SettingError, StorageFull

_PRAGMAS = (
    "journal_mode=WAL",
    # FULL: NORMAL loses acknowledged commits in a power cut (measured, RELIABILITY §2).
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=30000",
    "cache_size=-8000",
    "temp_store=MEMORY",
)

_PG_DISK_FULL = "53100"
LOOK_SECONDS = 0.001
"""How old the answer may be to whether another process wrote to a SQLite file. Asking costs as much as routing a request."""


class Tx:
    """One write transaction. Everything done through it becomes true together, or not at all."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.after_commit: list[Callable[[], None]] = []

    def execute(self, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]:
        """Run one statement."""
        return self.connection.execute(statement, parameters)

    def on_commit(self, call: Callable[[], None]) -> None:
        """Call this once the transaction is durable; not at all if it fails."""
        self.after_commit.append(call)


class Database:
    """A SQLite file or a PostgreSQL server behind the same three verbs: read, write, version."""

    def __init__(self, url: str) -> None:
        parsed = _parse(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._writer = threading.RLock()
        self._local_writes = 0
        self._watch: sqlite3.Connection | None = None
        self._seen, self._look_at = 0, 0.0
        options: dict[str, Any] = {} if self.is_sqlite else {"pool_size": 16, "max_overflow": 16, "pool_pre_ping": True}
        # Errors go to the log: what was being written has no business there.
        self.engine = sa.create_engine(parsed, hide_parameters=True, **options)
        sa.event.listen(self.engine, "handle_error", _name_full_disk)
        if self.is_sqlite:
            self._prepare_sqlite(Path(str(parsed.database)))

    def _prepare_sqlite(self, path: Path) -> None:
        @sa.event.listens_for(self.engine, "connect")
        def configure(connection: Any, _record: Any) -> None:
            connection.isolation_level = None  # SQLAlchemy's "begin" event below says when
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")

        @sa.event.listens_for(self.engine, "begin")
        def begin(connection: Connection) -> None:
            wants_write = connection.get_execution_options().get("tulou_write", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if wants_write else "BEGIN")

        with self.engine.connect():
            pass  # creates the file, so that the watcher below can open it
        self._watch = sqlite3.connect(path, check_same_thread=False, isolation_level=None)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection with one consistent view. Nothing written through it is kept."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Yield a transaction that commits when the block ends, and rolls back when it raises."""
        if not self.is_sqlite:
            with self.engine.begin() as connection:
                tx = Tx(connection)
                yield tx
                faults.point("db.commit")
        else:
            # The lock gives writers of this process their turn in order; SQLite's own would make them poll.
            with self._writer, self.engine.connect().execution_options(tulou_write=True) as connection, connection.begin():
                tx = Tx(connection)
                yield tx
                faults.point("db.commit")
            self._local_writes += 1
            self._look_at = 0.0
        faults.point("db.committed")
        for call in tx.after_commit:
            call()

    def version(self) -> tuple[int, int] | None:
        """Return a value that changes with every commit of any process, or None where that is not known.

        What was read from the database may be kept in memory for as long as this value stays the same. It changes at
        once for commits of this process, and within `LOOK_SECONDS` for those of others.
        """
        if self._watch is None:
            return None
        now = time.monotonic()
        if now >= self._look_at:
            self._seen = self._watch.execute("PRAGMA data_version").fetchone()[0]
            self._look_at = now + LOOK_SECONDS
        return self._local_writes, self._seen

    def close(self) -> None:
        """Close every connection."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        self.engine.dispose()


def _name_full_disk(context: sa.engine.ExceptionContext) -> None:
    """Raise StorageFull where the database says that in words of its own."""
    problem = context.original_exception
    is_full = getattr(problem, "sqlite_errorname", "") == "SQLITE_FULL" or getattr(problem, "sqlstate", "") == _PG_DISK_FULL
    if is_full:
        raise StorageFull from problem


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError as cause:
        raise SettingError("TULOU_DATABASE_URL is not a database URL.") from cause
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        return parsed
    raise SettingError("TULOU_DATABASE_URL must begin with sqlite:/// or postgresql://.")


def insert_or_ignore(tx: Tx, table: sa.Table, values: dict[str, Any] | list[dict[str, Any]]) -> int:
    """Insert rows, leaving those whose key is there already as they are. Returns how many were new."""
    if not values:
        return 0
    insert = sqlite.insert(table) if tx.connection.dialect.name == "sqlite" else postgresql.insert(table)
    statement = insert.values(values).on_conflict_do_nothing()
    # Without the option SQLAlchemy forgets the count of an INSERT, and PostgreSQL's driver has nothing else to ask.
    return tx.execute(statement.execution_options(preserve_rowcount=True)).rowcount
