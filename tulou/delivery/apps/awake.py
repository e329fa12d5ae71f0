"""Find the run that answers for a Space, and wake it first if it sleeps; those who wait for the same Space wait together."""

from __future__ import annotations

import asyncio

from tulou.delivery.kit.call import in_thread
from tulou.delivery.kit.notices import AppBuilding, AppFailed, AppPaused, AppWaking, NoApp
from tulou.features.runs.model import Run
from tulou.features.spaces import control, read
from tulou.features.spaces.model import Space, Stage
from tulou.platform.machinery import Machinery

PATIENCE_SECONDS = 4.0
"""A person who waits longer gets a page that says so, and asks again by itself."""
_POLL_SECONDS = 0.05
_LONGEST_SECONDS = 600
"""A program waits no longer, even if the Space may take longer to start."""


class Awake:
    """Wakes applications, each once at a time. Belongs to one event loop; `close` ends it."""

    def __init__(self, m: Machinery) -> None:
        self._m = m
        self._wakings: dict[str, asyncio.Task[Run]] = {}

    async def run(self, space: Space, *, patience: float | None) -> Run:
        """Return the run to talk to.

        Raises AppWaking after `patience` seconds (None: after the time that the Space may take to start), AppBuilding,
        AppPaused, AppFailed, or ComputeOff.
        """
        run = self._cached(space) or await in_thread(_serving, self._m, space)
        if run is not None:
            return run
        waking = self._wakings.get(space.repo_id)
        if waking is None:
            waking = self._wakings[space.repo_id] = asyncio.create_task(self._wake(space))
            waking.add_done_callback(lambda task: self._over(space.repo_id, task))
        longest = min(_ready_seconds(space), _LONGEST_SECONDS)
        await asyncio.wait({waking}, timeout=longest if patience is None else min(patience, longest))
        if not waking.done():
            raise AppWaking
        return waking.result()

    async def close(self) -> None:
        """Stop waiting. What was woken goes on."""
        wakings = list(self._wakings.values())
        for waking in wakings:
            waking.cancel()
        await asyncio.gather(*wakings, return_exceptions=True)

    def _cached(self, space: Space) -> Run | None:
        known = self._m.cache.get("app.run", space.repo_id)
        return known if isinstance(known, Run) else None

    def _over(self, repo_id: str, task: asyncio.Task[Run]) -> None:
        del self._wakings[repo_id]
        if not task.cancelled():
            task.exception()  # whoever waited has gone: nobody else will look at it

    async def _wake(self, space: Space) -> Run:
        """Ask again and again: the answer comes from the machine by way of the rows."""
        seconds = _ready_seconds(space)
        async with asyncio.timeout(seconds + 60):  # the Space fails by itself before that
            run = await in_thread(_step, self._m, space.repo_id)
            while run is None:
                await asyncio.sleep(_POLL_SECONDS)
                run = await in_thread(_step, self._m, space.repo_id)
            return run


def _step(m: Machinery, repo_id: str) -> Run | None:
    """Do what is to be done to wake a Space, and return its run once it answers."""
    space = read.by_id(m, repo_id)
    if space is None:
        raise NoApp
    run = _serving(m, space)
    if run is not None:
        return run
    if space.stage is Stage.PAUSED:
        raise AppPaused
    if space.stage.is_error:
        raise AppFailed
    if space.stage is Stage.BUILDING:
        raise AppBuilding
    if space.stage is not Stage.APP_STARTING:
        control.wake(m, space)
        fresh = read.by_id(m, repo_id)
        return _serving(m, fresh) if fresh is not None else None
    return None


def _serving(m: Machinery, space: Space) -> Run | None:
    """Return the run of a Space if it answers now."""
    mark = m.cache.mark()
    run = control.current(m, space)
    if run is None or run.phase != "running" or run.want != "run" or run.order.port is None:
        return None
    m.cache.put(mark, "app.run", space.repo_id, run)
    return run


def _ready_seconds(space: Space) -> float:
    return float(space.built.plan.ready_s) if space.built is not None else _LONGEST_SECONDS
