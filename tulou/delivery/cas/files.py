"""How to fetch a file: reconstructions in both versions, sizes, and which chunks are known."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp

from tulou.delivery.cas.bearer import hash_of, reader
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread
from tulou.features.content import xet_read
from tulou.features.content.xet_read import Plan, Range, XorbRange
from tulou.kernel.errors import BadInput, NotBuilt, RangeNotSatisfiable
from tulou.kernel.ids import XetHash
from tulou.kernel.limits import RECONSTRUCTION_FILES
from tulou.platform.machinery import Machinery
from tulou.wire.xet_hash import parse_printed, printed
from tulou.wire.xet_shard import Term

_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{1,18})?")


async def reconstruct_v2(call: Call) -> ASGIApp:
    """Plan a file, in the form of clients from 1.5 on."""
    plan = await _plan(call)
    return answers.json(await in_thread(_v2, call.m, call.base, plan))


async def reconstruct_v1(call: Call) -> ASGIApp:
    """Plan a file, in the form of older clients."""
    plan = await _plan(call)
    return answers.json(await in_thread(_v1, call.m, call.base, plan))


async def reconstruct_many(call: Call) -> ASGIApp:
    """Plan several whole files at once."""
    holder = await reader(call)
    names = list(dict.fromkeys(call.queries("file_id")))
    if not 0 < len(names) <= RECONSTRUCTION_FILES:
        raise BadInput(f"Name 1 to {RECONSTRUCTION_FILES} files in 'file_id'.")
    for name in names:
        parse_printed(name)
    plans = {name: await in_thread(xet_read.reconstruction, call.m, holder, XetHash(name), None) for name in names}
    return answers.json(await in_thread(_many, call.m, call.base, plans))


async def size(call: Call) -> ASGIApp:
    """Say how large a file is."""
    holder, name = await reader(call), hash_of(call)
    length = await in_thread(xet_read.file_size, call.m, holder, name)
    return Response(headers={"content-length": str(length)}, media_type="application/octet-stream")


async def known_chunks(call: Call) -> ASGIApp:
    """Answer a deduplication query."""
    holder, name = await reader(call), hash_of(call)
    session = call.request.headers.get("x-xet-session-id", "")[:200]
    shard = await in_thread(xet_read.known_chunks, call.m, holder, name, session)
    return Response(shard, media_type="application/octet-stream")


async def refuse_chunk_hashes(_call: Call) -> ASGIApp:
    """Offer no chunk hashes for range-aware writes: only mount tools ask."""
    raise NotBuilt("This server does not list the chunk hashes of files.")


async def _plan(call: Call) -> Plan:
    holder, name = await reader(call), hash_of(call)
    return await in_thread(xet_read.reconstruction, call.m, holder, name, _wanted(call.request.headers.get("range")))


def _wanted(header: str | None) -> tuple[int, int | None] | None:
    if header is None:
        return None
    asked = _RANGE.fullmatch(header.strip())
    if asked is None:
        raise RangeNotSatisfiable(0)
    return int(asked[1]), int(asked[2]) if asked[2] else None


def _v2(m: Machinery, base: str, plan: Plan) -> dict[str, Any]:
    return {
        "offset_into_first_range": plan.offset,
        "terms": [_term(term) for term in plan.terms],
        # One URL for each range: stores that sign URLs cannot serve several at once, and the JavaScript client
        # would want them as multipart.
        "xorbs": {
            printed(xorb): [{
                "url": _url(m, base, xorb, part),
                "ranges": [{"chunks": {"start": part.first, "end": part.end}, "bytes": {"start": part.start, "end": part.last}}],
            } for part in parts]
            for xorb, parts in plan.ranges.items()
        },
    }  # fmt: skip


def _v1(m: Machinery, base: str, plan: Plan) -> dict[str, Any]:
    terms = [_term(term) for term in plan.terms]
    return {"offset_into_first_range": plan.offset, "terms": terms, "fetch_info": _fetch_info(m, base, plan)}


def _many(m: Machinery, base: str, plans: dict[str, Plan]) -> dict[str, Any]:
    fetch_info: dict[str, list[dict[str, Any]]] = {}
    for plan in plans.values():
        for xorb, parts in _fetch_info(m, base, plan).items():
            fetch_info.setdefault(xorb, []).extend(parts)
    return {"files": {name: [_term(term) for term in plan.terms] for name, plan in plans.items()}, "fetch_info": fetch_info}


def _fetch_info(m: Machinery, base: str, plan: Plan) -> dict[str, list[dict[str, Any]]]:
    return {
        printed(xorb): [{
            "range": {"start": part.first, "end": part.end},
            "url": _url(m, base, xorb, part),
            "url_range": {"start": part.start, "end": part.last},
        } for part in parts]
        for xorb, parts in plan.ranges.items()
    }  # fmt: skip


def _term(term: Term) -> dict[str, Any]:
    return {"hash": printed(term.xorb), "unpacked_length": term.length, "range": {"start": term.start, "end": term.end}}


def _url(m: Machinery, base: str, xorb: bytes, part: Range) -> str:
    name = printed(xorb)
    return f"{base}/xorb-data/{name}?sig={xet_read.sign_range(m, XorbRange(name, part.start, part.last))}"
