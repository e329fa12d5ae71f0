"""Write the next migration from what `db/tables` has and the migrations so far do not: `make_migration.py "what changes"`.

Read what it writes before you commit it: it sees tables, columns, types and indexes, and neither renames nor data.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tulou.db import migrate  # noqa: E402 - the repository need not be installed
from tulou.db.engine import Database  # noqa: E402


def main(message: str) -> None:
    """Bring an empty database to the last migration, compare, and write the difference."""
    number = f"{len(migrate.revisions()) + 1:04d}"
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{folder}/hub.db")
        if migrate.revisions():
            migrate.upgrade(db)
        config = Config()
        config.set_main_option("script_location", str(migrate.FOLDER))
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        with db.write() as tx:
            config.attributes["connection"] = tx.connection
            written = command.revision(config, message, autogenerate=True, rev_id=number)
        db.close()
    path = Path(written.path)
    path.write_text(tidy(path.read_text()))
    print(path)


def tidy(text: str) -> str:
    """Make what Alembic wrote against SQLite right for PostgreSQL too, and plainer to read."""
    # Constraint and index names are plain text to us; there is no naming convention to apply.
    text = re.sub(r"\b(?:batch_)?op\.f\(('[^']+')\)", r"\1", text)
    # SQLite has no boolean literals, PostgreSQL takes nothing else.
    text = re.sub(r"(sa\.Boolean\(\), server_default=)sa\.text\('0'\)", r"\1sa.false()", text)
    text = re.sub(r"(sa\.Boolean\(\), server_default=)sa\.text\('1'\)", r"\1sa.true()", text)
    return re.sub(r"\n    # ### .*", "", text)


if __name__ == "__main__":
    main(sys.argv[1])
