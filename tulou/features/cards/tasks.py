"""Background work about cards, and the events that wake it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tulou.db.engine import Tx
from tulou.features.cards import facets, index
from tulou.kernel.events import RefsMoved, RepoChanged, RepoCreated
from tulou.platform.jobs import queue
from tulou.platform.machinery import Machinery

Handler = Callable[[Machinery, dict[str, Any]], None]

REFRESH = "cards.refresh"
COUNT_FACETS = "cards.count-facets"


def refresh(m: Machinery, payload: dict[str, Any]) -> None:
    """Bring the stored summary of one repository up to date."""
    index.refresh(m, payload["repo_id"])


def count_facets(m: Machinery, _payload: dict[str, Any]) -> None:
    """Count again what the lists can be narrowed down by."""
    facets.refresh(m)


HANDLERS: dict[str, Handler] = {REFRESH: refresh, COUNT_FACETS: count_facets}
RECURRING = {COUNT_FACETS: 10 * 60_000}
SLOW = (COUNT_FACETS,)


def on_event(m: Machinery, tx: Tx, kind: str, payload: dict[str, Any]) -> None:
    """Enqueue a refresh when a branch moved, or the repository or its default branch is new."""
    moved_branch = kind == RefsMoved.kind and any(move["ref"].startswith("refs/heads/") for move in payload["moves"])
    if moved_branch or kind in {RepoCreated.kind, RepoChanged.kind}:
        queue.put(tx, m.clock, REFRESH, {"repo_id": payload["repo_id"]}, key=payload["repo_id"])
