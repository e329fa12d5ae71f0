"""Keep what the lists can be narrowed down by, counted in the background."""

from __future__ import annotations

from alembic import op

from tulou.db.tables import facet

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward. There is no way back: restore a backup."""
    facet.create(op.get_bind(), checkfirst=True)  # a new database has it from the first step
