"""Who: accounts, what they sign in with, and what they may use."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, String, Table, Text

from tulou.db.tables.base import ID, NAME, SHA256, metadata

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
