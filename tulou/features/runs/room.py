"""Say whether a machine can ever run something."""

from __future__ import annotations

from tulou.features.runs.model import Run
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
