"""Index repository names by their three-letter parts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tulou.db.tables import repo, repo_gram

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward. There is no way back: restore a backup."""
    connection = op.get_bind()
    repo_gram.create(connection, checkfirst=True)  # a new database has it from the first step
    live = sa.select(repo.c.id, repo.c.key).where(repo.c.deleted_at.is_(None))
    for repo_id, key in connection.execute(live).all():
        grams = {key[i : i + 3] for i in range(len(key) - 2)}
        if grams:
            connection.execute(sa.insert(repo_gram), [{"gram": gram, "repo_id": repo_id} for gram in sorted(grams)])
