"""Stop laying out a text that takes too long: the work asks now and then whether its time is up."""

from __future__ import annotations

import time


class Overdue(Exception):
    """The text takes longer to lay out than anybody is ready to wait."""


class Budget:
    """A stretch of time that begins now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        """Raise Overdue when the time is up."""
        if time.monotonic() > self._end:
            raise Overdue
