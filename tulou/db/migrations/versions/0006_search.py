"""Note which repositories the search index has to learn of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward. There is no way back: restore a backup."""
    op.create_table(
        "search_pending",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("repo_id", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
