"""The proxy before Spaces, against an application that does everything applications do, and some that attack."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.upstream import App, Front, answering, serving
from tulou.kernel.limits import MIB


@pytest.fixture(scope="module")
def app() -> App:
    return App()


@pytest.fixture(scope="module")
def front(app: App) -> Iterator[tuple[Front, int]]:
    with serving(app, lifespan="off") as inside:
        made = Front(inside)
        with serving(made) as outside:
            yield made, outside


@pytest.fixture
def port(front: tuple[Front, int]) -> int:
    return front[1]


@pytest.fixture
def client(port: int) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as made:
        yield made


def heads(answer: httpx.Response) -> dict[str, list[str]]:
    """Return the headers that the application saw, by name."""
    seen: dict[str, list[str]] = {}
    for name, value in answer.json()["headers"]:
        seen.setdefault(name, []).append(value)
    return seen


def raw(port: int, request: bytes, *, shut: bool = False) -> bytes:
    """Send bytes, and return all that comes back until the server hangs up or falls silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        if shut:
            connection.shutdown(socket.SHUT_WR)
        got = b""
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while block := connection.recv(65536):
                got += block
                if b"\r\n\r\n0\r\n\r\n" in got:
                    break
        return got


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_every_method_arrives_with_its_body(client: httpx.Client, method: str):
    seen = client.request(method, "/x", content=None if method == "GET" else b"hello").json()
    assert (seen["method"], seen["bytes"]) == (method, 0 if method == "GET" else 5)


def test_head_has_the_headers_and_no_body(client: httpx.Client):
    answer = client.head("/x")
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) > 0
    assert answer.content == b""


