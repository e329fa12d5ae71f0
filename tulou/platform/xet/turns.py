"""Turns at receiving and checking uploads: more clients than this wait, before their bytes are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tulou.kernel.errors import Busy

RECEIVING, RECEIVING_EACH = 32, 8
"""Xorbs on their way in at once: altogether, and of one user. A waiting client is slowed down by TCP, not refused."""
SHARDS, SHARDS_EACH = 8, 3
LONGEST_WAIT = 240.0
"""Seconds. Clients give up reading after 300."""


class Turns:
    """Semaphores of one server process."""

    def __init__(self, *, checks: int) -> None:
        self.receive = Fair(RECEIVING, RECEIVING_EACH)
        self.shard = Fair(SHARDS, SHARDS_EACH)
        # Each check keeps one of the web server's threads waiting for a child process.
        self.check = Fair(checks, checks)


class Fair:
    """At most `total` at once, and at most `each` of one user."""

    def __init__(self, total: int, each: int) -> None:
        self._total = asyncio.Semaphore(total)
        self._each = each
        self._mine: dict[str, tuple[asyncio.Semaphore, int]] = {}

    @asynccontextmanager
    async def turn(self, user: str) -> AsyncIterator[None]:
        """Wait for a turn and hold it. Raises Busy after LONGEST_WAIT seconds."""
        mine, users = self._mine.get(user, (asyncio.Semaphore(self._each), 0))
        self._mine[user] = (mine, users + 1)
        try:
            await _acquire(mine)
            try:
                await _acquire(self._total)
                try:
                    yield
                finally:
                    self._total.release()
            finally:
                mine.release()
        finally:
            mine, users = self._mine[user]
            if users == 1:
                del self._mine[user]
            else:
                self._mine[user] = (mine, users - 1)


async def _acquire(semaphore: asyncio.Semaphore) -> None:
    try:
        async with asyncio.timeout(LONGEST_WAIT):
            await semaphore.acquire()
    except TimeoutError as cause:
        raise Busy from cause
