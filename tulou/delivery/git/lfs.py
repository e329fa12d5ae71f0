"""git-lfs over HTTP: the batch API, and the links it hands out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread, objects
from tulou.delivery.kit.intake import in_slow_thread, pour
from tulou.delivery.kit.routes import Access, Budget, Route, for_kinds
from tulou.delivery.kit.streams import FileAnswer
from tulou.features.content import lfs, lfs_claims, lfs_upload
from tulou.features.content import objects as large
from tulou.features.content.lfs_claims import Holder, Verb
from tulou.features.content.spool import HashedSpool
from tulou.kernel.actor import Action
from tulou.kernel.errors import Unprocessable
from tulou.kernel.limits import LFS_PARTS
from tulou.platform.machinery import Machinery
from tulou.wire.lfs import MEDIA_TYPE, parse_batch

_IN_PARTS = LFS_PARTS * 2


def answer(value: dict[str, Any], status: int = 200) -> Response:
    """Answer as git-lfs wants it."""
    return Response(orjson.dumps(value), status, media_type=MEDIA_TYPE)


async def batch(call: Call) -> ASGIApp:
    """POST info/lfs/objects/batch: what to send or fetch, and where."""
    request = parse_batch(await call.json())
    found = await in_thread(lfs.batch, call.m, call.actor, call.repo, request, call.base)
    return answer(found.to_json())


async def put_object(call: Call) -> ASGIApp:
    """PUT /lfs/{oid}: the bytes of one object."""
    holder = await _holder(call, "put")
    await _receive(call, holder.claim.pointer.size, partial(lfs_upload.publish, call.m, holder))
    return Response(status_code=200)


async def put_part(call: Call) -> ASGIApp:
    """PUT /lfs/{oid}/part: the bytes of one part."""
    holder = await _holder(call, "part")
    etag = await _receive(call, lfs_upload.part_size(holder), partial(lfs_upload.put_part, call.m, holder))
    return Response(status_code=200, headers={"ETag": f'"{etag}"'})


async def join(call: Call) -> ASGIApp:
    """POST /lfs/{oid}: all parts are there."""
    holder = await _holder(call, "join")
    etags = _etags(await call.json())
    await in_slow_thread(lfs_upload.join, call.m, holder, etags)
    return answer({})


async def verify(call: Call) -> ASGIApp:
    """POST /lfs/{oid}/verify: say whether it arrived."""
    holder = await _holder(call, "verify")
    body = await call.json()
    pointer = holder.claim.pointer
    if (body.get("oid", pointer.oid), body.get("size", pointer.size)) != (pointer.oid, pointer.size):
        raise Unprocessable("This link verifies another object.")
    await in_thread(lfs.verify, call.m, holder.repo, pointer)
    return answer({})


async def get_object(call: Call) -> ASGIApp:
    """GET|HEAD /lfs/{oid}: the bytes of one object, or a range of them."""
    holder = await _holder(call, "get")
    stored = await in_thread(large.find, call.m, holder.repo, holder.claim.pointer.oid)

    def read(start: int, end: int) -> Iterator[bytes]:
        return large.read(call.m, stored, start, end)

    headers = {"Cache-Control": "private, no-cache", "Content-Disposition": "attachment"}
    return FileAnswer(size=stored.size, etag=stored.sha256, media_type="application/octet-stream", headers=headers, read=read)


async def _holder(call: Call, verb: Verb) -> Holder:
    sealed = call.query("claim") or ""
    actor = call.actor
    return await in_thread(lfs_claims.admit, call.m, verb, call.params["oid"], sealed, actor.address, actor.request_id)


async def _receive(call: Call, size: int, finish: partial[Any]) -> Any:
    declared = call.request.headers.get("content-length")
    if declared is not None and declared != str(size):
        raise Unprocessable("The request has another length than the object.")
    with _spool(call.m, size) as spool:
        await pour(call, spool.write)
        return await in_slow_thread(finish, spool)


def _spool(m: Machinery, size: int) -> HashedSpool:
    m.store.require_space(size)
    return HashedSpool(m, limit=size)


def _etags(body: dict[str, Any]) -> dict[int, str]:
    """Read `{"parts": [{"partNumber", "etag"}]}`. Clients send entity tags with or without their quotes."""
    found: dict[int, str] = {}
    for part in objects(body, "parts", limit=_IN_PARTS):
        number, etag = part.get("partNumber"), part.get("etag")
        if not isinstance(number, int) or not isinstance(etag, str):
            raise Unprocessable("Every part needs a 'partNumber' and an 'etag'.")
        found[number] = etag.strip('"')
    return found


ROUTES: list[Route] = [
    *for_kinds(("POST",), "/{account}/{name}/info/lfs/objects/batch", batch, Action.READ_CONTENT, git=True),
    Route(("PUT",), "/lfs/{oid}", put_object, Access.BEARER, budget=Budget.NONE),
    Route(("PUT",), "/lfs/{oid}/part", put_part, Access.BEARER, budget=Budget.NONE),
    Route(("POST",), "/lfs/{oid}", join, Access.BEARER, budget=Budget.NONE),
    Route(("POST",), "/lfs/{oid}/verify", verify, Access.BEARER, budget=Budget.NONE),
    Route(("GET", "HEAD"), "/lfs/{oid}", get_object, Access.BEARER, budget=Budget.RESOLVE),
]