TARGETS = ["/a%2Fb/%C3%A9?q=%20+%2F&x=1", "//double//slash", "/a/../b/./c", "/%2e%2e/x", "/~a;b=c,d:e@f!$&'()*"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_path_arrives_as_it_was_sent(port: int, target: str):
    got = raw(port, f"GET {target} HTTP/1.1\r\nHost: a.localhost\r\nConnection: close\r\n\r\n".encode())
    assert json.loads(got.partition(b"\r\n\r\n")[2])["raw"] == target + ("" if "?" in target else "?")


def test_a_large_upload_arrives_with_its_length_or_in_chunks(client: httpx.Client):
    block = b"x" * 65536

    def blocks() -> Iterator[bytes]:
        for _ in range(800):
            yield block

    chunked = client.post("/x", content=blocks())
    assert chunked.json()["bytes"] == 800 * len(block)
    assert "content-length" not in heads(chunked)
    whole = client.post("/x", content=block * 48)
    assert whole.json()["bytes"] == 48 * len(block)
    assert heads(whole)["content-length"] == [str(48 * len(block))]
    assert "transfer-encoding" not in heads(whole)


def test_the_application_learns_who_asks_from_us_alone(client: httpx.Client):
    seen = heads(client.get("/x", headers={
        "host": "alice-demo.localhost:8000", "x-forwarded-for": "6.6.6.6", "x-forwarded-host": "evil",
        "x-forwarded-proto": "https", "forwarded": "for=6.6.6.6", "x-real-ip": "6.6.6.6", "x_forwarded_for": "6.6.6.6",
        "x-forwarded-prefix": "/evil",
        "x-request-id": "mine",
    }))  # fmt: skip
    assert seen["host"] == seen["x-forwarded-host"] == ["alice-demo.localhost:8000"]
    assert seen["x-forwarded-for"] == ["127.0.0.1"]
    assert seen["x-forwarded-proto"] == ["http"]
    assert seen["x-request-id"] == ["mine"]
    assert not {"forwarded", "x-real-ip", "x_forwarded_for", "x-forwarded-prefix"} & seen.keys()


def test_secrets_of_the_hub_stay_with_the_hub(client: httpx.Client):
    cookies = "a=1; tulou_session=s; __Host-tulou_session=s; __Host-tulou-visit=v; b=2; TULOU_x=1; tulou_lang=zh"
    secrets = {"authorization": "Bearer hf_secret", "x-hf-authorization": "Bearer hf_s"}
    seen = heads(client.get("/x", headers={"cookie": cookies, **secrets}))
    assert seen["cookie"] == ["a=1; b=2"]
    assert not {"authorization", "x-hf-authorization"} & seen.keys()
    basic = httpx.BasicAuth("me", "hf_secret")
    assert "authorization" not in heads(client.get("/x", auth=basic))
    assert "cookie" not in heads(client.get("/x", headers={"cookie": "tulou_session=s"}))


def test_credentials_of_the_application_reach_it(client: httpx.Client):
    assert heads(client.get("/x", headers={"authorization": "Bearer sk-other"}))["authorization"] == ["Bearer sk-other"]
    assert heads(client.get("/x", auth=httpx.BasicAuth("me", "pass")))["authorization"][0].startswith("Basic ")


def test_hop_by_hop_headers_end_at_the_proxy(client: httpx.Client):
    sent = {"connection": "keep-alive, x-mine", "x-mine": "1", "te": "trailers", "keep-alive": "5"}
    seen = heads(client.get("/x", headers=sent))
    assert not {"x-mine", "te", "keep-alive"} & seen.keys()
    answer = client.get("/heads")
    assert answer.headers["x-kept"] == "yes"
    dropped = {"x-secret-hop", "x-accel-redirect", "x-sendfile", "alt-svc", "strict-transport-security"}
    assert not dropped & answer.headers.keys()


def test_cookies_stay_on_their_own_host_and_cannot_take_our_names(client: httpx.Client):
    got = client.get("/cookies").headers.get_list("set-cookie")
    assert got == ["a=1; Path=/", "b=2; HttpOnly", "c=3; SameSite=None; Secure"]


@pytest.mark.parametrize(("said", "led"), [
    ("/next", "/next"), ("http://127.0.0.1:7860/a/b?c", "/a/b?c"), ("http://localhost:7860", "/"), ("http://0.0.0.0:7860/", "/"),
    ("https://example.org/x", "https://example.org/x"), ("relative", "relative"),
])  # fmt: skip
def test_redirects_lead_where_a_visitor_can_go(client: httpx.Client, said: str, led: str):
    assert client.get(f"/go?{said}").headers["location"] == led


def test_below_a_path_nothing_lasts_on_the_hubs_origin(front: tuple[Front, int], client: httpx.Client):
    front[0].prefix = "/spaces/a/b/app"
    try:
        assert client.get("/cookies").headers.get_list("set-cookie") == []
        assert "clear-site-data" not in client.get("/heads").headers
        assert client.get("/go?/next").headers["location"] == "/spaces/a/b/app/next"
        assert client.get("/go?/spaces/a/b/app/next").headers["location"] == "/spaces/a/b/app/next"
        seen = heads(client.get("/x", headers={"cookie": "a=1"}))
        assert "cookie" not in seen
        assert seen["x-forwarded-prefix"] == ["/spaces/a/b/app"]
    finally:
        front[0].prefix = ""


def test_events_arrive_one_by_one_and_the_application_learns_when_the_browser_leaves(client: httpx.Client, app: App):
    app.left.clear()
    with client.stream("GET", "/events") as answer:
        lines = answer.iter_lines()
        first = time.monotonic()
        assert next(line for line in lines if line) == "data: 0"
        assert next(line for line in lines if line) == "data: 1"
        assert time.monotonic() - first < 2
    assert app.left.wait(5)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_application_learns_that_a_browser_left_before_it_answered(port: int, app: App, method: str):
    app.left.clear()
    app.begun.clear()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"{method} /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi".encode())
        assert app.begun.wait(5)
    assert app.left.wait(5)


def test_an_upload_that_ends_early_is_not_passed_off_as_whole(port: int, app: App):
    app.broken_upload.clear()
    app.begun.clear()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        assert app.begun.wait(5)
    assert app.broken_upload.wait(5)


def test_an_answer_that_comes_before_the_upload_is_over_reaches_the_client(port: int):
    got = raw(port, b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\nConnection: close\r\n\r\nbegin")
    assert got.startswith(b"HTTP/1.1 413")
    assert got.endswith(b"enough")


@pytest.mark.parametrize("smuggled", [
    b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello1",
    b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
    b"GET /x HTTP/1.1\r\nHost: a\r\nX: a\r\n folded\r\n\r\n",
    b"GET /x HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    b"GET /x HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
])  # fmt: skip
def test_ambiguous_requests_are_refused_before_the_application_sees_them(port: int, smuggled: bytes):
    got = raw(port, smuggled, shut=True)
    assert got.startswith(b"HTTP/1.1 400"), got[:200]
    assert got.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("bomb", [
    b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(400)) + b"\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX(y): a\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"garbage\r\n\r\n",
    b"",
])  # fmt: skip
def test_an_application_that_speaks_nonsense_is_one_that_does_not_answer(bomb: bytes):
    with answering(bomb) as inside, serving(Front(inside)) as outside:
        answer = httpx.get(f"http://127.0.0.1:{outside}/", trust_env=False)
    assert (answer.status_code, answer.text) == (502, "app_gone")


