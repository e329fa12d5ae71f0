"""What a job prints and uses, as it happens: server-sent events that end with the job."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import anyio
from starlette.types import ASGIApp

from tulou.delivery.kit import run_logs, sse
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Route
from tulou.features.jobs import read
from tulou.features.jobs.read import JobView
from tulou.features.runs import logs
from tulou.features.runs import read as runs
from tulou.kernel.actor import Actor
from tulou.kernel.clock import iso
from tulou.kernel.errors import BadInput, HubError
from tulou.platform.compute.base import Observed

METRIC_SECONDS = 1.0
TAIL = 10_000


class NotRunning(HubError):
    """The job does not run: there is nothing to measure."""

    status = 406
    code = "not_running"


async def log(call: Call) -> ASGIApp:
    """GET …/logs: every line so far, then each as it comes. `Last-Event-ID` goes on where a client lost the stream."""
    found = await in_thread(read.get, call.m, call.actor, call.params["account"], call.params["job"])
    tail, seen = _tail(call), sse.last_id(call)
    return sse.stream(call, _lines(call, found, tail, seen), _may(call))


async def metrics(call: Call) -> ASGIApp:
    """GET …/metrics: what the job uses, every second while it runs."""
    found = await in_thread(read.get, call.m, call.actor, call.params["account"], call.params["job"])
    if found.run.is_over:
        raise NotRunning
    return sse.stream(call, _samples(call, found), _may(call))


def _may(call: Call) -> Callable[[Actor], JobView]:
    return lambda actor: read.get(call.m, actor, call.params["account"], call.params["job"])


async def _lines(call: Call, found: JobView, tail: int | None, seen: int | None) -> AsyncIterator[bytes]:
    run_id, offset = found.run.id, seen or 0
    if seen is None and tail is not None:
        offset = await in_thread(logs.tail_offset, call.m, run_id, tail)
    needs_head = seen is None and tail is None
    yield sse.KEEP_ALIVE
    async for event in run_logs.events(partial(logs.lines, call.m, run_id), offset):
        if needs_head and event != sse.KEEP_ALIVE:
            yield await in_thread(_head, call, found)
            needs_head = False
        yield event
    if needs_head:
        yield await in_thread(_head, call, found)


def _head(call: Call, found: JobView) -> bytes:
    """Return what comes before the log: the line that clients look for, and what the owner should know of this hub."""
    run = runs.get(call.m, found.run.id) or found.run
    at = iso(run.started_at or run.created_at)
    texts = (f"===== Job started at {at[:19].replace('T', ' ')} =====", *found.job.notes)
    return b"".join(sse.event({"data": text, "timestamp": at}, id=0) for text in texts)


async def _samples(call: Call, found: JobView) -> AsyncIterator[bytes]:
    before: tuple[float, float] | None = None
    spoke_at = time.monotonic()
    yield sse.KEEP_ALIVE
    while True:
        run = await in_thread(runs.get, call.m, found.run.id)
        if run is None or run.is_over:
            return
        seen: Observed | None = (await in_thread(call.m.compute.observe, [run.machine_id])).get(run.machine_id)
        if seen is not None and seen.started_at is not None:
            now = time.monotonic()
            sample = _sample(found, seen, before, now)
            before, spoke_at = (seen.usage.cpu_s, now), now
            yield sse.event(sample, name="metric")
        elif time.monotonic() - spoke_at > sse.KEEP_ALIVE_SECONDS:
            yield sse.KEEP_ALIVE
            spoke_at = time.monotonic()
        await anyio.sleep(METRIC_SECONDS)


def _sample(found: JobView, seen: Observed, before: tuple[float, float] | None, now: float) -> dict[str, Any]:
    """Return one measurement. Its first compares with the start; the network is not measured, which clients read as nothing."""
    cpus = found.run.order.cpus
    used = 0.0 if before is None else max(0.0, seen.usage.cpu_s - before[0]) / max(now - before[1], 0.001)
    return {
        "cpu_usage_pct": round(100 * used / cpus),
        "cpu_millicores": round(1000 * cpus),
        "memory_used_bytes": seen.usage.memory,
        "memory_total_bytes": found.run.order.memory_mb << 20,
        "rx_bps": 0,
        "tx_bps": 0,
        "gpus": {},
        "replica": found.run.id[-5:],
    }


def _tail(call: Call) -> int | None:
    said = call.query("tail")
    if said is None:
        return None
    if not (said.isascii() and said.isdigit() and len(said) <= len(str(TAIL)) and int(said) <= TAIL):
        raise BadInput(f"The parameter 'tail' must be a number of lines, at most {TAIL}.")
    return int(said)


_JOB = "/api/jobs/{account}/{job}"
ROUTES = [
    Route(("GET",), f"{_JOB}/logs", log, Access.SIGNED_IN),
    Route(("GET",), f"{_JOB}/metrics", metrics, Access.SIGNED_IN),
]
