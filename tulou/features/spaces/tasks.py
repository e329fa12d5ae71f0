"""Background work about Spaces, and the events that wake it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tulou.db.engine import Tx
from tulou.features.spaces import change, follow, idle, queries, sweep, visits
from tulou.kernel.events import RefsMoved, RepoChanged, RepoCreated, RepoDeleted, RunChanged
from tulou.platform.jobs import queue
from tulou.platform.machinery import Machinery

Handler = Callable[[Machinery, dict[str, Any]], None]

LOOK = "spaces.look"
IDLE = "spaces.idle"
SWEEP = "spaces.sweep"
_RUNS = frozenset({"build", "space"})


def follow_one(m: Machinery, payload: dict[str, Any]) -> None:
    """Bring one Space as far as it can go."""
    follow.follow(m, payload["repo_id"])


def look(m: Machinery, _payload: dict[str, Any]) -> None:
    """Look at every Space: one whose event was lost in a crash goes on from where it stands."""
    with m.db.read() as connection:
        repo_ids = [*queries.unsettled(connection), *queries.without_row(connection)]
    for repo_id in repo_ids:
        follow.follow(m, repo_id)


def put_to_sleep(m: Machinery, _payload: dict[str, Any]) -> None:
    """Write visits down, then freeze and stop what nobody visits."""
    visits.write_down(m)
    idle.settle(m)


def clean(m: Machinery, _payload: dict[str, Any]) -> None:
    """Delete environments and persistent folders that no Space has."""
    sweep.sweep(m)


HANDLERS: dict[str, Handler] = {change.FOLLOW: follow_one, LOOK: look, IDLE: put_to_sleep, SWEEP: clean}
RECURRING = {LOOK: 30_000, IDLE: 15_000, SWEEP: 3_600_000}
SLOW = (SWEEP,)


def on_event(m: Machinery, tx: Tx, kind: str, payload: dict[str, Any]) -> None:
    """Have somebody look at the Space that an event is about."""
    repo_id: str | None = None
    if kind in {RefsMoved.kind, RepoCreated.kind, RepoChanged.kind, RepoDeleted.kind}:
        repo_id = payload["repo_id"] if queries.is_space(tx.connection, payload["repo_id"]) else None
    elif kind == RunChanged.kind and payload["run_kind"] in _RUNS:
        repo_id = queries.repo_of_run(tx.connection, payload["run_id"])
    if repo_id is not None:
        queue.put(tx, m.clock, change.FOLLOW, {"repo_id": repo_id}, key=repo_id)
