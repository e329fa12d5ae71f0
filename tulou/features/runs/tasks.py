"""Background work about runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tulou.features.runs import history
from tulou.platform.machinery import Machinery

Handler = Callable[[Machinery, dict[str, Any]], None]

HANDLERS: dict[str, Handler] = {history.TASK: history.task}

# Kind → milliseconds between runs.
RECURRING = {history.TASK: history.EVERY_MS}
