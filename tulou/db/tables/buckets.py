"""Buckets: folders of files without a history."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, Text

from tulou.db.tables.base import ID, SHA256, metadata

# Ordered byte by byte everywhere, as SQLite does: listings go by ranges of paths.
BYTEWISE = Text().with_variant(Text(collation="C"), "postgresql")

bucket = Table(  # what a repository of kind `bucket` has instead of refs
    "bucket", metadata,
    Column("repo_id", ID, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("files", BigInteger, nullable=False, server_default="0"),
    Column("bytes", BigInteger, nullable=False, server_default="0"),  # of all files, the same content counted each time
)

bucket_file = Table(
    "bucket_file", metadata,
    Column("repo_id", ID, ForeignKey("bucket.repo_id", ondelete="CASCADE"), primary_key=True),
    Column("path", BYTEWISE, primary_key=True),
    Column("file_hash", SHA256, ForeignKey("xet_file.hash"), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("content_type", String(200)),  # as the uploader names it
    Column("mtime", BigInteger),  # of the uploader's file
    Column("uploaded_at", BigInteger, nullable=False),
    Index("bucket_file_by_content", "file_hash", "repo_id"),
    sqlite_with_rowid=False,  # a range of paths is then read in one go
)
