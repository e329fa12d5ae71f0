"""Passwords, second factors, invitations, and sessions that say where they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tulou.db.tables import failed_signin, invitation, password, recovery_code, second_factor, session

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward. There is no way back: restore a backup."""
    connection = op.get_bind()
    # Databases from the days when the first step made every table may have some of this.
    for table in (password, second_factor, recovery_code, failed_signin, invitation):
        table.create(connection, checkfirst=True)
    present = {column["name"] for column in sa.inspect(connection).get_columns("session")}
    for column in (session.c.seen_at, session.c.address, session.c.agent):
        if column.name not in present:
            op.add_column("session", sa.Column(column.name, column.type, nullable=column.nullable, server_default=column.server_default))
