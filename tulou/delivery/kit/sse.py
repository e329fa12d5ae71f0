"""Server-sent events: a stream of small messages that a client can take up again where it lost it (WHATWG HTML, 9.2)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
from anyio.lowlevel import RunVar
from starlette.responses import Response, StreamingResponse

from tulou.delivery.kit.call import Call, in_thread
from tulou.features.accounts import signin
from tulou.kernel.actor import Actor
from tulou.kernel.errors import BadCredentials, BadInput, Busy, HubError

KEEP_ALIVE = b": keep-alive\n\n"
KEEP_ALIVE_SECONDS = 15.0
"""Clients give up on a silent stream after 30 seconds or more, proxies too."""
STREAMS = 500
"""Each looks for news several times a second."""
STREAMS_EACH = 50
"""One reader, with however many windows, leaves room for the others."""
RECHECK_SECONDS = 60.0
"""A stream may be open for days; after so long its reader is asked for the right again."""
_open: RunVar[Counter[str]] = RunVar("tulou_event_streams")


def event(data: Any, *, id: int | None = None, name: str | None = None) -> bytes:  # noqa: A002 - the word of the standard
    """Return one event with JSON data. `id` is what the client sends back as `Last-Event-ID`."""
    head = (f"event: {name}\n" if name else "") + (f"id: {id}\n" if id is not None else "")
    return head.encode() + b"data: " + orjson.dumps(data) + b"\n\n"


def stream(call: Call, events: AsyncIterator[bytes], may: Callable[[Actor], object]) -> Response:
    """Answer with events as they come. Nothing on the way may keep or collect them. Raises Busy when too many are open.

    `may` raises a HubError for an actor who may not read them any more: then the stream ends.
    """
    streams = _all_open()
    if streams.total() >= STREAMS or streams[_reader(call)] >= STREAMS_EACH:
        raise Busy
    headers = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}
    return StreamingResponse(_counted(call, events, may), headers=headers, media_type="text/event-stream")


async def _counted(call: Call, events: AsyncIterator[bytes], may: Callable[[Actor], object]) -> AsyncIterator[bytes]:
    streams, reader, checked_at = _all_open(), _reader(call), time.monotonic()
    streams[reader] += 1
    try:
        async for each in events:
            if time.monotonic() >= checked_at + RECHECK_SECONDS:
                if not await in_thread(_still_may, call, may):
                    return
                checked_at = time.monotonic()
            yield each
    finally:
        streams[reader] -= 1
        if not streams[reader]:
            del streams[reader]


def _still_may(call: Call, may: Callable[[Actor], object]) -> bool:
    """Ask with the rights that the reader has now."""
    actor = call.actor
    try:
        if actor.user_id is not None:
            known = signin.by_id(call.m, actor.user_id, actor.token.id if actor.token else None)
            actor = signin.actor(call.m, known, actor.address, actor.request_id)
        may(actor)
    except (HubError, BadCredentials):
        return False
    return True


def _reader(call: Call) -> str:
    return call.actor.user_id or call.actor.address


def _all_open() -> Counter[str]:
    try:
        return _open.get()
    except LookupError:
        _open.set(Counter())
        return _open.get()


def begin(call: Call) -> int:
    """Return where a stream that a page opens begins: behind the last event seen, else at `offset`. Raises BadInput."""
    asked = call.query("offset") or "0"
    offset = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else 0
    return last_id(call) or offset


def last_id(call: Call) -> int | None:
    """Return the id of the last event that the client saw, if it says so. Raises BadInput."""
    said = call.request.headers.get("last-event-id")
    if said is None or said == "":
        return None
    if not (said.isascii() and said.isdigit() and len(said) < 19):
        raise BadInput("The header Last-Event-ID is not an id of this stream.")
    return int(said)
