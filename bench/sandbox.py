"""Sandboxes: what one costs over the bare program, and what bombs in them cost the visitors of the hub."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.pages import _ask
from bench.result import Result, Skipped, rounds
from bench.server import hub
from tests.compute import Machine, has_limits
from tulou.platform.compute.base import ENDED, Resources

STARTS = 25
SLOWER = 3.0
RATE, SECONDS, TURNS = 50, 4, 5
UNDER_BOMBS = 2.0
SOCKETS = 500
BOMBS = {
    "forks": "import os\nwhile True:\n try: os.fork()\n except OSError: pass",
    "memory": "while True:\n x = []\n try:\n  while True: x.append(bytearray(1 << 20))\n except MemoryError: pass",
    "log": "while True: print('x' * 60)",
    "files": "n = 0\nwhile True:\n try: open(f'/tmp/{n % 100000}', 'w').close(); n += 1\n except OSError: pass",
}
SMALL = Resources(cpus=0.25, memory_mb=128, pids=50, tmp_mb=32, log_mb=4)


def run(work: Path) -> Iterator[Result | Skipped]:
    (work / "runs").mkdir(mode=0o700)
    made = Machine(work / "runs", "auto")
    if made.node.level != "sandbox":
        yield Skipped("sandboxes", "this machine makes none")
        return
    try:
        yield _starts(made)
        yield _sockets(made)
        if has_limits(made):
            yield from _bombs(made, work)
        else:
            yield Skipped("answers under bombs", "this machine lets us make no control groups")
    finally:
        made.clear()


def _starts(made: Machine) -> Result:
    program = (str(Path(sys.base_prefix) / "bin" / "python3"), "-c", "pass")
    made.run(program)
    bare, ours = [], []
    for _ in range(STARTS):
        started = time.perf_counter()
        subprocess.run(program, check=True)
        bare.append((time.perf_counter() - started) * 1000)
        started = time.perf_counter()
        run_id = made.start(program)
        while made.compute.observe([run_id])[run_id].phase not in ENDED:
            time.sleep(0.0005)
        ours.append((time.perf_counter() - started) * 1000)
    return rounds("python in a sandbox, start to end", "bare", bare, ours, "ms", SLOWER, is_floor=False)


def _sockets(made: Machine) -> Result:
    run_id = made.start("import time; time.sleep(600)")
    door = made.compute.address(run_id, 80)
    door.make().close()
    started = time.perf_counter()
    for _ in range(SOCKETS):
        door.make().close()
    return Result(
        "a socket inside of a run", "", None, (time.perf_counter() - started) / SOCKETS * 1e6, "µs", 500, is_floor=False
    )


def _bombs(made: Machine, work: Path) -> Iterator[Result]:
    with hub(work / "data") as server:
        server.wait_idle()
        asyncio.run(_slowest(server.url))
        quiet, bombed = [], []
        for _ in range(TURNS):
            quiet.append(asyncio.run(_slowest(server.url)))
            started = [made.start(program, resources=SMALL) for program in BOMBS.values()]
            bombed.append(asyncio.run(_slowest(server.url)))
            for run_id in started:
                made.compute.forget(run_id)
        note = f"{', '.join(BOMBS)} at once"
        title = f"99 of 100 answers at {RATE}/s under bombs"
        yield rounds(title, "without", quiet, bombed, "ms", UNDER_BOMBS, is_floor=False, note=note)


async def _slowest(url: str) -> float:
    """Ask at a steady rate and return within how many milliseconds 99 of 100 answers came."""
    started = time.perf_counter()
    asked = []
    for number in range(RATE * SECONDS):
        due = started + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        asked.append(asyncio.create_task(_ask(url, "/models", due)))
    times = sorted(await asyncio.gather(*asked))
    return times[round(len(times) * 0.99) - 1]
