"""Look at a commit, then go through all of it, and let go of what the commits before it left."""

from __future__ import annotations

from tulou.features.repos.model import Repo
from tulou.features.viewer import export, queries, shelf, source, state
from tulou.features.viewer.running import Run, fail, head
from tulou.features.viewer.source import Source
from tulou.fsio import atomic
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import VIEWER_SMALL_BYTES
from tulou.platform.jobs import queue
from tulou.platform.machinery import Machinery

LOOK = "viewer.look"
PASS = "viewer.pass"  # noqa: S105 - not a secret


def look(m: Machinery, repo_id: str) -> None:
    """Find out what the head of the default branch holds, and show the first rows; leave the rest to the pass.

    # 1 row: somebody looks   2 first rows into the cache, each with its row   3 one transaction: state, task for the pass
    # Crash before 3: the task runs again from the start, and finds the rows of 1 and 2 as they are.
    """
    at = head(m, repo_id)
    if at is None:
        return
    repo, commit = at
    view = state.of(m, repo, commit)
    if view is not None and view.state != "looking":
        if view.state == "passing":
            _ask_for_pass(m, repo_id)
        return
    found = source.of(m, repo, commit)
    if view is None and _adopt(m, repo, found):
        return
    with m.db.write() as tx:
        queries.begin(tx, repo_id, commit, fingerprint=found.fingerprint, size=found.size, now=m.clock.now())
    if found.refused is not None:
        fail(m, found, found.refused)
        return
    if found.size <= VIEWER_SMALL_BYTES:
        # Both at once: a second process would take longer to start than the work itself.
        if Run(m, found, is_look=False).go():
            _finish(m, found)
        m.readers.warm()
        return
    Run(m, found, is_look=True).go()
    m.readers.warm()
    view = state.of(m, repo, commit)
    if view is not None and view.state == "looking":
        with m.db.write() as tx:
            queries.change(tx, repo_id, commit, state="passing")
            queue.put(tx, m.clock, PASS, {"repo_id": repo_id}, key=repo_id)
            tx.on_commit(m.wake)


def go_through(m: Machinery, repo_id: str) -> None:
    """Make everything that the viewer answers with from the head of the default branch.

    # 1 each split: folder moved into the cache, then its row   2 Parquet files: objects, commit of the ref   3 row: done
    # 4 what earlier commits left is deleted
    # Crash: the task runs again, and goes on after the splits that have a row and a folder.
    """
    at = head(m, repo_id)
    if at is None:
        return
    repo, commit = at
    view = state.of(m, repo, commit)
    if view is None or view.state == "looking":
        return  # the look at this commit is still to come, and asks for the pass itself
    if view.state == "passing":
        found = source.of(m, repo, commit)
        if not Run(m, found, is_look=False).go():
            return  # a newer push: its own tasks go on from here
        _finish(m, found)


def _finish(m: Machinery, found: Source) -> None:
    """Publish the Parquet files of what is ready, and note that all is done."""
    view = state.of(m, found.repo, found.commit)
    if view is not None and view.state != "failed":
        trouble = export.publish(m, found, view)
        with m.db.write() as tx:
            told = trouble and state.facts(trouble)
            queries.change(tx, found.repo.id, found.commit, state="done", finished_at=m.clock.now(), export=told)
    _tidy(m, found.repo, found.commit)


def _ask_for_pass(m: Machinery, repo_id: str) -> None:
    with m.db.write() as tx:
        queue.put(tx, m.clock, PASS, {"repo_id": repo_id}, key=repo_id)
        tx.on_commit(m.wake)


def _adopt(m: Machinery, repo: Repo, found: Source) -> bool:
    """Take over what is known of another commit with the same data: only the prose of the card has changed.

    # 1 folder renamed   2 row renamed. Crash between: the row's folder is missing, so the pass makes it again.
    """
    with m.db.read() as connection:
        known = queries.commits(connection, repo.id)
    old = next((row for row in known if row.fingerprint == found.fingerprint and row.state in {"done", "failed"}), None)
    if old is None:
        return False
    folder = shelf.folder_of(m, repo.id, Sha1(old.commit))
    if folder.is_dir():
        atomic.move_cached(folder, shelf.folder_of(m, repo.id, found.commit))
    with m.db.write() as tx:
        queries.adopt(tx, repo.id, Sha1(old.commit), found.commit)
    return True


def _tidy(m: Machinery, repo: Repo, commit: Sha1) -> None:
    """Forget what earlier commits left, once the present one can be shown."""
    with m.db.read() as connection:
        older = [Sha1(row.commit) for row in queries.commits(connection, repo.id) if row.commit != commit]
    for each in older:
        with m.db.write() as tx:
            queries.forget(tx, repo.id, each)
    root = shelf.folder_of(m, repo.id, commit).parent
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.name != commit:
            atomic.remove_tree(folder)
