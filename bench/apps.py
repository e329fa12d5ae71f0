"""The way to an application: small requests, a large answer and a large upload, through the hub and through a proxy library."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from bench.apps_hub import HOST
from bench.apps_upstream import LARGE
from bench.load import offer
from bench.result import Result, Skipped, rounds
from bench.server import Server, free_port
from tests.venvs import Environment, python_of

PEER = "fastapi-proxy-lib"
_PEER = Environment((f"{PEER}[standard]==0.3.0", "uvicorn==0.54.0", "uvloop", "httptools"))
ROUNDS, SECONDS, TRIES = 3, 4.0, 5
COST, SPEED = 0.5, 0.4


def run(work: Path) -> Iterator[Result | Skipped]:
    upstream = [sys.executable, "-m", "uvicorn", "bench.apps_upstream:app", "--no-access-log", "--log-level", "error", "--port"]
    with _served(upstream, work, "app") as app, _hub(app, work) as ours:
        to_ours = {"Host": f"{HOST}:{ours.port}"}
        try:
            peer_python = python_of("proxy-peer", _PEER)
        except RuntimeError as problem:
            yield Skipped("small request to an application", str(problem))
            return
        with _served([str(peer_python), "bench/apps_peer.py", str(app.port)], work, "peer") as peer:
            pairs = [(_cost(peer, {}), _cost(ours, to_ours)) for _ in range(ROUNDS)]
        theirs, own = [each[0] for each in pairs], [each[1] for each in pairs]
        alone = _cost(app, {})
        note = f"the application itself takes {alone:.0f}"
        yield rounds("small request to an application", PEER, theirs, own, "µs of CPU", COST, is_floor=False, note=note)
        for name, move in (("large answer of an application", _down), ("large upload to an application", _up)):
            paired = [(move(app, {}), move(ours, to_ours)) for _ in range(ROUNDS)]
            yield rounds(
                name, "no proxy", [each[0] for each in paired], [each[1] for each in paired], "MB/s", SPEED, is_floor=True
            )


@contextlib.contextmanager
def _served(command: list[str], work: Path, name: str) -> Iterator[Server]:
    port = free_port()
    server = Server([*command, str(port)], port, work / f"{name}.log")
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def _hub(app: Server, work: Path) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "bench.apps_hub", str(app.port), str(port), str(work / "data")]
    server = Server(command, port, work / "hub.log", probe="/api/agent-harnesses")
    try:
        server.wait_idle()
        yield server
    finally:
        server.stop()


def _cost(server: Server, headers: dict[str, str]) -> float:
    """Return microseconds of processor that the server takes for one small request."""
    for attempt in range(TRIES):
        before = server.cpu_seconds()
        try:
            answered = offer(f"{server.url}/small", SECONDS, headers)
        except RuntimeError as problem:
            # On a busy machine the peer lets some wait for more than the two seconds that `wrk` does.
            if "Non-2xx" in str(problem) or attempt == TRIES - 1:
                raise
        else:
            return (server.cpu_seconds() - before) / answered * 1e6
    raise AssertionError("not reached")


def _down(server: Server, headers: dict[str, str]) -> float:
    started, got = time.perf_counter(), 0
    with httpx.stream("GET", f"{server.url}/large", headers=headers, timeout=120, trust_env=False) as answer:
        for block in answer.iter_raw():
            got += len(block)
    if got != LARGE:
        raise RuntimeError(f"{got} bytes came of {LARGE}")
    return got / (time.perf_counter() - started) / 1e6


def _up(server: Server, headers: dict[str, str]) -> float:
    block = bytes(1 << 18)
    started = time.perf_counter()
    answer = httpx.post(f"{server.url}/up", headers=headers, content=(block for _ in range(400)), timeout=120, trust_env=False)
    if answer.text != str(400 * len(block)):
        raise RuntimeError(answer.text)
    return 400 * len(block) / (time.perf_counter() - started) / 1e6
