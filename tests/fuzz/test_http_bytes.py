"""No input makes a 5xx: mutated requests over every route, by every method, signed in and not."""

from __future__ import annotations

import os
import random
import socket
from urllib.parse import urlsplit

from tests.conftest import RunningHub
from tulou.delivery.kit.routes import Route

REQUESTS = int(os.environ.get("TULOU_TEST_MUTATIONS", "3000"))
ALLOWED_5XX = {501, 503, 507}

SEGMENTS = [
    "main", "alice", "m", "nothing", "models", "datasets", "..", ".", "%2e%2e", "%2F", "%00", "%ff%fe", "a%0d%0ab", "-x", "refs%2Fheads%2Fmain",
    "0" * 40, "a" * 64, "e" * 7, "x" * 300, "%F0%9F%98%80", "%ED%A0%80", "README.md", ".gitattributes", "1", "99999999999999999999", "a.git",
]  # fmt: skip
QUERIES = [
    "", "?limit=0", "?limit=-1", "?limit=99999999999999999999", "?expand=nothing", "?expand[]=sha", "?cursor=%ff", "?cursor=9e9", "?recursive=maybe",
    "?search=" + "x" * 3000, "?sort=;drop", "?filter=%00", "?service=git-upload-pack", "?service=git-receive-pack", "?create_pr=1", "?p=-5", "?sig=a.b",
]  # fmt: skip
BODIES = [
    b"", b"{}", b"null", b"[]", b'"x"', b"{", b"\xff\xfe", b'{"name":"\\ud800"}', b'{"name":NaN}', b"[" * 20_000, b'{"a":' * 5_000,
    b'{"name":"m","type":"model","organization":7}', b'{"files":[{"path":"a","size":-1,"sample":"%%"}]}', b'{"files":[{"path":{},"size":1}]}',
    b'{"key":"header","value":{"summary":"x"}}\n{"key":"file","value":{"path":"../a","content":"eA==","encoding":"base64"}}',
    b'{"key":"header","value":{"summary":"x\\u0000"}}', b'{"key":"file","value":{}}', b'{"key":"header","value":{"summary":"s"}}\n{"key":"lfsFile","value":{"path":"a","oid":"x"}}',
    b'{"operation":"upload","objects":[{"oid":"../..","size":-1}]}', b'{"operation":"download","transfers":7,"objects":[{}]}', b"paths=a&paths=%ff",
    b"0032want 0000000000000000000000000000000000000000\n00000009done\n", b"0000", b"ffff", b"00000000PACK\x00\x00\x00\x02\xff\xff\xff\xff",
    b'{"content":"---\\n' + b"[" * 5_000 + b'\\n---\\n","repoType":"model"}', b'{"deletions":{"sha":["x"]}}', b"PK\x03\x04" * 50, os.urandom(500),
]  # fmt: skip
TYPES = [
    "application/json",
    "application/x-ndjson",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/vnd.git-lfs+json",
    "\x80",
]
HEADERS = [
    "", "Range: bytes=0-", "Range: bytes=5-2", "Range: bytes=-0", "Range: bytes=99999999999999999999-", "Range: lines=1-2", "If-None-Match: *", "Accept: */*",
    "Content-Encoding: gzip", "X-Request-Id: a\tb", "Cookie: tulou_session=\xe9", "Git-Protocol: version=2", "Git-Protocol: \xff", "Expect: 100-continue",
    "Authorization: Basic !!!", "Authorization: Bearer", "Authorization: Digest x", "Authorization: Bearer hf_\xff", "Sec-Fetch-Site: same-origin",
]  # fmt: skip


def path_of(rng: random.Random, route: Route) -> str:
    """Fill a route's parameters with good and bad values."""
    known = {"kind": "models", "account": "alice", "name": "m", "rev": "main"}
    parts = []
    for segment in route.pattern.split("/"):
        if segment.startswith("{"):
            name = segment.strip("{}*")
            parts.append(known[name] if name in known and rng.random() < 0.7 else rng.choice(SEGMENTS))
        else:
            parts.append(segment)
    return "/".join(parts) + rng.choice(QUERIES)


def request_of(rng: random.Random, route: Route, token: str, host: str) -> bytes:
    """Return the bytes of one mutated request."""
    method = (
        rng.choice(route.methods)
        if rng.random() < 0.9
        else rng.choice(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
    )
    body = rng.choice(BODIES)
    if body and rng.random() < 0.3:
        at = rng.randrange(len(body))
        body = body[:at] + bytes([rng.randrange(256)]) + body[at + 1 :]
    lines = [
        f"{method} {path_of(rng, route)} HTTP/1.1",
        f"Host: {host}",
        f"Content-Length: {len(body)}",
        f"Content-Type: {rng.choice(TYPES)}",
        "Connection: close",
    ]
    extra = rng.choice(HEADERS)
    if extra:
        lines.append(extra)
    if rng.random() < 0.6 and "Authorization" not in extra:
        lines.append(f"Authorization: Bearer {token}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def answer_to(address: tuple[str, int], request: bytes) -> bytes:
    """Send raw bytes and return the status line of the answer; empty if the connection was closed without one."""
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(request)
        received = b""
        while b"\r\n" not in received:
            chunk = connection.recv(4096)
            if not chunk:
                break
            received += chunk
    return received.split(b"\r\n")[0]


def test_no_mutated_request_makes_the_server_fail(hub: RunningHub) -> None:
    token = hub.user("alice")
    hub.repo("alice/m")
    hub.repo("alice/d", kind="dataset")
    place = urlsplit(hub.url)
    address = (str(place.hostname), int(place.port or 0))
    seed = int(os.environ.get("TULOU_TEST_SEED", "7"))
    rng = random.Random(seed)
    routes = hub.hub.router.routes
    for number in range(REQUESTS):
        request = request_of(rng, rng.choice(routes), token, place.netloc)
        status = answer_to(address, request).split(b" ")
        if len(status) > 1 and status[1].startswith(b"5"):
            assert int(status[1]) in ALLOWED_5XX, (seed, number, status, request[:600])
