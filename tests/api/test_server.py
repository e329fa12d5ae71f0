"""The server around the application: slow answers are fine, slow questions are not."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
import uvicorn

from tulou.cli import server

HEAD_SECONDS = 0.3


async def slow_app(scope, receive, send) -> None:
    """Take three times as long as a head may, in the middle of the answer."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"8")]})
    await send({"type": "http.response.body", "body": b"begi", "more_body": True})
    await asyncio.sleep(3 * HEAD_SECONDS)
    await send({"type": "http.response.body", "body": b"nend"})


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    monkeypatch.setattr(server, "HEAD_SECONDS", HEAD_SECONDS)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            slow_app, http=server.BoundedProtocol, loop="asyncio", ws="none", lifespan="off", log_level="error"
        )
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            running.should_exit = True
            thread.join()


def test_an_answer_may_take_longer_than_a_head_may(address):
    with httpx.Client(base_url=f"http://{address[0]}:{address[1]}", timeout=10, trust_env=False) as client:
        for _ in range(2):  # the second one on the kept connection
            assert client.get("/").content == b"beginend"


def test_a_connection_that_never_ends_its_head_is_closed(address):
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n")
        assert client.recv(100) == b""


def test_a_second_head_that_comes_slowly_does_not_cut_the_answer_before_it(address):
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert client.recv(10_000).startswith(b"HTTP/1.1 200")
        client.sendall(b"GET / HTTP/1.1\r\n")
        rest = b"".join(iter(lambda: client.recv(10_000), b""))
        assert rest.endswith(b"nend")
