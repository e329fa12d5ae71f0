"""Background work of the search, and the events that wake it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tulou.db.engine import Tx
from tulou.features.search import keep, queries
from tulou.features.search.documents import index_of
from tulou.kernel.errors import Busy
from tulou.kernel.events import RefsMoved, RepoChanged, RepoCreated, RepoDeleted
from tulou.platform.jobs import queue
from tulou.platform.machinery import Machinery

Handler = Callable[[Machinery, dict[str, Any]], None]

CATCH_UP = "search.catch-up"
BUILD = "search.build"
LOOK = "search.look"
_AGAIN = 5_000


def on_event(m: Machinery, tx: Tx, kind: str, payload: dict[str, Any]) -> None:
    """Note what changed, and see to it that the index learns of it."""
    moved_branch = kind == RefsMoved.kind and any(move["ref"].startswith("refs/heads/") for move in payload["moves"])
    if moved_branch or kind in {RepoCreated.kind, RepoChanged.kind, RepoDeleted.kind}:
        queries.mark_pending(tx, payload["repo_id"])
        queue.put(tx, m.clock, CATCH_UP, {}, key=CATCH_UP)


def catch_up(m: Machinery, payload: dict[str, Any]) -> None:
    """Write what changed to the index; first have it built, if there is none."""
    if not index_of(m).is_complete:
        look(m, payload)
        return
    try:
        keep.catch_up(m)
    except Busy:
        _later(m, CATCH_UP)


def build(m: Machinery, _payload: dict[str, Any]) -> None:
    """Build the index, and write down what changed meanwhile."""
    try:
        if not index_of(m).is_complete:
            keep.rebuild(m)
        keep.catch_up(m)
    except Busy:
        _later(m, BUILD)


def look(m: Machinery, _payload: dict[str, Any]) -> None:
    """Have the index built if it is missing: somebody emptied the cache, or the program cuts words differently now."""
    if not index_of(m).is_complete:
        with m.db.write() as tx:
            queue.put(tx, m.clock, BUILD, {}, key=BUILD)
        m.wake()


def _later(m: Machinery, kind: str) -> None:
    with m.db.write() as tx:
        queue.put(tx, m.clock, kind, {}, key=kind, delay_ms=_AGAIN)


HANDLERS: dict[str, Handler] = {CATCH_UP: catch_up, BUILD: build, LOOK: look}
RECURRING = {LOOK: 60_000}
SLOW = (BUILD,)
