"""Count downloads in memory and write them down now and then: the read path writes nothing."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from tulou.db.tables import repo as repo_table
from tulou.features.repos.model import Repo
from tulou.platform.machinery import Machinery

# One request for one of these is one download of the repository, as the Hub counts: loading a model asks for its
# configuration once, whatever the number of weight files.
_COUNTED = frozenset({"config.json", "model_index.json", "README.md", "adapter_config.json", "params.json", "tokenizer.json"})


def count(m: Machinery, repo: Repo, path: str) -> None:
    """Note one download if the file stands for its repository."""
    if path in _COUNTED or ("/" not in path and path.endswith((".gguf", ".parquet", ".csv", ".jsonl"))):
        with m.tally.lock:
            m.tally.counts[repo.id] = m.tally.counts.get(repo.id, 0) + 1


def write_down(m: Machinery, _payload: dict[str, Any]) -> None:
    """Add what was counted to the repositories' rows."""
    with m.tally.lock:
        counts, m.tally.counts = m.tally.counts, {}
    if not counts:
        return
    with m.db.write() as tx:
        for repo_id, number in counts.items():
            values = {"downloads": repo_table.c.downloads + number, "downloads_all": repo_table.c.downloads_all + number}
            tx.execute(sa.update(repo_table).where(repo_table.c.id == repo_id).values(**values))
