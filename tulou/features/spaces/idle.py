"""Freeze applications that nobody visits, stop those that nobody visited for long, and delete what no Space has any more."""

from __future__ import annotations

from tulou.features.runs import read as runs_read
from tulou.features.runs import sources, want
from tulou.features.runs.model import Run
from tulou.features.spaces import change, data, queries
from tulou.features.spaces.model import NEVER, Space, Stage
from tulou.fsio import atomic
from tulou.platform.machinery import Machinery

DAY_MS = 86_400_000
KEEP_ENVIRONMENTS_MS = 7 * DAY_MS
"""Environments that no Space uses stay this long: somebody may push the old requirements again."""
_SHARED = "base-"


def settle(m: Machinery) -> None:
    """Give every application that runs what its last visit earned."""
    with m.db.read() as connection:
        spaces = queries.awake(connection)
    runs = runs_read.many(m, [space.run_id for space in spaces if space.run_id])
    for space in spaces:
        run = runs.get(space.run_id or "")
        if run is not None and space.stage is Stage.RUNNING and space.building is None:
            _settle(m, space, run)


def sleeps_after_ms(m: Machinery, space: Space) -> int | None:
    """Return after how long without a visit a Space stops; None: never."""
    if space.sleep_seconds is not None:
        return None if space.sleep_seconds == NEVER else space.sleep_seconds * 1000
    return m.settings.space_sleep_minutes * 60_000 or None


def _settle(m: Machinery, space: Space, run: Run) -> None:
    idle = m.clock.now() - max(space.visited_at, run.started_at or 0)
    sleep, freeze = sleeps_after_ms(m, space), m.settings.space_freeze_minutes * 60_000
    if sleep is not None and idle >= sleep:
        with m.db.write() as tx:
            now = queries.take(tx, space.repo_id)
            if now is not None and now.visited_at == space.visited_at and now.stage is Stage.RUNNING:
                change.rest(tx, m, now, "sleep")
    elif freeze and idle >= freeze and run.phase == "running" and run.want == "run":
        with m.db.write() as tx:
            now = queries.take(tx, space.repo_id)
            if now is not None and now.visited_at == space.visited_at:
                want.pause(tx, m, run.id)
    elif run.want == "pause" and idle < freeze:
        with m.db.write() as tx:  # somebody came in the moment in which it was frozen
            want.resume(tx, m, run.id)


def sweep(m: Machinery) -> None:
    """Delete environments that no Space was built with for a week, and persistent folders of deleted Spaces.

    Caches, but for the folders of Spaces whose rows are gone: their repositories were deleted, and their settings with them.
    """
    with m.db.read() as connection:
        needed, known = queries.environments(connection), set(queries.with_storage(connection))
    before = m.clock.now() - KEEP_ENVIRONMENTS_MS
    for folder in sources.env_folder(m, "x").parent.glob("*"):
        if not folder.name.startswith(_SHARED) and folder.name not in needed and folder.stat().st_mtime_ns // 1_000_000 < before:
            atomic.remove_tree(folder)
    # Results of builds that nobody came to read: the hub died, or a push overtook them.
    for folder in sources.out_folder(m, "x").parent.glob("*"):
        if folder.stat().st_mtime_ns // 1_000_000 < m.clock.now() - DAY_MS:
            atomic.remove_tree(folder)
    for folder in sources.data_folder(m, "x").parent.glob("*"):
        if folder.name not in known:
            data.drop(m, folder.name)
