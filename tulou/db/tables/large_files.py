"""Large files: xorbs, files made of them, whole blobs, and what is to be freed."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from tulou.db.tables.base import ID, SHA256, metadata

xorb = Table(
    "xorb", metadata,
    Column("hash", SHA256, primary_key=True),
    Column("chunks", Integer, nullable=False),
    Column("raw_size", BigInteger, nullable=False),
    Column("stored_size", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("touched_at", BigInteger, nullable=False),  # last upload, shard reference or dedup advertisement
    Column("condemned_at", BigInteger),
)

xet_file = Table(
    "xet_file", metadata,
    Column("hash", SHA256, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("terms", LargeBinary, nullable=False),  # 44 bytes a term: xorb hash, unpacked length, first chunk, end chunk
    Column("sha256", SHA256),
    Column("created_at", BigInteger, nullable=False),
)

file_xorb = Table(
    "file_xorb", metadata,
    Column("file_hash", SHA256, ForeignKey("xet_file.hash", ondelete="CASCADE"), primary_key=True),
    Column("xorb_hash", SHA256, ForeignKey("xorb.hash"), primary_key=True, index=True),
)

dedup_chunk = Table(
    "dedup_chunk", metadata,
    Column("chunk_hash", SHA256, primary_key=True),
    # The same chunk in several xorbs: not everybody may be told of each.
    Column("xorb_hash", SHA256, ForeignKey("xorb.hash", ondelete="CASCADE"), primary_key=True, index=True),
)

lfs_object = Table(
    "lfs_object", metadata,
    Column("sha256", SHA256, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("file_hash", SHA256, ForeignKey("xet_file.hash"), index=True),  # stored as xet terms
    Column("has_blob", Boolean, nullable=False, server_default=sa.false()),  # stored as a whole blob
    Column("created_at", BigInteger, nullable=False),
)

repo_object = Table(
    "repo_object", metadata,
    Column("repo_id", ID, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("sha256", SHA256, ForeignKey("lfs_object.sha256"), primary_key=True, index=True),
    Column("size", BigInteger, nullable=False),
    Column("uploader_id", ID),
    Column("committed", Boolean, nullable=False, server_default=sa.false()),
    Column("created_at", BigInteger, nullable=False),
)

repo_file = Table(
    "repo_file", metadata,
    Column("repo_id", ID, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("file_hash", SHA256, ForeignKey("xet_file.hash", ondelete="CASCADE"), primary_key=True, index=True),
    Column("created_at", BigInteger, nullable=False),
)

lfs_lock = Table(
    "lfs_lock", metadata,
    Column("id", ID, primary_key=True),
    Column("repo_id", ID, ForeignKey("repo.id", ondelete="CASCADE"), nullable=False),
    Column("path", Text, nullable=False),
    Column("owner_id", ID, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("locked_at", BigInteger, nullable=False),
    Index("lfs_lock_path", "repo_id", "path", unique=True),
)

reservation = Table(
    "reservation", metadata,
    Column("account_id", ID, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

doomed = Table(  # objects in the store that nobody refers to any more: the first phase of garbage collection
    "doomed", metadata,
    Column("key", String(200), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("condemned_at", BigInteger, nullable=False),
)
