"""Turns at uploading: one user cannot take them all, and nobody waits for ever."""

from __future__ import annotations

import asyncio

import pytest

from tulou.kernel.errors import Busy
from tulou.platform.xet import turns
from tulou.platform.xet.turns import Fair


def test_one_user_holds_no_more_than_their_share_while_another_gets_a_turn():
    async def story() -> None:
        fair, held, release = Fair(4, 2), [], asyncio.Event()

        async def hold(user: str) -> None:
            async with fair.turn(user):
                held.append(user)
                await release.wait()

        tasks = [asyncio.create_task(hold(user)) for user in ("ann", "ann", "ann", "ben", "cat", "dan")]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert sorted(held) == ["ann", "ann", "ben", "cat"]
        release.set()
        await asyncio.gather(*tasks)
        assert sorted(held) == ["ann", "ann", "ann", "ben", "cat", "dan"]
        assert fair._mine == {}

    asyncio.run(story())


def test_who_waits_too_long_is_told_that_the_server_is_busy(monkeypatch):
    monkeypatch.setattr(turns, "LONGEST_WAIT", 0.01)

    async def story() -> None:
        fair = Fair(1, 1)
        async with fair.turn("ann"):
            with pytest.raises(Busy):
                async with fair.turn("ben"):
                    pass
        async with fair.turn("ben"):
            pass
        assert fair._mine == {}

    asyncio.run(story())
