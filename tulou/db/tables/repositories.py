"""Repositories: what they are called, their refs, packs, tags and figures."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from tulou.db.tables.base import ID, NAME, SHA1, metadata

repo = Table(
    "repo", metadata,
    Column("id", ID, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("account_id", ID, ForeignKey("account.id"), nullable=False),
    Column("name", NAME, nullable=False),
    Column("key", NAME, nullable=False),  # folded name
    Column("visibility", String(8), nullable=False),  # public | private
    Column("gated", String(8), nullable=False, server_default=""),  # '' | auto | manual
    Column("default_branch", Text, nullable=False, server_default="main"),
    Column("generation", BigInteger, nullable=False, server_default="0"),  # grows with every change of refs or packs
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),  # last landed change
    Column("deleted_at", BigInteger),
    Column("storage_bytes", BigInteger, nullable=False, server_default="0"),  # packs and owned large files
    Column("downloads", BigInteger, nullable=False, server_default="0"),  # last 30 days
    Column("downloads_all", BigInteger, nullable=False, server_default="0"),
    Column("likes", Integer, nullable=False, server_default="0"),
    # What the card and the file headers say about the head of the default branch. Written by features/cards.
    Column("card_commit", SHA1),
    Column("card", Text, nullable=False, server_default="{}"),  # JSON: front matter
    Column("facts", Text, nullable=False, server_default="{}"),  # JSON: config, safetensors, gguf, transformersInfo …
    Column("pipeline_tag", String(64)),
    Column("library", String(64)),
    Column("tags", Text, nullable=False, server_default="[]"),  # JSON: what is shown, in order; repo_tag is for searching
    Column("sdk", String(16)),
    Column("parameters", BigInteger),  # of a model
    Index("repo_live_name", "kind", "account_id", "key", unique=True,
          sqlite_where=sa.text("deleted_at IS NULL"), postgresql_where=sa.text("deleted_at IS NULL")),
    Index("repo_by_account", "account_id", "kind"),
    Index("repo_by_updated", "kind", "updated_at", "id"),
    Index("repo_by_created", "kind", "created_at", "id"),
    Index("repo_by_downloads", "kind", "downloads", "id"),
    Index("repo_by_likes", "kind", "likes", "id"),
    Index("repo_by_task", "kind", "pipeline_tag", "downloads", "id"),
)

repo_tag = Table(
    "repo_tag", metadata,
    Column("repo_id", ID, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String(200), primary_key=True),
    Index("repo_tag_by_tag", "tag", "repo_id"),
)

download_day = Table(
    "download_day", metadata,
    Column("repo_id", ID, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("day", Integer, primary_key=True),  # days since 1970, UTC
    Column("count", BigInteger, nullable=False),
    Index("download_day_by_day", "day"),
)

# Every three neighbouring characters of a live repository's folded name: what makes finding a rare word cheap.
repo_gram = Table(
    "repo_gram", metadata,
    Column("gram", String(3), primary_key=True),
    Column("repo_id", ID, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)

facet = Table(  # how often each task, library, tag … occurs among all public repositories of a kind; counted now and then
    "facet", metadata,
    Column("kind", String(8), primary_key=True),
    Column("counts", Text, nullable=False),  # JSON
    Column("made_at", BigInteger, nullable=False),
)

redirect = Table(
    "redirect", metadata,
    Column("kind", String(8), primary_key=True),
    Column("account_key", NAME, primary_key=True),
    Column("key", NAME, primary_key=True),
    Column("repo_id", ID, ForeignKey("repo.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
)

ref = Table(
    "ref", metadata,
    Column("repo_id", ID, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),  # refs/heads/main
    Column("target", SHA1, nullable=False),  # what the ref names: a commit, or a tag object
    Column("peeled", SHA1, nullable=False),  # the commit behind it
    Column("updated_at", BigInteger, nullable=False),
)

pull = Table(
    "pull", metadata,
    Column("repo_id", ID, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("num", Integer, primary_key=True),
    Column("author_id", ID, ForeignKey("account.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("created_at", BigInteger, nullable=False),
)

pack = Table(
    "pack", metadata,
    Column("repo_id", ID, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", SHA1, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("objects", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("retired_at", BigInteger),  # merged into a later pack; leaves the store after a grace period
)
