"""SQL of the search, private to this slice."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.engine import Tx
from tulou.db.tables import account, repo, search_pending
from tulou.kernel.names import GIT_KINDS, fold


def mark_pending(tx: Tx, repo_id: str) -> None:
    """Note that a repository changed. Rows are only added: what changes while the index is written is not forgotten."""
    tx.execute(sa.insert(search_pending).values(repo_id=repo_id))


def pending(connection: Connection, limit: int) -> dict[int, str]:
    """Return some of the notes: row → repository."""
    rows = connection.execute(sa.select(search_pending).order_by(search_pending.c.id).limit(limit))
    return {row.id: row.repo_id for row in rows}


def forget(tx: Tx, rows: list[int]) -> None:
    """Drop notes whose repositories were written to the index."""
    tx.execute(sa.delete(search_pending).where(search_pending.c.id.in_(rows)))


def live_repos(connection: Connection, after: str, limit: int) -> list[str]:
    """Return ids of live repositories with a card to find them by, in order, after one."""
    query = sa.select(repo.c.id).where(repo.c.deleted_at.is_(None), repo.c.kind.in_(GIT_KINDS), repo.c.id > after)
    return list(connection.execute(query.order_by(repo.c.id).limit(limit)).scalars())


def accounts(connection: Connection, words: list[str], limit: int) -> list[str]:
    """Return the folded names of enabled accounts with all words in their name or full name, the shortest names first."""
    names = (account.c.key, sa.func.lower(account.c.fullname))
    has_words = [sa.or_(*(name.contains(word, autoescape=True) for name in names)) for word in words]
    query = sa.select(account.c.key).where(account.c.disabled_at.is_(None), *has_words)
    begins = sa.case((account.c.key.startswith(fold(words[0]), autoescape=True), 0), else_=1)
    return list(connection.execute(query.order_by(begins, sa.func.length(account.c.key), account.c.key).limit(limit)).scalars())
