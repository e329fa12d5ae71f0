"""The one source of time, so that tests can move it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Wall-clock time in whole milliseconds since the Unix epoch."""

    def now(self) -> int:
        """Return the current time in Unix milliseconds."""
        return time.time_ns() // 1_000_000


class FixedClock(Clock):
    """A clock that stands still until somebody moves it."""

    def __init__(self, start: int = 1_800_000_000_000) -> None:
        self._now = start

    def now(self) -> int:
        """Return the time that was set last, in Unix milliseconds."""
        return self._now

    def advance(self, *, seconds: float) -> None:
        """Move the clock; negative values move it back."""
        self._now += int(seconds * 1000)


def iso(millis: int) -> str:
    """Format Unix milliseconds as the Hub does: `2026-11-24T08:00:00.000Z`. Clients refuse `+00:00`."""
    moment = datetime.fromtimestamp(millis / 1000, tz=UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{millis % 1000:03d}Z"
