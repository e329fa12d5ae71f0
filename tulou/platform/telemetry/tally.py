"""Count in memory what is written down later."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Downloads not yet written, by repository id. Lost in a crash: it is a statistic."""

    counts: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(slots=True)
class Visits:
    """Who uses the application of which repository: when last (Unix ms), and how many connections now."""

    last: dict[str, int] = field(default_factory=dict)
    open: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
