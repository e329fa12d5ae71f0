"""Buckets and their files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward. There is no way back: restore a backup."""
    op.create_table(
        "bucket",
        sa.Column("repo_id", sa.String(length=24), nullable=False),
        sa.Column("files", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id"),
    )
    op.create_table(
        "bucket_file",
        sa.Column("repo_id", sa.String(length=24), nullable=False),
        sa.Column("path", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("file_hash", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content_type", sa.String(length=200), nullable=True),
        sa.Column("mtime", sa.BigInteger(), nullable=True),
        sa.Column("uploaded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["file_hash"], ["xet_file.hash"]),
        sa.ForeignKeyConstraint(["repo_id"], ["bucket.repo_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id", "path"),
        sqlite_with_rowid=False,
    )
    op.create_index("bucket_file_by_content", "bucket_file", ["file_hash", "repo_id"], unique=False)
