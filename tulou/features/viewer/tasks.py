"""Background work of the viewer, and the pushes that wake it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tulou.db.engine import Tx
from tulou.features.repos.model import Repo
from tulou.features.viewer import passing, queries, shelf
from tulou.features.viewer.passing import LOOK, PASS
from tulou.fsio import atomic
from tulou.kernel.events import RefsMoved, RepoChanged, RepoCreated, RepoDeleted
from tulou.kernel.ids import Sha1
from tulou.platform.jobs import queue
from tulou.platform.machinery import Machinery

Handler = Callable[[Machinery, dict[str, Any]], None]
SWEEP = "viewer.sweep"
RESUME = "viewer.resume"
WARM = "viewer.warm"


def look(m: Machinery, payload: dict[str, Any]) -> None:
    """Show the first rows of what was pushed."""
    passing.look(m, payload["repo_id"])


def go_through(m: Machinery, payload: dict[str, Any]) -> None:
    """Make the rest."""
    passing.go_through(m, payload["repo_id"])


def sweep(m: Machinery, payload: dict[str, Any]) -> None:
    """Delete the cache of a repository that is deleted. An undo makes it again when somebody asks."""
    atomic.remove_tree(shelf.folder_of(m, payload["repo_id"], Sha1("0" * 40)).parent)


def resume(m: Machinery, _payload: dict[str, Any]) -> None:
    """Ask again for what was begun and not finished: its task may have met the end of the hub too often."""
    m.readers.sweep(m.clock.now())
    with m.db.write() as tx:
        for repo_id in queries.unfinished(tx.connection):
            _ask(m, tx, repo_id)


def warm(m: Machinery, _payload: dict[str, Any]) -> None:
    """Have a reader ready: who has just made a dataset is about to push."""
    m.readers.warm()


HANDLERS: dict[str, Handler] = {LOOK: look, PASS: go_through, SWEEP: sweep, RESUME: resume, WARM: warm}
RECURRING = {RESUME: 10 * 60_000}
"""Kind → milliseconds between runs."""
SLOW = (PASS,)


def on_event(m: Machinery, tx: Tx, kind: str, payload: dict[str, Any]) -> None:
    """Enqueue a look when a branch moved, or another one became the default; a reader for who begins a dataset."""
    if kind == RepoDeleted.kind:
        queue.put(tx, m.clock, SWEEP, {"repo_id": payload["repo_id"]}, key=payload["repo_id"])
        return
    moved = kind == RefsMoved.kind and any(move["ref"].startswith("refs/heads/") for move in payload["moves"])
    if not (moved or kind in {RepoChanged.kind, RepoCreated.kind}) or not queries.is_dataset(tx.connection, payload["repo_id"]):
        return
    if moved or kind == RepoChanged.kind:
        _ask(m, tx, payload["repo_id"])
    else:
        queue.put(tx, m.clock, WARM, {}, key=WARM)


def ask(m: Machinery, repo: Repo) -> None:
    """Ask for a look at a dataset that nobody looked at yet."""
    with m.db.write() as tx:
        _ask(m, tx, repo.id)
        tx.on_commit(m.wake)


def rebuild(m: Machinery, repo: Repo, commit: Sha1) -> None:
    """Ask for what a commit has lost: its files in the cache were deleted."""
    with m.db.write() as tx:
        queries.change(tx, repo.id, commit, state="looking")
        _ask(m, tx, repo.id)
        tx.on_commit(m.wake)


def _ask(m: Machinery, tx: Tx, repo_id: str) -> None:
    queue.put(tx, m.clock, LOOK, {"repo_id": repo_id}, key=repo_id)
