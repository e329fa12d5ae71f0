"""What the dataset viewer knows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward. There is no way back: restore a backup."""
    op.create_table(
        "viewer_commit",
        sa.Column("repo_id", sa.String(length=24), nullable=False),
        sa.Column("commit", sa.String(length=40), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("default_config", sa.Text(), nullable=True),
        sa.Column("source_bytes", sa.BigInteger(), nullable=False),
        sa.Column("export", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id", "commit"),
    )
    op.create_table(
        "viewer_config",
        sa.Column("repo_id", sa.String(length=24), nullable=False),
        sa.Column("commit", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("builder", sa.String(length=40), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["repo_id", "commit"], ["viewer_commit.repo_id", "viewer_commit.commit"], ondelete="CASCADE", onupdate="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "commit", "number"),
    )
    op.create_table(
        "viewer_split",
        sa.Column("repo_id", sa.String(length=24), nullable=False),
        sa.Column("commit", sa.String(length=40), nullable=False),
        sa.Column("config", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("features", sa.Text(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("source_bytes", sa.BigInteger(), nullable=True),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=True),
        sa.Column("parquet_bytes", sa.BigInteger(), nullable=True),
        sa.Column("sources", sa.Text(), nullable=True),
        sa.Column("parquet", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["repo_id", "commit"], ["viewer_commit.repo_id", "viewer_commit.commit"], ondelete="CASCADE", onupdate="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "commit", "config", "number"),
    )
