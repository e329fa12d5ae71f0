"""Keep the index over the parts of repository names, so that a search for a rare word reads few rows."""

from __future__ import annotations

import sqlalchemy as sa

from tulou.db.engine import Tx
from tulou.db.tables import repo_gram

GRAM = 3


def grams(word: str) -> list[str]:
    """Return every three neighbouring characters of a folded name or word, each once; none for a shorter one."""
    return sorted({word[i : i + GRAM] for i in range(len(word) - GRAM + 1)})


def index_name(tx: Tx, repo_id: str, key: str) -> None:
    """Write down the parts of a repository's new folded name, in the transaction that gives it."""
    tx.execute(sa.delete(repo_gram).where(repo_gram.c.repo_id == repo_id))
    rows = [{"gram": gram, "repo_id": repo_id} for gram in grams(key)]
    if rows:
        tx.execute(sa.insert(repo_gram), rows)
