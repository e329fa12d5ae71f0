"""The tables that the program uses and the tables that its migrations make are the same."""

from __future__ import annotations

import warnings
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.services import PostgresServer
from tulou.db.engine import Database
from tulou.db.migrate import current, revisions, upgrade
from tulou.db.tables import metadata
from tulou.kernel.errors import SettingError


def differences(db: Database) -> list[object]:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with db.read() as connection, warnings.catch_warnings():
        # SQLite stores indexes with conditions as text that SQLAlchemy cannot read back.
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)


@pytest.fixture
def sqlite(tmp_path: Path):
    with closing(Database(f"sqlite:///{tmp_path / 'hub.db'}")) as db:
        yield db


def test_migrations_make_the_tables_of_the_program_on_sqlite(sqlite: Database):
    upgrade(sqlite)
    assert differences(sqlite) == []


def test_migrations_make_the_tables_of_the_program_on_postgresql(postgres: PostgresServer):
    with postgres.database(empty=True) as url, closing(Database(url)) as db:
        upgrade(db)
        assert differences(db) == []


def test_upgrading_twice_changes_nothing(sqlite: Database):
    upgrade(sqlite)
    upgrade(sqlite)
    with sqlite.read() as connection:
        assert current(connection) == revisions()[-1]


def test_a_database_of_a_newer_program_is_refused(sqlite: Database):
    upgrade(sqlite)
    with sqlite.write() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingError, match="newer version of tulou"):
        upgrade(sqlite)


def test_revisions_are_numbered_without_gaps():
    assert revisions() == [f"{number:04d}" for number in range(1, len(revisions()) + 1)]
