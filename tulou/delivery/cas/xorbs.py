"""Xorbs in and out: uploads, their size, and signed byte ranges."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp

from tulou.delivery.cas.bearer import hash_of, reader, writer
from tulou.delivery.cas.receive import received
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread
from tulou.features.content import xet_read, xet_upload
from tulou.features.content.xet_read import XorbRange
from tulou.kernel.errors import Forbidden, NotFound
from tulou.kernel.limits import XORB_BODY
from tulou.platform.machinery import Machinery

_ONE_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{1,18})")


async def upload(call: Call) -> ASGIApp:
    """Take a xorb. The turn comes before the body: until then TCP holds the client back."""
    holder, name = await writer(call), hash_of(call)
    turns = call.m.xet.turns
    async with (
        turns.receive.turn(holder.key),
        received(call, xet_upload.prepare_xorb, XORB_BODY) as path,
        turns.check.turn(holder.key),
    ):
        was_inserted = await in_thread(xet_upload.accept_xorb, call.m, holder, name, path)
    return answers.json({"was_inserted": was_inserted})


async def size(call: Call) -> ASGIApp:
    """Say how large a xorb is."""
    holder, name = await reader(call), hash_of(call)
    length = await in_thread(xet_read.xorb_size, call.m, holder, name)
    return Response(headers={"content-length": str(length)}, media_type="application/octet-stream")


async def refuse_grant(_call: Call) -> ASGIApp:
    """Offer no upload elsewhere: clients then send the xorb here. Only 404 means that to them."""
    raise NotFound("This server takes xorbs itself.")


async def send_range(call: Call) -> ASGIApp:
    """Send stored bytes that a signed URL names. Refuses with 403 only: any other refusal ends a client's download."""
    part = await in_thread(xet_read.open_range, call.m, call.params["hash"], call.query("sig") or "")
    wanted = _wanted(call.request.headers.get("range", ""), part)
    total = wanted.last - wanted.start + 1
    headers = {"content-length": str(total), "content-range": f"bytes {wanted.start}-{wanted.last}/*", "cache-control": "private"}
    return StreamingResponse(_blocks(call.m, wanted), 206, headers, media_type="application/octet-stream")


def _wanted(header: str, signed: XorbRange) -> XorbRange:
    asked = _ONE_RANGE.fullmatch(header)
    if asked is None:
        raise Forbidden("Ask for the one range that this URL was made for.")
    start, last = int(asked[1]), int(asked[2])
    if not signed.start <= start <= last <= signed.last:
        raise Forbidden("This URL was not made for that range.")
    return XorbRange(signed.xorb, start, last)


async def _blocks(m: Machinery, part: XorbRange) -> AsyncIterator[bytes]:
    blocks = xet_read.read_range(m, part)
    block = await in_thread(next, blocks, None)
    while block is not None:
        yield block
        block = await in_thread(next, blocks, None)
