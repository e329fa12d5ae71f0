"""Shards in: one answer at the end, or a stream of progress that keeps the connection alive."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from tulou.delivery.cas.bearer import writer
from tulou.delivery.cas.receive import received
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread
from tulou.features.content import xet_upload
from tulou.features.content.xet_upload import Progress
from tulou.kernel.errors import HubError, StorageFull
from tulou.kernel.limits import SHARD_BYTES

HEARTBEAT_SECONDS = 15.0
_RETRYABLE = frozenset({408, 429, 503})
# Without the last one, nginx would keep the lines back until there are enough of them.
_HEADERS = [(b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]

Event = dict[str, Any]


async def upload(call: Call) -> ASGIApp:
    """Take a shard and answer when it is registered."""
    holder = await writer(call)
    async with call.m.xet.turns.shard.turn(holder.key), received(call, xet_upload.prepare_shard, SHARD_BYTES) as path:
        await in_thread(xet_upload.register_shard, call.m, holder, path, _nobody_listens)
    return answers.json({"result": 1})


async def upload_with_progress(call: Call) -> ASGIApp:
    """Take a shard and answer with a line for every step, the last of which is the result."""
    holder = await writer(call)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(call.m.xet.turns.shard.turn(holder.key))
        path = await stack.enter_async_context(received(call, xet_upload.prepare_shard, SHARD_BYTES))

        def work(progress: Progress) -> None:
            xet_upload.register_shard(call.m, holder, path, progress)

        # The turn and the file are handed on to the answer, which lets go of them.
        return ProgressAnswer(work, stack.pop_all())


def _nobody_listens(_verified: int, _total: int) -> None:
    """Let the progress pass."""


class ProgressAnswer:
    """An NDJSON stream: the newest event when there is one, the same again when there was none for a while."""

    def __init__(self, work: Callable[[Progress], None], held: AsyncExitStack, *, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._work = work
        self._held = held
        self._heartbeat = heartbeat
        self._loop = asyncio.get_running_loop()
        self._latest: Event = {"type": "validating", "verified": 0, "total": 1}
        self._changed = asyncio.Event()

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Do the work and send what happens. The work is finished even when nobody reads any more."""
        async with self._held:
            task = asyncio.create_task(in_thread(self._work, self._progress))
            try:
                await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
                while not task.done():
                    self._changed.clear()
                    await _line(send, self._latest)
                    await self._wait(task)
            finally:
                await asyncio.wait({task})
            for event in _outcome(task):
                await _line(send, event)
            await send({"type": "http.response.body", "body": b""})

    async def _wait(self, task: asyncio.Task[None]) -> None:
        changed = asyncio.create_task(self._changed.wait())
        await asyncio.wait({task, changed}, timeout=self._heartbeat, return_when=asyncio.FIRST_COMPLETED)
        changed.cancel()

    def _progress(self, verified: int, total: int) -> None:
        self._loop.call_soon_threadsafe(self._tell, {"type": "validating", "verified": verified, "total": total})

    def _tell(self, event: Event) -> None:
        self._latest = event
        self._changed.set()


def _outcome(task: asyncio.Task[None]) -> list[Event]:
    try:
        task.result()
    except HubError as problem:
        return [_failure(problem)]
    except OSError as problem:
        if problem.errno != errno.ENOSPC:
            raise
        return [_failure(StorageFull())]
    return [{"type": "committing", "stage": "syncing"}, {"type": "result", "result": 1}]


def _failure(problem: HubError) -> Event:
    return {"type": "error", "message": problem.message, "retryable": problem.status in _RETRYABLE}


async def _line(send: Send, event: Event) -> None:
    await send({"type": "http.response.body", "body": orjson.dumps(event) + b"\n", "more_body": True})
