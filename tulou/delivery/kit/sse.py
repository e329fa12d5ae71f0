"""Server-sent events: a stream of small messages that a client can take up again where it lost it (WHATWG HTML, 9.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
from anyio.lowlevel import RunVar
from starlette.responses import Response, StreamingResponse

from tulou.delivery.kit.call import Call
from tulou.kernel.errors import BadInput, Busy

KEEP_ALIVE = b": keep-alive\n\n"
KEEP_ALIVE_SECONDS = 15.0
"""Clients give up on a silent stream after 30 seconds or more, proxies too."""
STREAMS = 500
"""Each looks for news several times a second."""
_open: RunVar[set[object]] = RunVar("tulou_event_streams")


def event(data: Any, *, id: int | None = None, name: str | None = None) -> bytes:  # noqa: A002 - the word of the standard
    """Return one event with JSON data. `id` is what the client sends back as `Last-Event-ID`."""
    head = (f"event: {name}\n" if name else "") + (f"id: {id}\n" if id is not None else "")
    return head.encode() + b"data: " + orjson.dumps(data) + b"\n\n"


def stream(events: AsyncIterator[bytes]) -> Response:
    """Answer with events as they come. Nothing on the way may keep or collect them. Raises Busy when too many are open."""
    if len(_all_open()) >= STREAMS:
        raise Busy
    headers = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}
    return StreamingResponse(_counted(events), headers=headers, media_type="text/event-stream")


async def _counted(events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    streams, mine = _all_open(), object()
    streams.add(mine)
    try:
        async for each in events:
            yield each
    finally:
        streams.discard(mine)


def _all_open() -> set[object]:
    try:
        return _open.get()
    except LookupError:
        _open.set(set())
        return _open.get()


def last_id(call: Call) -> int | None:
    """Return the id of the last event that the client saw, if it says so. Raises BadInput."""
    said = call.request.headers.get("last-event-id")
    if said is None or said == "":
        return None
    if not (said.isascii() and said.isdigit() and len(said) < 19):
        raise BadInput("The header Last-Event-ID is not an id of this stream.")
    return int(said)
