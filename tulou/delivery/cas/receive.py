"""Receive a large body into a file: bounded in length and time, one block in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from tulou.delivery.kit.call import Call, in_thread
from tulou.features.content import xet_upload
from tulou.kernel.errors import BadInput, RequestTimedOut, TooLarge
from tulou.kernel.limits import MIB
from tulou.platform.machinery import Machinery

SLOWEST_SECONDS = 900
"""A 64 MiB xorb over a line of 0.6 Mbit/s. A slower client would keep others waiting for its turn."""


@asynccontextmanager
async def received(call: Call, prepare: Callable[[Machinery], Path], limit: int) -> AsyncIterator[Path]:
    """Yield a file with the body. It is deleted afterwards, unless somebody took it over.

    Raises TooLarge, BadInput for an empty body, RequestTimedOut, StorageFull.
    """
    declared = call.request.headers.get("content-length", "0")
    if declared.isascii() and declared.isdigit() and int(declared) > limit:
        raise TooLarge
    path = await in_thread(prepare, call.m)
    try:
        try:
            async with asyncio.timeout(SLOWEST_SECONDS):
                await _write(call, path, limit)
        except TimeoutError as cause:
            raise RequestTimedOut from cause
        yield path
    finally:
        await in_thread(xet_upload.discard, path)


async def _write(call: Call, path: Path, limit: int) -> None:
    size, waiting = 0, bytearray()
    with path.open("xb", buffering=0) as file:
        async for part in call.stream():
            size += len(part)
            if size > limit:
                raise TooLarge
            waiting += part
            if len(waiting) >= MIB:
                await in_thread(_write_all, file, waiting)
                waiting = bytearray()
        await in_thread(_write_all, file, waiting)
    if size == 0:
        raise BadInput("The body is empty.")


def _write_all(file: BinaryIO, content: bytearray) -> None:
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]
