"""Background work about jobs, and what wakes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tulou.db.engine import Tx
from tulou.features.jobs import fire
from tulou.platform.machinery import Machinery

FIRE = "jobs.schedule"

HANDLERS: dict[str, Callable[[Machinery, dict[str, Any]], None]] = {FIRE: fire.fire}
RECURRING = {FIRE: 5_000}
"""Kind → milliseconds between runs. Schedules name minutes."""


def on_event(_m: Machinery, _tx: Tx, _kind: str, _payload: dict[str, Any]) -> None:
    """Nothing wakes it: schedules go by the clock."""
