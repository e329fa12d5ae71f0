"""Count downloads by day."""

from __future__ import annotations

from alembic import op

from tulou.db.tables import download_day

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward. There is no way back: restore a backup."""
    # Revision 0001 makes every table of the day on which it runs.
    download_day.create(op.get_bind(), checkfirst=True)
