"""Compute: runs, jobs and Spaces."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from tulou.db.tables.base import ID, SHA1, metadata

run = Table(  # one program that should run, runs or ran; features/runs makes the machine follow these rows
    "run", metadata,
    Column("id", ID, primary_key=True),
    Column("kind", String(12), nullable=False),  # job | space | build | …
    Column("account_id", ID, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),  # whose capacity it uses
    Column("actor_id", ID),  # who asked for it
    Column("repo_id", ID, index=True),  # the repository it belongs to, if any; no key: the run is ended before the row goes
    Column("token_id", ID),  # the token made for this run, revoked when it ends
    Column("order", Text, nullable=False),  # JSON: features/runs/model.Order
    Column("sealed", LargeBinary),  # its secrets; erased when it ends
    Column("memory_mb", Integer, nullable=False),
    Column("want", String(6), nullable=False, server_default="run"),  # run | pause | stop
    Column("phase", String(10), nullable=False, server_default="pending"),  # pending, or platform/compute/base.Phase
    Column("exit_code", Integer),
    Column("detail", Text, nullable=False, server_default=""),  # why it ended so, for people
    Column("attempt", Integer, nullable=False, server_default="1"),
    Column("attempts", Integer, nullable=False, server_default="1"),  # how often it may be tried in all
    Column("node", String(80)),  # the machine that took it
    Column("lease_until", BigInteger),
    Column("usage", Text, nullable=False, server_default="{}"),  # JSON: memory, memory_peak, cpu_s
    Column("log_bytes", BigInteger),  # of the kept log; NULL while the machine that runs it has it
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Index("run_live", "phase", sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL")),
    Index("run_by_account", "account_id", "kind", "id"),
)

job = Table(
    "job", metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("created_by", ID, nullable=False),
    Column("run_id", ID, ForeignKey("run.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("scheduled_id", ID),  # the schedule that started it
    Column("spec", Text, nullable=False),  # JSON: what was asked for, without secrets
    Column("secret_names", Text, nullable=False, server_default="[]"),  # JSON
    Column("sealed", LargeBinary),  # the secrets, for running it again
    Column("labels", Text, nullable=False, server_default="{}"),  # JSON
    Column("created_at", BigInteger, nullable=False),
    Column("saving", Boolean, nullable=False, server_default=sa.false()),  # what it writes to buckets is still to be brought back
    Column("save_problem", Text, nullable=False, server_default=""),  # why it could not be
    Index("job_by_account", "account_id", "id"),
)

scheduled_job = Table(
    "scheduled_job", metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("account.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_by", ID, nullable=False),
    Column("spec", Text, nullable=False),
    Column("secret_names", Text, nullable=False, server_default="[]"),
    Column("sealed", LargeBinary),
    Column("labels", Text, nullable=False, server_default="{}"),
    Column("schedule", Text, nullable=False),  # five cron fields in UTC, or @hourly …
    Column("concurrency", Boolean, nullable=False, server_default=sa.false()),  # may it start while the last one runs?
    Column("suspended", Boolean, nullable=False, server_default=sa.false()),
    Column("last_job_id", ID),
    Column("last_at", BigInteger),
    Column("next_at", BigInteger, index=True),  # NULL while suspended
    Column("created_at", BigInteger, nullable=False),
)

space = Table(
    "space", metadata,
    Column("repo_id", ID, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("slug", String(200), nullable=False, unique=True),  # the first label of its host name
    Column("stage", String(24), nullable=False),  # as SpaceStage of the Hub's client
    Column("message", Text, nullable=False, server_default=""),  # why, for people
    Column("want", String(6), nullable=False, server_default="run"),  # run | sleep | pause
    Column("commit", SHA1),  # built, or being built
    Column("building", Text, nullable=False, server_default="{}"),  # JSON: the deployment under way; empty when there is none
    Column("built", Text, nullable=False, server_default="{}"),  # JSON: how to start what was built last
    Column("build_runs", Text, nullable=False, server_default="[]"),  # JSON: run ids of the last build, in order
    Column("run_id", ID),  # of the application
    Column("hardware", String(40), nullable=False),
    Column("sleep_seconds", Integer),  # NULL: the hub's default; -1: never
    Column("storage_mb", Integer, nullable=False, server_default="0"),  # 0: no /data
    Column("volumes", Text, nullable=False, server_default="[]"),  # JSON
    Column("visited_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

space_setting = Table(
    "space_setting", metadata,
    Column("repo_id", ID, ForeignKey("repo.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("value", Text),  # of a variable
    Column("sealed", LargeBinary),  # of a secret
    Column("description", Text, nullable=False, server_default=""),
    Column("updated_at", BigInteger, nullable=False),
)
