"""The progress of a shard: lines while there is nothing to say, an end whatever happens, and nothing kept afterwards."""

from __future__ import annotations

import asyncio
import errno
import json
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tulou.delivery.cas.shards import ProgressAnswer
from tulou.features.content.xet_upload import Progress
from tulou.kernel.errors import Busy, WireError


def lines_of(work: Callable[[Progress], None], on_line: Callable[[int], None] = lambda _count: None) -> list[dict[str, Any]]:
    """Run the answer and return its lines; what it holds must have been let go."""
    sent: list[dict[str, Any]] = []
    let_go: list[bool] = []

    async def send(message: Any) -> None:
        if message.get("body"):
            sent.append(json.loads(message["body"]))
            on_line(len(sent))

    async def run() -> None:
        held = AsyncExitStack()
        held.callback(lambda: let_go.append(True))
        await ProgressAnswer(work, held, heartbeat=0.01)({}, None, send)  # type: ignore[arg-type]

    try:
        asyncio.run(run())
    finally:
        assert let_go == [True]
    return sent


def test_a_long_check_keeps_sending_the_same_line_until_it_is_done():
    enough = threading.Event()

    def work(progress: Progress) -> None:
        progress(3, 7)
        assert enough.wait(20)

    lines = lines_of(work, lambda count: enough.set() if count == 8 else None)
    assert lines[4] == {"type": "validating", "verified": 3, "total": 7}
    assert lines[-1] == {"type": "result", "result": 1}


@pytest.mark.parametrize(
    ("problem", "retryable"),
    [(WireError("no"), False), (Busy(), True), (OSError(errno.ENOSPC, "full"), False)],
    ids=["lie", "busy", "full"],
)
def test_a_failure_is_the_last_line_and_says_whether_to_try_again(problem, retryable):
    def work(_progress: Progress) -> None:
        raise problem

    last = lines_of(work)[-1]
    assert (last["type"], last["retryable"]) == ("error", retryable)


def test_a_bug_breaks_the_stream_off_instead_of_pretending_an_end():
    def work(_progress: Progress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        lines_of(work)
