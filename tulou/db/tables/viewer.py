"""The viewer: what was found out about each commit of a dataset."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, Text

from tulou.db.tables.base import ID, SHA1, SHA256, metadata

viewer_commit = Table(  # what the pass found in the data files of a commit of the default branch
    "viewer_commit", metadata,
    Column("repo_id", ID, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("commit", SHA1, primary_key=True),
    Column("fingerprint", SHA256, nullable=False),  # of every data file and what the card says about them
    Column("state", String(8), nullable=False),  # looking | passing | done | failed
    Column("problem", Text),  # JSON: {"code", "message", "cause", "cause_message"}
    Column("default_config", Text),
    Column("source_bytes", BigInteger, nullable=False),
    Column("export", Text),  # JSON: why its Parquet files could not be published
    Column("created_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
)

viewer_config = Table(
    "viewer_config", metadata,
    Column("repo_id", ID, primary_key=True),
    Column("commit", SHA1, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("builder", String(40)),  # what reads its files: csv, json, parquet, imagefolder …
    Column("problem", Text),  # JSON, as above
    sa.ForeignKeyConstraint(["repo_id", "commit"], ["viewer_commit.repo_id", "viewer_commit.commit"],
                            ondelete="CASCADE", onupdate="CASCADE"),
)

viewer_split = Table(
    "viewer_split", metadata,
    Column("repo_id", ID, primary_key=True),
    Column("commit", SHA1, primary_key=True),
    Column("config", Integer, primary_key=True),  # its number
    Column("number", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("state", String(8), nullable=False),  # waiting | ready | failed
    Column("problem", Text),  # JSON, as above
    Column("features", Text),  # JSON: the types of its columns, as soon as they are known
    Column("rows", BigInteger),  # of a ready split; of a waiting one, how far the pass has come
    Column("source_bytes", BigInteger),
    Column("memory_bytes", BigInteger),
    Column("parquet_bytes", BigInteger),
    Column("sources", Text),  # JSON: the files it was read from, where they are Parquet themselves
    Column("parquet", Text),  # JSON: [[name, size]] of its files in refs/convert/parquet
    sa.ForeignKeyConstraint(["repo_id", "commit"], ["viewer_commit.repo_id", "viewer_commit.commit"],
                            ondelete="CASCADE", onupdate="CASCADE"),
)
