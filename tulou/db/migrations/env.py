"""Run migrations on the connection that `db.migrate` or `tools/make_migration.py` hands over."""

from __future__ import annotations

from alembic import context

from tulou.db.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite can change a column only by copying the table
    compare_type=True,
)
# The caller holds the transaction, so that a step and its version number become true together.
context.run_migrations()
