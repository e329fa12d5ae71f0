"""Write one JSON object a line to standard error, with control characters escaped and secrets masked."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import Any

_SECRET = re.compile(r"hf_[A-Za-z0-9]{8,}|\b[dils]_[A-Za-z0-9]{34}\b|[?&](?:sig|claim)=[^&\s\"]+|tulou_session=[^;\s\"]+")


class Log:
    """Writes events at or above a level. Call it with a name like `request.failed` and fields."""

    LEVELS = ("debug", "info", "warning", "error")

    def __init__(self, level: str = "info") -> None:
        self._least = self.LEVELS.index(level)

    def __call__(self, event: str, fields: dict[str, Any], level: str = "info") -> None:
        """Write one line."""
        if event.endswith((".failed", ".broken")):
            level = "error"
        if self.LEVELS.index(level) < self._least:
            return
        line = json.dumps({"t": round(time.time(), 3), "level": level, "event": event, **fields}, default=str)
        sys.stderr.write(_SECRET.sub("***", line) + "\n")
