"""Look at runs."""

from __future__ import annotations

from collections.abc import Iterable

from tulou.features.runs import queries
from tulou.features.runs.model import Run
from tulou.platform.machinery import Machinery


def get(m: Machinery, run_id: str) -> Run | None:
    """Return a run, or None."""
    with m.db.read() as connection:
        return queries.by_ids(connection, [run_id]).get(run_id)


def many(m: Machinery, ids: Iterable[str]) -> dict[str, Run]:
    """Return those of these runs that there are, by id."""
    with m.db.read() as connection:
        return queries.by_ids(connection, ids)


def live(m: Machinery, account_id: str, kind: str) -> list[Run]:
    """Return the runs of an account that have not ended, oldest first."""
    with m.db.read() as connection:
        return queries.live_of(connection, account_id, kind)
