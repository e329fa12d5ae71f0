"""The way out of one run: to its hub, and by a proxy to the public internet. It listens in the run and connects outside."""

from __future__ import annotations

import asyncio
import concurrent.futures.thread  # noqa: F401 - see main
import ctypes
import encodings.idna  # noqa: F401
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from tulou.platform.compute.local.child import guard
from tulou.platform.compute.local.child.namespaces import become

_LIBC = ctypes.CDLL(None)
_PDEATHSIG = 1  # prctl(2)
_CONNECTIONS = 128
_HEAD = 32 * 1024
_HEAD_S = 30.0
_CONNECT_S = 15.0
_IDLE_S = 600.0
_CHUNK = 64 * 1024
_DROPPED = frozenset(
    {"connection", "host", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "upgrade"}
)


class Refused(Exception):
    """The gateway does not go there. The message is for the program that asked."""

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to the proxy: where to, and what to send first if it is no tunnel."""

    host: str
    port: int
    first: bytes | None


Served = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


class Gateway:
    """Serves one run."""

    def __init__(self, *, source: str, rules: guard.Rules) -> None:
        self._source = source
        self._rules = rules
        self._open = 0

    def forward(self, host: str, port: int) -> Served:
        """Return what leads connections to a port of this machine's loopback."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._counted(writer, self._onward(reader, writer, host, port))

        return serve

    async def proxy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one request of an HTTP proxy: a tunnel, or one plain request."""
        await self._counted(writer, self._out(reader, writer))

    async def _counted(self, writer: asyncio.StreamWriter, work: Coroutine[Any, Any, None]) -> None:
        """Do the work of one connection; one too many is closed at once, one that breaks just ends."""
        if self._open >= _CONNECTIONS:
            work.close()
            writer.close()
            return
        self._open += 1
        try:
            with suppress(OSError, TimeoutError):
                await work
        finally:
            self._open -= 1
            writer.close()

    async def _onward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
        theirs, ours = await self._open_to(host, port)
        await _join(reader, writer, theirs, ours)

    async def _open_to(self, address: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect; to the loopback from an address of the run's own.

        The hub may believe what 127.0.0.1 says of others (`trusted_proxies`): it must not take a run for its proxy.
        """
        local = (self._source, 0) if address.startswith("127.") else None
        return await asyncio.wait_for(asyncio.open_connection(address, port, limit=_CHUNK, local_addr=local), _CONNECT_S)

    async def _out(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await _asked(reader)
            theirs, ours = await self._connect(asked.host, asked.port)
        except Refused as no:
            body = f"{no}\n"
            head = f"HTTP/1.1 {no.status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write((head + body).encode())
            await writer.drain()
            return
        if asked.first is None:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            ours.write(asked.first)
        await _join(reader, writer, theirs, ours)

    async def _connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Resolve, judge, and connect to the very address that was judged."""
        if not self._rules.allows_port(host, port):
            raise Refused("403 Forbidden", "This hub lets programs reach ports 80 and 443 only.")
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Refused("502 Bad Gateway", "There is no host of that name.") from None
        addresses = [str(entry[4][0]) for entry in found]
        allowed = [address for address in addresses if self._allows(host, port, address)]
        if not allowed or len(allowed) < len(addresses):
            # One closed address among open ones is the mark of a name that means to lead inside.
            raise Refused("403 Forbidden", "This hub lets programs reach public addresses only.")
        for address in allowed:
            with suppress(OSError, TimeoutError):
                return await self._open_to(address, port)
        raise Refused("502 Bad Gateway", "The host does not answer.")

    def _allows(self, host: str, port: int, address: str) -> bool:
        if (host, port) in self._rules.named:
            return True
        return guard.is_public(address) and not guard.is_this_machine(address, port)


async def _asked(reader: asyncio.StreamReader) -> Asked:
    """Read the head of a request. Raises Refused."""
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_S)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, OSError):
        raise Refused("400 Bad Request", "That is no request to a proxy.") from None
    return parse(head)


def parse(head: bytes) -> Asked:
    """Return what a request to a proxy asks for. Raises Refused."""
    lines = head.decode("latin-1").split("\r\n")[:-2]
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1.") or any(not line.isprintable() for line in map(_without_tabs, lines)):
        raise Refused("400 Bad Request", "That is no request to a proxy.")
    method, target, _ = parts
    try:
        if method == "CONNECT":
            url = urlsplit(f"//{target}")
            return Asked(guard.plain(url.hostname or ""), url.port or 443, None)
        url = urlsplit(target)
        host, port = guard.plain(url.hostname or ""), url.port or 80
    except ValueError:
        raise Refused("400 Bad Request", "The address is malformed.") from None
    if url.scheme != "http" or not method.isalpha():
        raise Refused("400 Bad Request", "A proxy takes http:// addresses, and CONNECT for https.")
    return Asked(host, port, _rewritten(method, url, lines[1:]))


def _without_tabs(line: str) -> str:
    return line.replace("\t", " ").replace("\xa0", " ")


def _rewritten(method: str, url: SplitResult, headers: list[str]) -> bytes:
    """Return the request as the host itself wants it: one, and then the connection ends."""
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    kept = [line for line in headers if line.partition(":")[0].strip().lower() not in _DROPPED]
    lines = [f"{method} {path} HTTP/1.1", f"Host: {url.netloc.rpartition('@')[2]}", *kept, "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1")


class _Idle:
    """When something last went either way."""

    def __init__(self) -> None:
        self.since = time.monotonic()


async def _join(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, theirs: asyncio.StreamReader, ours: asyncio.StreamWriter
) -> None:
    """Carry bytes both ways until both sides said that they are done, or nothing moves for long."""
    idle = _Idle()
    try:
        await asyncio.gather(_carry(reader, ours, idle), _carry(theirs, writer, idle))
    finally:
        ours.close()


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter, idle: _Idle) -> None:
    while True:
        try:
            chunk = await asyncio.wait_for(source.read(_CHUNK), _IDLE_S)
        except TimeoutError:
            if time.monotonic() - idle.since < _IDLE_S:
                continue
            raise
        idle.since = time.monotonic()
        if not chunk:
            break
        target.write(chunk)
        await asyncio.wait_for(target.drain(), _IDLE_S)
    if target.can_write_eof():
        target.write_eof()


async def _serve(order: dict[str, Any]) -> None:
    rules = guard.Rules(frozenset((host, port) for host, port in order["named"]))
    gateway = Gateway(source=order["source"], rules=rules)
    serving = [gateway.proxy, *(gateway.forward(host, port) for host, port in order["forward"])]
    for fd, serve in zip(order["fds"], serving, strict=True):
        listener = socket.socket(fileno=fd)
        await asyncio.start_server(serve, sock=listener, limit=_HEAD, backlog=_CONNECTIONS)
    await asyncio.Event().wait()


def main() -> None:
    """Read the order, give up root, and serve until killed.

    All modules are loaded by then, the two that the standard library would load late too: the run's user may not read them.
    """
    keeper = os.getppid()
    order = json.loads(sys.stdin.buffer.read())
    become(order["uid"])
    # After the change of user, which would undo it: however the keeper ends, this ends with it.
    _LIBC.prctl(_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        return
    asyncio.run(_serve(order))
