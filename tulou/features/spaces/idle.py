"""Freeze applications that nobody visits, and stop those that nobody visited for long or whose memory somebody waits for."""

from __future__ import annotations

from tulou.features.runs import read as runs_read
from tulou.features.runs import want
from tulou.features.runs.model import Run
from tulou.features.spaces import change, queries
from tulou.features.spaces.model import NEVER, Space, Stage
from tulou.platform.machinery import Machinery

WAIT_MS = 10_000
SPARED_MS = 120_000
"""Nobody's application is put to sleep for somebody else's so soon after a visit."""


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
