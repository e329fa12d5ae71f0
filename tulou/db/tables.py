"""Every table, in the order in which they refer to each other.

Times are Unix milliseconds. Ids are `kernel.ids.new_id()`. Hashes are lower-case hex text.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

metadata = sa.MetaData()

ID = String(24)
SHA1 = String(40)
SHA256 = String(64)
NAME = String(96)
# SQLite only counts up on INTEGER primary keys.
SERIAL = BigInteger().with_variant(Integer, "sqlite")

# --- who ------------------------------------------------------------------------------------------------------------

account = Table(
    "account", metadata,
    Column("id", ID, primary_key=True),
    Column("kind", String(4), nullable=False),  # user | org
    Column("name", NAME, nullable=False),
    Column("key", NAME, nullable=False, unique=True),  # folded name
    Column("fullname", Text, nullable=False, server_default=""),
    Column("email", Text),
    Column("is_admin", Boolean, nullable=False, server_default=sa.false()),
    Column("default_visibility", String(8), nullable=False, server_default="public"),
    Column("quota_bytes", BigInteger),  # NULL: no limit
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
)

member = Table(
    "member", metadata,
    Column("org_id", ID, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", ID, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("role", String(12), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

token = Table(
    "token", metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("account.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("role", String(12), nullable=False),
    Column("scopes", Text, nullable=False, server_default="[]"),  # JSON: [{"entity_id", "permissions"}]
    Column("secret_hash", SHA256, nullable=False, unique=True),
    Column("hint", String(12), nullable=False),  # the first and last letters, to tell tokens apart
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("parent_id", ID, index=True),  # of the token of a run: the one that it was started with, or itself
)

session = Table(
    "session", metadata,
    Column("secret_hash", SHA256, primary_key=True),
    Column("account_id", ID, ForeignKey("account.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),  # when its user proved who they are
    Column("expires_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger),  # to within an hour
    Column("address", String(64), nullable=False, server_default=""),
    Column("agent", String(200), nullable=False, server_default=""),  # what the browser calls itself
)

login_link = Table(
    "login_link", metadata,
    Column("secret_hash", SHA256, primary_key=True),
    Column("account_id", ID, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

password = Table(
    "password", metadata,
    Column("account_id", ID, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", Text, nullable=False),  # argon2id, with its salt and costs
    Column("changed_at", BigInteger, nullable=False),
)

second_factor = Table(  # the secret itself is derived from the salt and the hub's key: a copy of the database lacks it
    "second_factor", metadata,
    Column("account_id", ID, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("salt", String(40), nullable=False),
    Column("enabled_at", BigInteger),  # NULL: the first code is still awaited
    Column("last_step", BigInteger, nullable=False, server_default="0"),  # a code is good once: the step of the last one
)

recovery_code = Table(
    "recovery_code", metadata,
    Column("account_id", ID, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("code_hash", SHA256, primary_key=True),
)

failed_signin = Table(  # who has to wait before the next try
    "failed_signin", metadata,
    Column("key", String(120), primary_key=True),  # account:<id> | address:<address>
    Column("failures", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("blocked_until", BigInteger, nullable=False),
)

invitation = Table(
    "invitation", metadata,
    Column("id", ID, primary_key=True),
    Column("secret_hash", SHA256, nullable=False, unique=True),
    Column("made_by", ID, ForeignKey("account.id", ondelete="SET NULL")),
    Column("org_id", ID, ForeignKey("account.id", ondelete="CASCADE")),
    Column("role", String(12)),  # in that organization
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("user_id", ID, ForeignKey("account.id", ondelete="SET NULL")),  # who came
)

device_code = Table(
    "device_code", metadata,
    Column("device_hash", SHA256, primary_key=True),
    Column("user_code", String(16), nullable=False, unique=True),
    Column("client_id", Text, nullable=False),
    Column("account_id", ID, ForeignKey("account.id", ondelete="CASCADE")),
    Column("state", String(10), nullable=False),  # pending | approved | denied | spent
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("last_poll_at", BigInteger),
)

# --- repositories -----------------------------------------------------------------------------------------------------

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

# --- large files ------------------------------------------------------------------------------------------------------

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

# --- compute ----------------------------------------------------------------------------------------------------------

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

# --- buckets ----------------------------------------------------------------------------------------------------------

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

# --- viewer -----------------------------------------------------------------------------------------------------------

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

# --- work and record --------------------------------------------------------------------------------------------------

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
