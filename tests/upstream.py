"""An application as rude as applications are, and servers in threads: what the proxy is tested against."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn

from tulou.cli.server import PROTOCOLS
from tulou.kernel.errors import HubError
from tulou.kernel.limits import MIB
from tulou.platform.compute.base import Door
from tulou.platform.net.proxy import Proxy, http
from tulou.platform.net.websocket import Refused, websocket
from tulou.wire.proxy_headers import Hop


@dataclass(frozen=True)
class Ask:
    """One request, or one WebSocket."""

    scope: Any
    receive: Any
    send: Any


class App:
    """Answers by path; what it saw of its visitors can be asked afterwards."""

    def __init__(self) -> None:
        self.left = threading.Event()
        self.begun = threading.Event()
        self.broken_upload = threading.Event()
        self.closed_with: list[int] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self._socket(Ask(scope, receive, send))
            return
        answer = getattr(self, "_" + scope["path"].strip("/").split("/")[0], self._echo)
        await answer(Ask(scope, receive, send))

    async def _echo(self, ask: Ask) -> None:
        body = bytearray()
        while True:
            message = await ask.receive()
            if message["type"] == "http.disconnect":
                self.broken_upload.set()
                return
            body += message.get("body", b"")
            self.begun.set()
            if not message.get("more_body"):
                break
        seen = {
            "method": ask.scope["method"],
            "raw": ask.scope["raw_path"].decode() + "?" + ask.scope["query_string"].decode(),
            "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in ask.scope["headers"]],
            "bytes": len(body),
            "end": bytes(body[-20:]).decode("latin-1"),
        }
        await _say(ask.send, json.dumps(seen).encode(), [(b"content-type", b"application/json")])

    async def _cookies(self, ask: Ask) -> None:
        await _say(ask.send, b"", [
            (b"set-cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2; Domain=apps.example; HttpOnly"),
            (b"set-cookie", b"tulou_session=evil"), (b"set-cookie", b"__Host-tulou-visit=evil; Secure; Path=/"),
            (b"set-cookie", b"c=3; SameSite=None; domain=.localhost; Secure"),
        ])  # fmt: skip

    async def _heads(self, ask: Ask) -> None:
        await _say(ask.send, b"", [
            (b"x-accel-redirect", b"/etc/passwd"), (b"x-sendfile", b"/etc/passwd"), (b"alt-svc", b'h3=":443"'),
            (b"strict-transport-security", b"max-age=1"), (b"connection", b"keep-alive, x-secret-hop"),
            (b"x-secret-hop", b"1"), (b"x-kept", b"yes"), (b"clear-site-data", b'"*"'),
        ])  # fmt: skip

    async def _go(self, ask: Ask) -> None:
        await _say(ask.send, b"", [(b"location", ask.scope["query_string"])], 302)

    async def _events(self, ask: Ask) -> None:
        await ask.send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        watch = asyncio.ensure_future(_departure(ask.receive))
        number = 0
        while not watch.done():
            await ask.send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
            number += 1
            await asyncio.wait({watch}, timeout=0.05)
        self.left.set()

    async def _slow(self, ask: Ask) -> None:
        self.begun.set()
        await _departure(ask.receive)
        self.left.set()

    async def _early(self, ask: Ask) -> None:
        await _say(ask.send, b"enough", [(b"connection", b"close")], 413)

    async def _socket(self, ask: Ask) -> None:
        await ask.receive()
        if ask.scope["path"] == "/refuse":
            await ask.send({"type": "websocket.http.response.start", "status": 418, "headers": []})
            await ask.send({"type": "websocket.http.response.body", "body": b"no"})
            return
        offered = ask.scope["subprotocols"]
        await ask.send({"type": "websocket.accept", "subprotocol": offered[-1] if offered else None})
        while True:
            message = await ask.receive()
            if message["type"] == "websocket.disconnect":
                self.closed_with.append(message["code"])
                self.left.set()
                return
            if message.get("text", "").startswith("close "):
                await ask.send({"type": "websocket.close", "code": int(message["text"].split()[1]), "reason": "as you wish"})
            elif message.get("text") == "large":
                await ask.send({"type": "websocket.send", "bytes": b"\0" * (17 * MIB)})
            elif message.get("text") == "head":
                heads = {name.decode(): value.decode() for name, value in ask.scope["headers"]}
                await ask.send({"type": "websocket.send", "text": json.dumps(heads)})
            else:
                await ask.send({**message, "type": "websocket.send"})


async def _departure(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _say(send: Any, body: bytes, headers: list[tuple[bytes, bytes]], status: int = 200) -> None:
    length = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body})


class Front:
    """The proxy alone, without a hub around it."""

    def __init__(self, port: int) -> None:
        self.proxy = Proxy(lambda _run, port: Door("127.0.0.1", port))
        self.port = port
        self.prefix = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self.proxy.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        host = dict(scope["headers"]).get(b"host", b"").decode()
        hop = Hop("http", host, scope["client"][0], self.prefix)
        query = scope["query_string"].decode()
        target = scope["raw_path"].decode() + (f"?{query}" if query else "")
        if scope["type"] == "websocket":
            await receive()
            async with self.proxy.socket("run", self.port) as line:
                try:
                    await websocket(line, target, hop, scope, receive, send)
                except (Refused, HubError) as problem:
                    await send({"type": "websocket.http.response.start", "status": problem.status, "headers": []})
                    await send({"type": "websocket.http.response.body", "body": b""})
            return
        async with self.proxy.request("run", self.port) as line:
            try:
                await http(line, target, hop, scope, receive, send)
            except HubError as problem:
                await _say(send, problem.code.encode(), [], problem.status)


@contextlib.contextmanager
def serving(app: Any, **options: Any) -> Iterator[int]:
    """Serve an ASGI application in a thread, and yield its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    chosen = {"proxy_headers": False, "timeout_graceful_shutdown": 1, **PROTOCOLS, **options}
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, **chosen))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextlib.contextmanager
def answering(raw: bytes, *, then_wait: bool = False) -> Iterator[int]:
    """Answer every connection with these bytes, whatever was asked, and hang up; yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(raw)
                if then_wait:
                    stop.wait(20)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