@pytest.mark.parametrize("half", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
])  # fmt: skip
def test_an_answer_that_is_cut_short_is_not_passed_off_as_whole(half: bytes):
    with (
        answering(half) as inside,
        serving(Front(inside)) as outside,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        httpx.get(f"http://127.0.0.1:{outside}/", trust_env=False)


def test_a_length_beside_chunks_is_dropped():
    both = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    with answering(both) as inside, serving(Front(inside)) as outside:
        answer = httpx.get(f"http://127.0.0.1:{outside}/", trust_env=False)
    # Either reading is safe: refused, or the chunks alone.
    assert answer.status_code == 502 or (answer.text == "hello" and "content-length" not in answer.headers)


def test_nobody_at_home_is_said(front: tuple[Front, int]):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = free.getsockname()[1]
        with serving(Front(nobody)) as outside:
            answer = httpx.get(f"http://127.0.0.1:{outside}/", trust_env=False)
            assert answer.status_code == 502
            with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.1:{outside}/", proxy=None):
                pass
            assert refused.value.response.status_code == 502


def test_messages_of_three_megabytes_text_and_bytes_pass(port: int):
    with connect(f"ws://127.0.0.1:{port}/ws", max_size=None, proxy=None) as ws:
        for message in ("hello", "é" * 1_500_000, b"\0" * 3_000_000):
            ws.send(message)
            assert ws.recv() == message


def test_the_application_chooses_the_subprotocol(port: int):
    with connect(f"ws://127.0.0.1:{port}/ws", subprotocols=["a", "b"], proxy=None) as ws:  # type: ignore[list-item]
        assert ws.subprotocol == "b"


def test_a_handshake_loses_the_hubs_secrets_too(port: int):
    headers = {"cookie": "a=1; tulou_session=s", "authorization": "Bearer hf_x", "x-forwarded-for": "6.6.6.6"}
    with connect(f"ws://127.0.0.1:{port}/ws", additional_headers=headers, proxy=None) as ws:
        ws.send("head")
        seen = json.loads(ws.recv())
    assert (seen["cookie"], seen["x-forwarded-for"], "authorization" in seen) == ("a=1", "127.0.0.1", False)


@pytest.mark.parametrize(("said", "heard"), [(1000, 1000), (4321, 4321), (1013, 1013)])
def test_the_application_closes_with_its_own_code_and_reason(port: int, said: int, heard: int):
    with connect(f"ws://127.0.0.1:{port}/ws", proxy=None) as ws:
        ws.send(f"close {said}")
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(timeout=5)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (heard, "as you wish")


@pytest.mark.parametrize(("said", "heard"), [(1000, 1000), (4100, 4100), (1001, 1001)])
def test_the_visitor_closes_with_their_own_code(port: int, app: App, said: int, heard: int):
    app.left.clear()
    app.closed_with.clear()
    with connect(f"ws://127.0.0.1:{port}/ws", proxy=None) as ws:
        ws.close(said, "bye")
    assert app.left.wait(5)
    assert app.closed_with == [heard]


def test_the_application_learns_that_a_visitor_vanished(port: int, app: App):
    app.left.clear()
    ws = connect(f"ws://127.0.0.1:{port}/ws", proxy=None)
    ws.socket.shutdown(socket.SHUT_RDWR)
    assert app.left.wait(5)


def test_a_refusal_keeps_its_status(port: int):
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.1:{port}/refuse", proxy=None):
        pass
    assert refused.value.response.status_code == 418


def test_a_message_that_is_too_large_ends_the_connection_in_either_direction(port: int):
    for large in (b"\0" * (17 * MIB), "large"):
        with connect(f"ws://127.0.0.1:{port}/ws", max_size=None, proxy=None) as ws:
            with contextlib.suppress(ConnectionClosed):
                ws.send(large)
            with pytest.raises(ConnectionClosed) as closed:
                ws.recv(timeout=10)
        # The server hangs up on whoever goes on sending, and what it said before may be lost with that.
        if large == "large" or closed.value.rcvd is not None:
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize("upgrade", [
    b"POST /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX: " + b"y" * 9000 + b"\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + b"X: y\r\n" * 130 + b"\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX: " + b"y" * 70000 + b"\r\n\r\n",
])  # fmt: skip
def test_a_strange_upgrade_is_refused_at_once(port: int, upgrade: bytes):
    began = time.monotonic()
    assert raw(port, upgrade).startswith(b"HTTP/1.1 400")
    assert time.monotonic() - began < 4


def test_a_handshake_without_a_key_is_refused(port: int):
    got = raw(port, b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert got.startswith((b"HTTP/1.1 400", b"HTTP/1.1 426"))
