"""Count downloads in memory and write them down now and then: the read path writes nothing."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from tulou.db.engine import Tx, insert_or_ignore
from tulou.db.tables import download_day
from tulou.db.tables import repo as repo_table
from tulou.features.repos.model import Repo
from tulou.platform.machinery import Machinery

DAY = 86_400_000
WINDOW = 30
"""Days that the number of downloads of a repository looks back, as on the Hub."""
KEPT_DAYS = 800

# One request for one of these is one download of the repository, as the Hub counts: loading a model asks for its
# configuration once, whatever the number of weight files.
_COUNTED = frozenset({"config.json", "model_index.json", "README.md", "adapter_config.json", "params.json", "tokenizer.json"})


def count(m: Machinery, repo: Repo, path: str) -> None:
    """Note one download if the file stands for its repository."""
    if path in _COUNTED or ("/" not in path and path.endswith((".gguf", ".parquet", ".csv", ".jsonl"))):
        with m.tally.lock:
            m.tally.counts[repo.id] = m.tally.counts.get(repo.id, 0) + 1


def write_down(m: Machinery, _payload: dict[str, Any]) -> None:
    """Add what was counted to today and to the repositories' rows.

    # 1 take the counts   2 one transaction
    # Crash before 2: the downloads of the last minute are forgotten, which nobody was promised.
    """
    with m.tally.lock:
        counts, m.tally.counts = m.tally.counts, {}
    if not counts:
        return
    today = m.clock.now() // DAY
    with m.db.write() as tx:
        live = set(tx.execute(sa.select(repo_table.c.id).where(repo_table.c.id.in_(list(counts)))).scalars())
        for repo_id, number in counts.items():
            if repo_id in live:  # else it was purged meanwhile
                _add(tx, repo_id, today, number)


def roll(m: Machinery, _payload: dict[str, Any]) -> None:
    """Let days leave the window: bring the 30-day numbers up to date, and forget what is older than two years."""
    today = m.clock.now() // DAY
    recent = (
        sa.select(sa.func.coalesce(sa.func.sum(download_day.c.count), 0))
        .where(download_day.c.repo_id == repo_table.c.id, download_day.c.day > today - WINDOW)
        .scalar_subquery()
    )
    # Only repositories that were downloaded lately can have a number that is too high.
    lately = sa.select(download_day.c.repo_id).where(download_day.c.day.between(today - 2 * WINDOW, today - WINDOW))
    with m.db.write() as tx:
        tx.execute(sa.update(repo_table).where(repo_table.c.id.in_(lately)).values(downloads=recent))
        tx.execute(sa.delete(download_day).where(download_day.c.day < today - KEPT_DAYS))


def by_day(m: Machinery, repo: Repo, days: int) -> list[int]:
    """Return the downloads of each of the last `days` days, oldest first, today last. One query."""
    today = m.clock.now() // DAY
    query = sa.select(download_day.c.day, download_day.c.count).where(
        download_day.c.repo_id == repo.id, download_day.c.day > today - days
    )
    with m.db.read() as connection:
        found = {int(day): int(number) for day, number in connection.execute(query)}
    return [found.get(day, 0) for day in range(today - days + 1, today + 1)]


def _add(tx: Tx, repo_id: str, day: int, number: int) -> None:
    insert_or_ignore(tx, download_day, {"repo_id": repo_id, "day": day, "count": 0})
    here = (download_day.c.repo_id == repo_id, download_day.c.day == day)
    tx.execute(sa.update(download_day).where(*here).values(count=download_day.c.count + number))
    values = {"downloads": repo_table.c.downloads + number, "downloads_all": repo_table.c.downloads_all + number}
    tx.execute(sa.update(repo_table).where(repo_table.c.id == repo_id).values(**values))
