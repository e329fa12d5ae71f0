"""Pass a WebSocket between a visitor and an application: messages, subprotocol and close codes, in both directions."""

from __future__ import annotations

import asyncio

import aiohttp
import anyio
from multidict import CIMultiDict
from starlette.types import Receive, Scope, Send

from tulou.kernel.limits import APP_IDLE_SECONDS, APP_MESSAGE
from tulou.platform.compute.base import NoSuchRun
from tulou.platform.net.proxy import AppGone, Line, acknowledge, address
from tulou.wire.proxy_headers import Hop, to_app

_CLOSE_SECONDS = 2
_REASON_BYTES = 123
_NORMAL, _NONE_GIVEN, _ABNORMAL = 1000, 1005, 1011
_SENDABLE = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})


class Refused(Exception):
    """The application did not agree to a WebSocket; `status` is what it said instead."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


async def websocket(line: Line, target: str, hop: Hop, scope: Scope, receive: Receive, send: Send) -> None:
    """Connect, then pass messages until either side closes. Raises Refused or AppGone while nothing was accepted yet.

    Whether the visitor still lives is for our server's pings to find out: an open page may be silent for hours.
    """
    try:
        app = await line.session.ws_connect(
            address(line.door, target),
            headers=CIMultiDict(to_app(scope["headers"], hop)),
            protocols=scope.get("subprotocols") or (),
            max_msg_size=APP_MESSAGE,
            timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECONDS),
            autoping=True,
            autoclose=True,
        )
    except aiohttp.WSServerHandshakeError as cause:
        raise Refused(cause.status if 300 <= cause.status <= 599 else AppGone.status) from cause
    except (aiohttp.ClientError, OSError, NoSuchRun, ValueError) as cause:
        raise AppGone from cause
    async with app:
        await send({"type": "websocket.accept", "subprotocol": app.protocol, "headers": []})
        async with anyio.create_task_group() as group:

            async def upward() -> None:
                await _upward(app, receive)
                group.cancel_scope.cancel()

            group.start_soon(upward)
            await _downward(app, send)
            group.cancel_scope.cancel()


async def _upward(app: aiohttp.ClientWebSocketResponse, receive: Receive) -> None:
    """Pass on what the visitor sends, and at the end the close code. Returns once nothing more can be sent."""
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            await app.close(code=close_code(message.get("code")), message=_reason(message.get("reason")))
            return
        try:
            async with asyncio.timeout(APP_IDLE_SECONDS):
                if message.get("text") is not None:
                    await app.send_str(message["text"])
                else:
                    await app.send_bytes(message["bytes"])
        except (aiohttp.ClientError, OSError):  # TimeoutError is one; `_downward` sees the same end, and says it
            await app.close(code=_ABNORMAL)


async def _downward(app: aiohttp.ClientWebSocketResponse, send: Send) -> None:
    """Pass on what the application sends, and at the end its close code."""
    reason = ""
    while True:
        message = await app.receive()
        acknowledge(app.get_extra_info("socket"))
        try:
            if message.type is aiohttp.WSMsgType.TEXT:
                await send({"type": "websocket.send", "text": message.data})
            elif message.type is aiohttp.WSMsgType.BINARY:
                await send({"type": "websocket.send", "bytes": message.data})
            elif message.type is aiohttp.WSMsgType.CLOSING:
                return  # the visitor closed, and knows
            else:
                reason = message.extra or "" if message.type is aiohttp.WSMsgType.CLOSE else ""
                await send({"type": "websocket.close", "code": close_code(app.close_code), "reason": reason})
                return
        except OSError:  # the server's word for a visitor who is gone
            return


def close_code(code: int | None) -> int:
    """Return the code to close with: those that may not be sent stand for a normal end, or for none at all (RFC 6455, 7.4)."""
    if code is None or code == _NONE_GIVEN:
        return _NORMAL
    return code if code in _SENDABLE or 3000 <= code <= 4999 else _ABNORMAL


def _reason(text: str | None) -> bytes:
    return (text or "").encode()[:_REASON_BYTES]
