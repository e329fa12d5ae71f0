"""Take in large request bodies: bounded, unpacked, in large blocks, and only from clients that keep sending."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

from tulou.delivery.kit.call import Call, in_thread
from tulou.kernel.actor import Actor
from tulou.kernel.address import network_of
from tulou.kernel.errors import BadInput, Busy, RequestTimedOut
from tulou.kernel.limits import BODY_IDLE_SECONDS, MIB

T = TypeVar("T")

BLOCK = MIB
SLOW_JOBS = 6
PROCESSES = 24
SHARE = PROCESSES // 2
"""Of these at most for one account or network: whoever reads slowly keeps a process for hours."""
PATIENCE_SECONDS = 30
_processes: RunVar[anyio.CapacityLimiter] = RunVar("tulou_processes")
_shares: RunVar[dict[str, anyio.CapacityLimiter]] = RunVar("tulou_shares")
_slow_jobs: RunVar[anyio.CapacityLimiter] = RunVar("tulou_slow_jobs")


class UnknownEncoding(BadInput):
    """The body is packed in a way that this server does not unpack: use gzip, or nothing."""

    status = 415
    code = "unknown_encoding"


async def in_slow_thread(function: Callable[..., T], *arguments: object) -> T:
    """Run work that may take minutes, a few at a time, so that it never starves the pool that answers everybody."""
    return await anyio.to_thread.run_sync(lambda: function(*arguments), limiter=_limiter(_slow_jobs, SLOW_JOBS))


async def process_turn(actor: Actor) -> Callable[[], None]:
    """Wait for a turn to start a process, and return what ends the turn. Raises Busy when it does not come soon."""
    who, holder = actor.user_id or network_of(actor.address), object()
    shares = _all_shares()
    share, limiter = shares.setdefault(who, anyio.CapacityLimiter(SHARE)), _limiter(_processes, PROCESSES)

    def give_back() -> None:
        share.release_on_behalf_of(holder)
        if share.borrowed_tokens == 0 and share.statistics().tasks_waiting == 0 and shares.get(who) is share:
            shares.pop(who, None)

    try:
        with anyio.fail_after(PATIENCE_SECONDS):
            await share.acquire_on_behalf_of(holder)
            try:
                await limiter.acquire_on_behalf_of(holder)
            except BaseException:
                give_back()
                raise
    except TimeoutError as cause:
        raise Busy from cause

    def end() -> None:
        limiter.release_on_behalf_of(holder)
        give_back()

    return end


def _all_shares() -> dict[str, anyio.CapacityLimiter]:
    try:
        return _shares.get()
    except LookupError:
        _shares.set({})
        return _shares.get()


def _limiter(variable: RunVar[anyio.CapacityLimiter], size: int) -> anyio.CapacityLimiter:
    try:
        return variable.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(size)
        variable.set(limiter)
        return limiter


async def pour(call: Call, sink: Callable[[bytes], None]) -> None:
    """Hand the body to `sink`, block by block, in the pool. `sink` counts, and raises TooLarge.

    Raises RequestTimedOut, and BadInput for a body that ends early.
    """
    block = bytearray()
    async for chunk in _unpacked(call):
        block += chunk
        if len(block) >= BLOCK:
            await in_thread(sink, bytes(block))
            block.clear()
    if block:
        await in_thread(sink, bytes(block))


async def _arriving(call: Call) -> AsyncIterator[bytes]:
    stream = call.stream()
    while True:
        try:
            with anyio.fail_after(BODY_IDLE_SECONDS):
                chunk = await anext(stream, None)
        except TimeoutError as cause:
            raise RequestTimedOut from cause
        if chunk is None:
            return
        yield chunk


async def _unpacked(call: Call) -> AsyncIterator[bytes]:
    encoding = call.request.headers.get("content-encoding", "identity").lower()
    if encoding == "identity":
        async for chunk in _arriving(call):
            yield chunk
        return
    if encoding not in {"gzip", "x-gzip"}:
        raise UnknownEncoding
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    async for chunk in _arriving(call):
        packed = chunk
        while packed and not unpacker.eof:
            yield _unpack(unpacker, packed)
            packed = unpacker.unconsumed_tail
    if not unpacker.eof:
        raise BadInput("The packed body ends early.")


def _unpack(unpacker: zlib._Decompress, chunk: bytes) -> bytes:
    # At most one block at a time: a body of zeros unpacks a thousandfold.
    try:
        return unpacker.decompress(chunk, BLOCK)
    except zlib.error as cause:
        raise BadInput("The body is not valid gzip.") from cause
