"""Remember which upload sessions were told what their repository has."""

from __future__ import annotations

import threading
from collections import OrderedDict

_REMEMBERED = 10_000


class HintedSessions:
    """The sessions of this process that got a hint: once is enough."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def is_first(self, session: str, repo_id: str) -> bool:
        """Say whether this is the first question of a session about a repository, and remember it."""
        with self._lock:
            if (session, repo_id) in self._seen:
                return False
            self._seen[session, repo_id] = None
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            return True
