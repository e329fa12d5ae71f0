"""git over HTTP, as git-http-backend speaks it: what there is, fetch, and push."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

import anyio
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.intake import in_slow_thread, pour, process_turn
from tulou.delivery.kit.routes import Budget, Route, for_kinds
from tulou.features.access import gate
from tulou.features.content import fetch, push
from tulou.features.content.spool import Spool
from tulou.kernel.actor import Action
from tulou.kernel.errors import BadInput
from tulou.kernel.limits import GIT_REQUEST, PUSH_PACK

SEND_SECONDS = 120
"""A client that takes no block for this long is let go."""
_UNCACHED = {
    "Cache-Control": "no-cache, max-age=0, must-revalidate",
    "Pragma": "no-cache",
    "Expires": "Fri, 01 Jan 1980 00:00:00 GMT",
}


async def info_refs(call: Call) -> ASGIApp:
    """GET info/refs: what a fetch or a push begins with."""
    service = call.query("service")
    if service == "git-upload-pack":
        answer = await in_thread(fetch.advertisement, call.m, call.repo, _protocol(call))
    elif service == "git-receive-pack":
        gate.check(call.actor, call.repo, Action.WRITE)
        answer = await in_thread(push.advertisement, call.m, call.repo)
    else:
        raise BadInput("This hub speaks git's smart protocol only: please use git 1.6.6 or newer.")
    return Response(answer, media_type=f"application/x-{service}-advertisement", headers=_UNCACHED)


async def upload_pack(call: Call) -> ASGIApp:
    """POST git-upload-pack: send what the client lacks."""
    with Spool(call.m, limit=GIT_REQUEST, is_read=True) as body:
        await pour(call, body.write)
        end_turn = await process_turn(call.actor)
        try:
            process = await in_thread(fetch.start, call.m, call.repo, body.path, _protocol(call))
        except BaseException:
            end_turn()
            raise
    return PackAnswer(process, end_turn)


async def receive_pack(call: Call) -> ASGIApp:
    """POST git-receive-pack: take what the client brings."""
    with Spool(call.m, limit=PUSH_PACK) as body:
        await pour(call, body.write)
        report = await in_slow_thread(push.push, call.m, call.actor, call.repo, body.path)
    return Response(report, media_type="application/x-git-receive-pack-result", headers=_UNCACHED)


class PackAnswer:
    """An ASGI response that passes on what git writes, and ends git when the client has gone."""

    def __init__(self, process: fetch.UploadPack, end_turn: Callable[[], None]) -> None:
        self._process = process
        self._end_turn = end_turn

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        headers = {**_UNCACHED, "Content-Type": "application/x-git-upload-pack-result"}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": raw})
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._watch, receive, tasks.cancel_scope)
                await self._pass_on(send)
                tasks.cancel_scope.cancel()
        finally:
            self._process.stop()
            self._end_turn()

    async def _watch(self, receive: Receive, scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    async def _pass_on(self, send: Send) -> None:
        async with aclosing(self._process.blocks()) as blocks:
            async for block in blocks:
                with anyio.fail_after(SEND_SECONDS):
                    await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _protocol(call: Call) -> str:
    return call.request.headers.get("git-protocol", "")


ROUTES: list[Route] = [
    *for_kinds(("GET",), "/{account}/{name}/info/refs", info_refs, Action.READ_CONTENT, git=True, budget=Budget.RESOLVE),
    *for_kinds(("POST",), "/{account}/{name}/git-upload-pack", upload_pack, Action.READ_CONTENT, git=True, budget=Budget.RESOLVE),
    *for_kinds(("POST",), "/{account}/{name}/git-receive-pack", receive_pack, Action.WRITE, git=True, budget=Budget.RESOLVE),
]
