"""uvicorn, with limits on request heads and a way to stop that ends with status 0."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
from asyncio import TimerHandle
from collections.abc import Callable, Iterator
from typing import Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from tulou.kernel.errors import SettingError
from tulou.kernel.limits import APP_MESSAGE
from tulou.platform.telemetry.log import Log
from tulou.settings import Settings

HEAD_BYTES = 64 * 1024
"""A request line and its headers may not be larger."""
HEAD_SECONDS = 30
"""A client may not take longer to send them."""
DRAIN_SECONDS = 20
"""Requests under way may take this long to end once the hub is told to stop."""
KEEP_SECONDS = 75
"""An idle connection stays open this long: longer than clients and proxies keep theirs, so that they close first."""
_BACKLOG = 2048
_UPGRADE_LINE = 8000
_UPGRADE_FIELDS = 120
"""What the WebSocket library reads of a head; it drops a longer one without a word."""


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, with an end to heads that are too large or come too slowly: it has none itself."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head: int | None = 0  # bytes of the head so far; None while a body comes
        self._fields = 0
        self._deadline: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Give the first head its time."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes before a head is complete."""
        if self._head is not None:
            self._head += len(data)
        super().data_received(data)
        if self._head is None or self.transport.is_closing():
            return
        if self._head > HEAD_BYTES:
            self.send_400_response("The head of the request is too large.")
        elif self._head > 0 and self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        self._fields = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count headers and trailers together: trailers arrive when no head is being counted."""
        self._fields += len(name) + len(value)
        if self._fields > HEAD_BYTES:
            raise httptools.HttpParserCallbackError("headers too large")
        if name.lower() == b"host" and any(known == b"host" for known, _ in self.headers):
            raise httptools.HttpParserCallbackError("two hosts")  # RFC 9112, 3.2: a proxy in front may have believed the other
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is in time."""
        self._head = None
        self._stop_clock()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What comes next is another head."""
        self._head = 0
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Become a WebSocket, if the head is one that the library answers: others it would leave open in silence."""
        names = [name for name, _ in self.headers]
        fits = len(names) <= _UPGRADE_FIELDS and all(len(n) + len(v) <= _UPGRADE_LINE for n, v in self.headers)
        is_bare = b"content-length" not in names and b"transfer-encoding" not in names
        if not (fits and is_bare and len(self.url) <= _UPGRADE_LINE and self.scope["method"] == "GET"):
            self.send_400_response("This request cannot become a WebSocket.")
            return
        super().handle_websocket_upgrade()

    def _give_up(self) -> None:
        """Close, unless an answer is being sent: however long that takes, the next head may have begun meanwhile."""
        self._deadline = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket as uvicorn speaks it. One that is refused is no error, which 0.54 logs."""

    async def send(self, message: Any) -> None:
        """Pass a message on, and know that a refusal is an answer."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True


PROTOCOLS: dict[str, Any] = {
    "http": BoundedProtocol,
    "ws": BoundedWebSocket,
    "ws_max_size": APP_MESSAGE,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
    # Packing costs a processor more than it saves on a local network, and unpacking is how a few bytes become many.
    "ws_per_message_deflate": False,
    # At its end the hub closes its connections to applications.
    "lifespan": "on",
}
"""Options of uvicorn that tests share with the real server."""


class Server(uvicorn.Server):
    """A server that says when it answers and, told to stop, ends as if nothing had happened."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT. uvicorn would raise the signal again at the end, and the status would not be 0."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def listen(settings: Settings) -> socket.socket:
    """Take the address and port. Raises SettingError when they cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family, backlog=_BACKLOG)
    except OSError as cause:
        why = cause.strerror or str(cause)
        raise SettingError(f"Cannot listen on {settings.host} port {settings.port}: {why}.") from cause


def serve(asgi: Any, listener: socket.socket, log: Log, ready: Callable[[], None]) -> None:
    """Answer requests until SIGTERM or SIGINT, then let those under way end."""
    logger = logging.getLogger("uvicorn.error")
    logger.handlers, logger.propagate = [_Forward(log)], False
    logger.setLevel(logging.WARNING)
    config = uvicorn.Config(
        asgi, loop="uvloop", access_log=False, log_config=None,
        proxy_headers=False, server_header=False, backlog=_BACKLOG,
        timeout_keep_alive=KEEP_SECONDS, timeout_graceful_shutdown=DRAIN_SECONDS, **PROTOCOLS,
    )
    Server(config, ready).run(sockets=[listener])


class _Forward(logging.Handler):
    """Turns what uvicorn logs into lines of ours."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one message on."""
        self._log("server.message", {"message": record.getMessage()}, level=record.levelname.lower())
