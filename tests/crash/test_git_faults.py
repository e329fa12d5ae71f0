"""Disk faults and bad networks under pushes and large files: an answer, the old state, and nothing left behind."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import RunningHub
from tests.stories.hostile import Pack, push
from tulou.delivery.kit import intake
from tulou.features.repos import lookup
from tulou.kernel.names import RepoKind, RepoName

CONTENT = b"large content " * 1000
OID = hashlib.sha256(CONTENT).hexdigest()
CALLS = ("replace", "fsync", "link")


@pytest.fixture
def alice(hub: RunningHub) -> httpx.Client:
    client = hub.http(hub.user("alice"))
    hub.repo("alice/m")
    hub.m.git.sync(repo_id(hub))
    return client


def repo_id(hub: RunningHub) -> str:
    found = lookup.by_name(hub.m, RepoName(RepoKind.MODEL, "alice", "m"))
    assert found is not None
    return found.id


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, number: int, code: int) -> Iterator[list[str]]:
    """Fail the `number`-th rename, sync or link below the object store from now on. Yields what was called."""
    seen: list[str] = []
    lock = threading.Lock()

    def wrapped(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            with lock:
                seen.append(name)
                fails = len(seen) == number
            if fails:
                raise OSError(code, os.strerror(code))
            return real(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        for name in CALLS:
            patch.setattr(f"tulou.fsio.atomic.os.{name}", wrapped(name, getattr(os, name)))
        yield seen


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"
        threading.Event().wait(0.02)


def left_over(hub: RunningHub) -> list[str]:
    return [path.name for path in Path(hub.m.work).iterdir()]


def upload_link(client: httpx.Client) -> str:
    asked = {"operation": "upload", "objects": [{"oid": OID, "size": len(CONTENT)}]}
    [told] = client.post("/alice/m.git/info/lfs/objects/batch", json=asked).json()["objects"]
    return told["actions"]["upload"]["href"]


def is_owned(client: httpx.Client) -> bool:
    asked = {"operation": "download", "objects": [{"oid": OID, "size": len(CONTENT)}]}
    [told] = client.post("/alice/m.git/info/lfs/objects/batch", json=asked).json()["objects"]
    return "actions" in told


@pytest.mark.parametrize(("code", "status"), [(errno.EIO, 500), (errno.ENOSPC, 507), (errno.EMFILE, 500)])
def test_every_disk_fault_under_an_upload_is_an_answer_and_the_next_upload_works(hub, alice, monkeypatch, code, status):
    number = 0
    while True:
        number += 1
        href = upload_link(alice)
        with failing(monkeypatch, number, code) as seen:
            answer = httpx.put(href, content=CONTENT, trust_env=False)
        assert left_over(hub) == []
        if len(seen) < number:
            break
        assert answer.status_code == status
        assert not is_owned(alice)
    assert number > 3, "the faults were somewhere"
    assert answer.status_code == 200
    assert is_owned(alice)


@pytest.mark.parametrize(("code", "status"), [(errno.EIO, 500), (errno.ENOSPC, 507)])
def test_every_disk_fault_under_a_push_is_an_answer_and_the_next_push_works(hub, alice, monkeypatch, code, status):
    number = 0
    while True:
        number += 1
        pack = Pack()
        oid = pack.files(f"f{number}")
        body = push(oid, f"refs/heads/b{number}", pack.bytes())
        with failing(monkeypatch, number, code) as seen:
            answer = alice.post("/alice/m.git/git-receive-pack", content=body)
        assert left_over(hub) == []
        known = {ref["name"] for ref in alice.get("/api/models/alice/m/refs").json()["branches"]}
        if len(seen) < number:
            break
        assert answer.status_code == status
        assert f"b{number}" not in known
    assert number > 3, "the faults were somewhere"
    assert b"ok refs/heads/" in answer.content
    assert f"b{number}" in known


def test_an_upload_that_is_cut_off_leaves_nothing(hub, alice):
    parts = urlsplit(upload_link(alice))
    with socket.create_connection((parts.hostname, parts.port)) as raw:
        head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(CONTENT)}\r\n\r\n"
        raw.sendall(head.encode() + CONTENT[:5000])
        wait_for(lambda: left_over(hub) != [])
    wait_for(lambda: left_over(hub) == [])
    assert not is_owned(alice)


@pytest.mark.parametrize("what", ["upload", "push"])
def test_a_client_that_stops_sending_is_let_go(hub, alice, monkeypatch, what):
    monkeypatch.setattr(intake, "BODY_IDLE_SECONDS", 0.2)
    path = "/alice/m.git/git-receive-pack"
    if what == "upload":
        parts = urlsplit(upload_link(alice))
        path = f"{parts.path}?{parts.query}"
    address = urlsplit(hub.url)
    with socket.create_connection((address.hostname, address.port)) as raw:
        raw.settimeout(10)
        method = "PUT" if what == "upload" else "POST"
        head = f"{method} {path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(CONTENT)}\r\n"
        raw.sendall(f"{head}{'authorization: ' + alice.headers['authorization']}\r\n\r\n".encode() + b"0")
        assert raw.recv(1000).startswith(b"HTTP/1.1 408")
    assert left_over(hub) == []


def test_a_hundred_clients_that_send_slowly_keep_nobody_waiting(hub, alice):
    address = urlsplit(hub.url)
    slow = [socket.create_connection((address.hostname, address.port)) for _ in range(100)]
    try:
        for raw in slow:
            head = f"POST /alice/m.git/git-receive-pack HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 100000\r\n"
            raw.sendall(f"{head}{'authorization: ' + alice.headers['authorization']}\r\n\r\n".encode() + b"0")
        pack = Pack()
        body = push(pack.files("f"), "refs/heads/quick", pack.bytes())
        answer = alice.post("/alice/m.git/git-receive-pack", content=body, timeout=20)
        assert b"ok refs/heads/quick" in answer.content
    finally:
        for raw in slow:
            raw.close()
    wait_for(lambda: left_over(hub) == [])
