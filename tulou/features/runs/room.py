"""Say whether a machine can run something, ever and now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tulou.features.runs.model import Run
from tulou.kernel.limits import JOBS_AT_ONCE
from tulou.platform.compute.base import Node
from tulou.platform.machinery import Machinery


def here(m: Machinery) -> Node:
    """Return this machine."""
    return m.compute.nodes()[0]


def never(machine: Node, run: Run) -> str | None:
    """Return why a run can never start there, for its owner; None if it can, sooner or later."""
    if machine.level == "off":
        return "This hub runs no programs: its administrator can see why, and what to do, with `tulou doctor`."
    if run.order.memory_mb > machine.total.memory_mb:
        return f"It asks for {run.order.memory_mb} MB of memory; this hub gives at most {machine.total.memory_mb} MB."
    return None


class Taken:
    """What runs on a machine have of it: memory, which is promised, and for each account its share of jobs."""

    def __init__(self, started: Iterable[Run]) -> None:
        self._memory_mb = 0
        self._jobs: Counter[str] = Counter()
        for run in started:
            self.add(run)

    def add(self, run: Run) -> None:
        """Count a run that was taken."""
        self._memory_mb += run.order.memory_mb
        self._jobs[run.account_id] += run.kind == "job"

    def fits(self, machine: Node, run: Run) -> bool:
        """Say whether there is room for one more. An account with many jobs waits for itself, not everybody for it."""
        if run.kind == "job" and self._jobs[run.account_id] >= JOBS_AT_ONCE:
            return False
        return self._memory_mb + run.order.memory_mb <= machine.total.memory_mb
