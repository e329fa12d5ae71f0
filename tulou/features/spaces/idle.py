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
WAIT_MS = 10_000
SPARED_MS = 120_000
"""Nobody's application is put to sleep for somebody else's so soon after a visit."""
KEEP_ENVIRONMENTS_MS = 7 * DAY_MS
"""Environments that no Space uses stay this long: somebody may push the old requirements again."""
_SHARED = "base-"


def settle(m: Machinery) -> None:
    """Give every application that runs what its last visit earned."""
    with m.db.read() as connection:
        spaces = queries.awake(connection)
    runs = runs_read.many(m, [space.run_id for space in spaces if space.run_id])
    served = [(space, run) for space in spaces if (run := runs.get(space.run_id or "")) is not None and _may_rest(space)]
    for space, run in served:
        _settle(m, space, run)
    _make_room(m, served)


def _may_rest(space: Space) -> bool:
    return space.stage is Stage.RUNNING and space.building is None


def _make_room(m: Machinery, served: list[tuple[Space, Run]]) -> None:
    """While something waits for memory, put the application to sleep whose last visit is longest ago, one at a time.

    Those whose owners want them never to sleep do not.
    """
    now = m.clock.now()
    with m.db.read() as connection:
        if not queries.somebody_waits(connection, now - WAIT_MS):
            return
    idle = [
        (max(space.visited_at, run.started_at or 0), space)
        for space, run in served
        if not run.is_over and run.want != "stop" and space.sleep_seconds != NEVER
    ]
    at, space = min(idle, key=lambda pair: pair[0], default=(now, None))
    if space is not None and at < now - SPARED_MS:
        _sleep(m, space)


def sleeps_after_ms(m: Machinery, space: Space) -> int | None:
    """Return after how long without a visit a Space stops; None: never."""
    if space.sleep_seconds is not None:
        return None if space.sleep_seconds == NEVER else space.sleep_seconds * 1000
    return m.settings.space_sleep_minutes * 60_000 or None


def _settle(m: Machinery, space: Space, run: Run) -> None:
    idle = m.clock.now() - max(space.visited_at, run.started_at or 0)
    sleep, freeze = sleeps_after_ms(m, space), m.settings.space_freeze_minutes * 60_000
    if sleep is not None and idle >= sleep:
        _sleep(m, space)
    elif freeze and idle >= freeze and run.phase == "running" and run.want == "run":
        with m.db.write() as tx:
            now = queries.take(tx, space.repo_id)
            if now is not None and now.visited_at == space.visited_at:
                want.pause(tx, m, run.id)
    elif run.want == "pause" and idle < freeze:
        with m.db.write() as tx:  # somebody came in the moment in which it was frozen
            want.resume(tx, m, run.id)


def _sleep(m: Machinery, space: Space) -> None:
    with m.db.write() as tx:
        now = queries.take(tx, space.repo_id)
        if now is not None and now.visited_at == space.visited_at and _may_rest(now):
            change.rest(tx, m, now, "sleep")


def sweep(m: Machinery) -> None:
    """Delete environments that no Space was built with for a week, files of commits that nothing runs, and orphaned folders.

    All are caches, but for the folders of Spaces without a row: their repositories were deleted, and their settings with them.
    """
    with m.db.read() as connection:
        needed, known = queries.environments(connection), set(queries.with_storage(connection))
        orders = "".join(queries.live_orders(connection))
    before = m.clock.now() - KEEP_ENVIRONMENTS_MS
    for folder in sources.env_folder(m, "x").parent.glob("*"):
        if not folder.name.startswith(_SHARED) and folder.name not in needed and folder.stat().st_mtime_ns // 1_000_000 < before:
            atomic.remove_tree(folder)
    for folder in sources.export_folder(m, "x", "x").parent.glob("*"):
        repo_id, _, commit = folder.name.partition("-")
        if f"{repo_id}@{commit}" not in orders and folder.stat().st_mtime_ns // 1_000_000 < m.clock.now() - DAY_MS:
            atomic.remove_tree(folder)
    # Results of builds that nobody came to read: the hub died, or a push overtook them.
    for folder in sources.out_folder(m, "x").parent.glob("*"):
        if folder.stat().st_mtime_ns // 1_000_000 < m.clock.now() - DAY_MS:
            atomic.remove_tree(folder)
    for folder in sources.data_folder(m, "x").parent.glob("*"):
        if folder.name not in known:
            data.drop(m, folder.name)
