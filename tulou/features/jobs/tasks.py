"""Background work about jobs, and what wakes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tulou.db.engine import Tx
from tulou.features.jobs import fire, save
from tulou.features.jobs.submit import KIND
from tulou.kernel.events import RunChanged
from tulou.platform.compute.base import ENDED
from tulou.platform.jobs import queue
from tulou.platform.machinery import Machinery

FIRE = "jobs.schedule"
SAVE = "jobs.save"
GIVE_UP = "jobs.give_up_saving"

HANDLERS: dict[str, Callable[[Machinery, dict[str, Any]], None]] = {FIRE: fire.fire, SAVE: save.save, GIVE_UP: save.give_up}
RECURRING = {FIRE: 5_000, GIVE_UP: 600_000}
"""Kind → milliseconds between runs. Schedules name minutes."""
SLOW = frozenset({SAVE})


def on_event(m: Machinery, tx: Tx, kind: str, payload: dict[str, Any]) -> None:
    """Bring back what a job that ended wrote to buckets, and throw away the copies that it had of them."""
    if kind == RunChanged.kind and payload["run_kind"] == KIND and payload["phase"] in ENDED:
        queue.put(tx, m.clock, SAVE, {"run": payload["run_id"]}, key=payload["run_id"])
