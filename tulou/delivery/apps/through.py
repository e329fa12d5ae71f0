"""Take a visitor who was let in through to the application: wake it, pass the rest on, and stop when the right is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import Message, Receive, Scope, Send

from tulou.delivery.apps import admission, files
from tulou.delivery.apps.admission import Door, Visit
from tulou.delivery.apps.awake import PATIENCE_SECONDS, Awake
from tulou.delivery.apps.place import Place
from tulou.delivery.kit.call import in_thread
from tulou.delivery.kit.notices import ForeignPage, NoApp
from tulou.delivery.kit.routes import MethodNotAllowed
from tulou.features.runs.model import Run
from tulou.features.spaces import visits
from tulou.kernel.errors import HubError
from tulou.platform.machinery import Machinery
from tulou.platform.net.proxy import Proxy, http, unless
from tulou.platform.net.websocket import websocket
from tulou.wire.proxy_headers import Hop

RECHECK_SECONDS = 60.0
"""A connection that stays open is asked for its right again after so long, and cut when it is gone."""
_POLICY_VIOLATION = 1008
# In path mode pages are of no origin, so their own requests count as foreign. Nothing here depends on who asks: no cookie passes.
_PREFLIGHT = {
    "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "*", "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "600",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, or one WebSocket, on an application's host."""

    place: Place
    door: Door
    scope: Scope
    headers: Headers
    receive: Receive
    send: Send

    @property
    def is_http(self) -> bool:
        """False for a WebSocket."""
        return bool(self.scope["type"] == "http")

    @property
    def wants_page(self) -> bool:
        """True when HTML can be read."""
        return "text/html" in self.headers.get("accept", "")

    @property
    def is_person(self) -> bool:
        """True when somebody looks at the page that is asked for, rather than a program or a script of a page."""
        is_read = self.is_http and self.scope["method"] in {"GET", "HEAD"}
        return is_read and self.wants_page and self.headers.get("sec-fetch-mode", "navigate") == "navigate"


class Through:
    """The way from the door to the application. Belongs to one event loop; `close` ends it."""

    def __init__(self, m: Machinery) -> None:
        self._m = m
        self._proxy = Proxy(m.compute.address)
        self._awake = Awake(m)

    async def close(self) -> None:
        """End every connection to an application."""
        await self._awake.close()
        await self._proxy.close()

    async def take(self, ask: Ask, visit: Visit, hop: Hop) -> None:
        """Answer. Raises HubError or Refused while nothing was sent yet."""
        if not ask.place.target.startswith("/"):
            await _answer(ask, RedirectResponse(f"{ask.place.prefix}/{ask.place.target}", 307))
            return
        if ask.is_http and ask.scope["method"] in {"CONNECT", "TRACE"}:
            raise MethodNotAllowed(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
        if ask.is_http and ask.place.prefix and _is_preflight(ask):
            await _answer(ask, Response(status_code=204, headers=_PREFLIGHT))
            return
        if not ask.is_http:
            _check_origin(ask)
        if visit.space.is_static:
            await self._file(ask, visit, hop)
            return
        with visits.connection(self._m, visit.repo.id):
            run = await self._awake.run(visit.space, patience=PATIENCE_SECONDS if ask.is_person else None)
            await (self._http if ask.is_http else self._websocket)(ask, run, hop)

    async def _file(self, ask: Ask, visit: Visit, hop: Hop) -> None:
        if not ask.is_http:
            raise NoApp
        answer = await in_thread(files.answer, self._m, visit.space, visit.repo, ask.place.target, ask.scope["method"], hop)
        await _answer(ask, answer)

    async def _http(self, ask: Ask, run: Run, hop: Hop) -> None:
        has_begun = False

        async def send(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await ask.send(message)

        async with self._proxy.request(run.machine_id, run.order.port or 0) as line:
            is_done = await unless(
                lambda: http(line, ask.place.target, hop, ask.scope, ask.receive, send), lambda: self._barred(ask)
            )
        if not is_done and not has_begun:
            raise NoApp

    async def _websocket(self, ask: Ask, run: Run, hop: Hop) -> None:
        async with self._proxy.socket(run.machine_id, run.order.port or 0) as line:
            is_done = await unless(
                lambda: websocket(line, ask.place.target, hop, ask.scope, ask.receive, ask.send), lambda: self._barred(ask)
            )
        if not is_done:
            with suppress(OSError):  # the server's word for a visitor who is gone
                await ask.send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})

    async def _barred(self, ask: Ask) -> None:
        """Return when the visitor may not be here any more: the Space was closed, the token revoked, the member removed."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            try:
                await in_thread(admission.admit, self._m, ask.door, ask.scope, ask.headers)
            except HubError:
                return


async def _answer(ask: Ask, answer: Callable[[Scope, Receive, Send], Awaitable[Any]]) -> None:
    await answer(ask.scope, ask.receive, ask.send)


def _is_preflight(ask: Ask) -> bool:
    return ask.scope["method"] == "OPTIONS" and "access-control-request-method" in ask.headers


def _check_origin(ask: Ask) -> None:
    """Raise ForeignPage for a page of another site: no same-origin rule keeps it from a WebSocket in the visitor's name (G-9)."""
    origin, host = ask.headers.get("origin"), ask.door.host.lower()
    allowed = {f"http://{host}", f"https://{host}", *(["null"] if ask.place.prefix else [])}
    if origin is not None and origin.lower() not in allowed:
        raise ForeignPage
