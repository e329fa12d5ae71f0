"""Small `resolve` requests per CPU-second of the server, beside a bare Starlette route."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.bare import BODY
from bench.load import offer
from bench.result import Result, rounds
from bench.server import TOKEN, Server, client, hub, starlette
from tests.commits import commit

ROUNDS = 5
SECONDS = 3
BAR = 0.35


def run(work: Path) -> Iterator[Result]:
    with hub(work / "resolve") as ours, starlette(work) as bare:
        with client(ours) as alice:
            alice.post("/api/repos/create", json={"name": "small", "type": "model"}).raise_for_status()
            commit(alice, "alice/small", {"config.json": BODY})
        ours.wait_idle()
        path = "/alice/small/resolve/main/config.json"
        for name, headers in (("anonymous", {}), ("with a token", {"Authorization": f"Bearer {TOKEN}"})):
            peer_rates, our_rates = [], []
            for _ in range(ROUNDS):
                peer_rates.append(_rate(bare, path, headers))
                our_rates.append(_rate(ours, path, headers))
            yield rounds(
                "small resolve", "bare Starlette", peer_rates, our_rates, "requests/CPU-s", BAR, is_floor=True, note=name
            )


def _rate(server: Server, path: str, headers: dict[str, str]) -> float:
    before = server.cpu_seconds()
    count = offer(server.url + path, SECONDS, headers)
    return count / (server.cpu_seconds() - before)
