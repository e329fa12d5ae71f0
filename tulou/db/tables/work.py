"""Work and record: tasks, the outbox, the audit log, keys."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from tulou.db.tables.base import ID, SERIAL, SHA256, metadata

task = Table(
    "task", metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("kind", String(40), nullable=False),
    Column("key", String(200)),  # at most one waiting task a key
    Column("payload", Text, nullable=False),
    Column("state", String(8), nullable=False, server_default="queued"),  # queued | running | done | failed
    Column("run_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("max_attempts", Integer, nullable=False, server_default="5"),
    Column("owner", String(80)),
    Column("lease_until", BigInteger),
    Column("error", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Index("task_due", "state", "run_at"),
    Index("task_waiting_key", "kind", "key", unique=True,
          sqlite_where=sa.text("state = 'queued'"), postgresql_where=sa.text("state = 'queued'")),
)

outbox = Table(
    "outbox", metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("kind", String(40), nullable=False),
    Column("payload", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("dispatched_at", BigInteger),
    Index("outbox_waiting", "id", sqlite_where=sa.text("dispatched_at IS NULL"),
          postgresql_where=sa.text("dispatched_at IS NULL")),
)

audit = Table(
    "audit", metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("action", String(40), nullable=False),
    Column("actor_id", ID),
    Column("actor_name", Text),
    Column("token_id", ID),
    Column("address", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("subject_id", ID, index=True),  # the repository or account it was done to
    Column("detail", Text, nullable=False),  # JSON
    Column("chain", SHA256, nullable=False),  # SHA-256 over this row and the chain of the row before
)

search_pending = Table(  # repositories that changed since they were last written to the search index
    "search_pending", metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("repo_id", ID, nullable=False),
)

keyring = Table(
    "keyring", metadata,
    Column("purpose", String(40), primary_key=True),
    Column("created_at", BigInteger, primary_key=True),
    Column("secret", LargeBinary, nullable=False),
)
