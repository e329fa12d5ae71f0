"""Bring the database to the schema of this program, and refuse one that a newer program made."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.engine import Database
from tulou.kernel.errors import SettingError

FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x7475_6C6F_75  # "tulou": one migrating process at a time on a shared PostgreSQL


def revisions() -> list[str]:
    """Return every revision, oldest first. A file is called `0001_what.py`; the number is the revision."""
    return sorted(path.name.split("_")[0] for path in (FOLDER / "versions").glob("[0-9]*_*.py"))


def upgrade(db: Database) -> None:
    """Run the migrations that are missing. One query when there are none. Raises SettingError for a newer schema.

    All of them are one transaction: after a crash the schema is the old one or the new one.
    """
    with db.read() as connection:
        if current(connection) == revisions()[-1]:
            return
    with db.write() as tx:
        if not db.is_sqlite:
            tx.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        found = current(tx.connection)
        if found is not None and found not in revisions():
            raise SettingError("This database was made by a newer version of tulou. Start that version, or restore a backup.")
        _run(tx.connection)


def current(connection: Connection) -> str | None:
    """Return the revision that the database is at; None when it is empty."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _run(connection: Connection) -> None:
    # Alembic takes 40 MB and a third of a second to import: only a start that has something to do pays for it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
