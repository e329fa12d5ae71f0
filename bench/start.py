"""Warm start until the first answer, and memory when idle."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.result import Result
from bench.server import client, hub
from tests.commits import commit

ROUNDS = 5
IDLE_SECONDS = 3


def run(work: Path) -> Iterator[Result]:
    data = work / "start"
    with hub(data) as server, client(server) as alice:  # the first start, with some content, is not measured
        alice.post("/api/repos/create", json={"name": "small", "type": "model"}).raise_for_status()
        commit(alice, "alice/small", {"config.json": "{}"})
        server.wait_idle()
    seconds, memory, cpu = [], [], []
    for _ in range(ROUNDS):
        with hub(data) as server:
            seconds.append(server.ready_seconds)
            cpu.append(server.cpu_seconds())
            time.sleep(IDLE_SECONDS)
            memory.append(server.resident_bytes() / 2**20)
    note = f"CPU time of it {median(cpu):.2f} s: what it takes on a machine with nothing else to do"
    yield Result("warm start", "", None, median(seconds), "s", 2.0, is_floor=False, note=note)
    yield Result("memory when idle", "", None, median(memory), "MiB", 150.0, is_floor=False)
