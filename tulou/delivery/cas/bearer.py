"""Read the token of a Xet request, and the hashes in its path."""

from __future__ import annotations

from tulou.delivery.kit.call import Call, in_thread
from tulou.features.content import xet, xet_upload
from tulou.features.content.xet import Holder
from tulou.kernel.errors import BadCredentials
from tulou.kernel.ids import XetHash
from tulou.wire.xet_hash import parse_printed


async def reader(call: Call) -> Holder:
    """Return who is asking. Raises BadCredentials."""
    scheme, _, token = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise BadCredentials
    return await in_thread(xet.admit, call.m, token.strip(), call.actor.address, call.actor.request_id)


async def writer(call: Call) -> Holder:
    """Return who is asking. Raises BadCredentials, or Forbidden for a token that only reads."""
    holder = await reader(call)
    xet_upload.require_write(holder)
    return holder


def hash_of(call: Call) -> XetHash:
    """Return the hash in the path. Raises WireError."""
    text = call.params["hash"]
    parse_printed(text)
    return XetHash(text)
