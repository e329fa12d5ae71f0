"""Pass HTTP between a visitor and an application: streaming both ways, with bounds, and an end on one side ends the other."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import anyio
import anyio.to_thread
from multidict import CIMultiDict
from starlette.types import Message, Receive, Scope, Send
from yarl import URL

from tulou.kernel.errors import HubError, RequestTimedOut, WireError
from tulou.kernel.limits import APP_HEAD_BYTES, APP_IDLE_SECONDS, APP_REQUESTS, APP_SOCKETS, BODY_IDLE_SECONDS
from tulou.platform.compute.base import Door, NoSuchRun
from tulou.wire.proxy_headers import Hop, to_app, to_visitor

CONNECT_SECONDS = 5
_KEEP_SECONDS = 4
"""Less than the 5 seconds after which uvicorn and node close an idle connection: a request must not meet one that closes."""
_FORGET_SECONDS = 600
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux has it
_BLOCK = 256 * 1024


class AppGone(HubError):
    """The application does not answer."""

    status = 502
    code = "app_gone"


class AppSilent(AppGone):
    """The application took too long to answer."""

    status = 504
    code = "app_silent"


class AppCrowded(HubError):
    """Too many visitors use this application at once. Please try again in a moment."""

    status = 503
    code = "app_crowded"


class _VisitorLeft(Exception):
    """Whoever asked is gone."""


@dataclass(slots=True, eq=False)
class Line:
    """The connections to one port of one run, and how many visitors use them."""

    door: Door
    session: aiohttp.ClientSession
    requests: int = 0
    sockets: int = 0
    used_at: float = field(default_factory=time.monotonic)

    @property
    def is_idle(self) -> bool:
        """True when nobody uses it."""
        return self.requests == self.sockets == 0


class Proxy:
    """Holds the connections to running applications. Belongs to one event loop; `close` ends it.

    `find` says how to connect to a port of a run; it may block, and raises NoSuchRun.
    """

    def __init__(self, find: Callable[[str, int], Door]) -> None:
        self._find = find
        self._lines: dict[tuple[str, int], Line] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def request(self, run: str, port: int) -> AsyncIterator[Line]:
        """Take a place for one request. Raises AppCrowded, AppGone."""
        line = await self._line(run, port)
        if line.requests >= APP_REQUESTS:
            raise AppCrowded
        line.requests += 1
        try:
            with self._ending((run, port), line):
                yield line
        finally:
            line.requests -= 1
            self._used(line)

    @asynccontextmanager
    async def socket(self, run: str, port: int) -> AsyncIterator[Line]:
        """Take a place for one WebSocket. Raises AppCrowded, AppGone."""
        line = await self._line(run, port)
        if line.sockets >= APP_SOCKETS:
            raise AppCrowded
        line.sockets += 1
        try:
            with self._ending((run, port), line):
                yield line
        finally:
            line.sockets -= 1
            self._used(line)

    @contextmanager
    def _ending(self, key: tuple[str, int], line: Line) -> Iterator[None]:
        """Use a line no more when nothing answers at its other end: the next visitor finds the way anew."""
        try:
            yield
        except AppGone:
            if self._lines.get(key) is line:
                del self._lines[key]
            raise

    async def close(self) -> None:
        """End every connection."""
        lines, self._lines = list(self._lines.values()), {}
        for line in lines:
            self._close(line)
        await asyncio.gather(*self._closing)

    async def _line(self, run: str, port: int) -> Line:
        line = self._lines.get((run, port))
        if line is not None:
            return line
        try:
            door = await anyio.to_thread.run_sync(self._find, run, port)
        except (NoSuchRun, OSError) as cause:
            raise AppGone from cause
        self._forget_idle()
        line = self._lines.get((run, port))  # another visitor may have been as fast
        if line is None:
            line = self._lines[run, port] = Line(door, _session(door))
        return line

    def _used(self, line: Line) -> None:
        line.used_at = time.monotonic()
        if line.is_idle and line not in self._lines.values():
            self._close(line)

    def _forget_idle(self) -> None:
        old = time.monotonic() - _FORGET_SECONDS
        for key, line in list(self._lines.items()):
            if line.is_idle and line.used_at < old:
                del self._lines[key]
                self._close(line)

    def _close(self, line: Line) -> None:
        task = asyncio.ensure_future(line.session.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _session(door: Door) -> aiohttp.ClientSession:
    make = door.make
    connector = aiohttp.TCPConnector(
        limit=APP_REQUESTS + APP_SOCKETS,
        keepalive_timeout=_KEEP_SECONDS,
        socket_factory=(lambda _address: make()) if make is not None else None,
    )
    return aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=APP_IDLE_SECONDS),
        max_line_size=8 * 1024,
        max_field_size=APP_HEAD_BYTES,
        read_bufsize=_BLOCK,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
    )


def address(door: Door, target: str) -> URL:
    """Return where a path with its query is, exactly as it was sent: `%2F` stays."""
    return URL(f"http://{door.host}:{door.port}{target}", encoded=True)


class _Upload:
    """The body of a request on its way up, and the word that whoever sends it has gone."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.is_over = asyncio.Event()
        self.problem: Exception | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for block in self._blocks():
                yield block
        except (_VisitorLeft, RequestTimedOut) as problem:
            self.problem = problem
            raise
        finally:
            self.is_over.set()

    async def _blocks(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            try:
                async with asyncio.timeout(BODY_IDLE_SECONDS):
                    message = await self._receive()
            except TimeoutError as cause:
                raise RequestTimedOut from cause
            if message["type"] == "http.disconnect":
                raise _VisitorLeft
            more = message.get("more_body", False)
            if message.get("body"):
                yield message["body"]

    async def departure(self) -> None:
        """Return when the visitor has gone, once the body is all there."""
        await self.is_over.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def http(line: Line, target: str, hop: Hop, scope: Scope, receive: Receive, send: Send) -> None:
    """Pass one request on and its answer back. Raises AppGone, AppSilent or RequestTimedOut while nothing was sent yet.

    An application that dies in the middle of its answer leaves the answer cut short, as it would without us.
    """
    headers = CIMultiDict(to_app(scope["headers"], hop))
    has_body = _declare_body(scope, headers)
    upload = _Upload(receive)
    if not has_body:
        upload.is_over.set()
    answered = _Answered(send)
    failure: list[HubError] = []

    async def exchange() -> None:
        try:
            request = line.session.request(
                scope["method"],
                address(line.door, target),
                headers=headers,
                data=upload if has_body else None,
                allow_redirects=False,
            )
            async with request as answer:
                await _answer(answer, hop, answered)
        except (aiohttp.ClientError, OSError, NoSuchRun, WireError, ValueError) as problem:
            if not answered.has_begun and not isinstance(upload.problem, _VisitorLeft):
                failure.append(_told(problem, upload.problem))

    # When the visitor goes first, the application sees its connection close.
    await unless(exchange, upload.departure)
    if failure:
        raise failure[0]


async def unless(work: Callable[[], Awaitable[None]], event: Callable[[], Awaitable[None]]) -> bool:
    """Do the work, unless an event comes first: then stop it, and return False.

    By hand, as `asyncio.timeout` does it: a task group of anyio costs 60 µs, half of all that a small request takes here.
    """
    task, has_come = asyncio.current_task(), False
    if task is None:
        raise RuntimeError("this is no task")

    async def watch() -> None:
        nonlocal has_come
        await event()
        has_come = True
        task.cancel()

    watching = asyncio.create_task(watch())
    try:
        await work()
    except asyncio.CancelledError:
        if not has_come or task.uncancel() > 0:
            raise  # somebody else wants this task to end
    finally:
        watching.cancel()
        await asyncio.wait({watching})
    return not has_come


class _Answered:
    """`send`, with the memory that something was sent and an end for readers that take nothing."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        self.has_begun = True
        async with asyncio.timeout(APP_IDLE_SECONDS):
            await self._send(message)


async def _answer(answer: aiohttp.ClientResponse, hop: Hop, send: Send) -> None:
    if not 200 <= answer.status <= 599:
        raise WireError("The application answered with a status that means nothing here.")
    acknowledge(_socket_of(answer))
    await send({"type": "http.response.start", "status": answer.status, "headers": to_visitor(answer.raw_headers, hop)})
    async for block in answer.content.iter_any():
        acknowledge(_socket_of(answer))
        await send({"type": "http.response.body", "body": block, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _socket_of(answer: aiohttp.ClientResponse) -> Any:
    connection = answer.connection
    transport = connection.transport if connection is not None else None
    return transport.get_extra_info("socket") if transport is not None else None


def acknowledge(line: Any) -> None:
    """Tell the application's end at once that its bytes came.

    Servers that leave Nagle's algorithm on, Streamlit's among them, hold back what follows until they hear that, and our kernel
    waits 40 ms before it says so: after the head of each answer, and between messages. It forgets the wish after a few packets.
    """
    if line is not None and _QUICKACK is not None:
        with suppress(OSError):  # it closed meanwhile
            line.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)


def _declare_body(scope: Scope, headers: CIMultiDict[str]) -> bool:
    """Say whether a request has a body, and set its length if it is known; the server refused ambiguous ones."""
    has_body = False
    for name, value in scope["headers"]:
        if name == b"content-length":
            headers["content-length"] = value.decode("ascii")
            has_body = value != b"0"
        elif name == b"transfer-encoding":
            has_body = True
    return has_body


def _told(problem: Exception, upload_problem: Exception | None) -> HubError:
    if isinstance(upload_problem, RequestTimedOut):
        return upload_problem
    return AppSilent() if isinstance(problem, TimeoutError) else AppGone()
