"""Pages of the website: their slowest answers at 50 requests a second, and when they are painted over a slow line."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from bench.result import Result, Skipped
from bench.server import hub
from tests.browser import chromium, world
from tests.browser.pages import MODEL
from tests.conftest import run_hub, settings_for

RATE, SECONDS = 50, 12
SLOWEST_MS = 80
PAINTED_MS = 1000
VISITS = 5
PAGES = {"home": "/", "list of models": "/models", "model": MODEL, "files": f"{MODEL}/tree/main"}
HELD = ("home", "model")
"""The pages that the bar on answers at a rate is for; the others are printed beside them."""
# The profile of the study that set the bars: a slow mobile line and a processor four times slower.
LINE = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
SLOWER = 4
_LCP = """() => new Promise(done => new PerformanceObserver(list => done(list.getEntries().at(-1).startTime))
  .observe({type: 'largest-contentful-paint', buffered: true}))"""


def run(work: Path) -> Iterator[Result | Skipped]:
    for furnished in run_hub(settings_for(work / "data")):
        world.furnish(furnished)
    with hub(work / "data") as server:
        server.wait_idle()
        for name, path in PAGES.items():
            asyncio.run(_ask(server.url, path, time.perf_counter()))  # a page that nobody ever saw is laid out once
            times = sorted(asyncio.run(_at_rate(server.url, path)))
            note = f"half within {times[len(times) // 2]:.1f} ms"
            slowest = times[round(len(times) * 0.99) - 1]
            title = f"{name} page, 99 of 100 answers at {RATE}/s"
            bar = SLOWEST_MS if name in HELD else 2 * SLOWEST_MS
            yield Result(title, "", None, slowest, "ms", bar, is_floor=False, note=note)
        yield from _painted(server.url)


async def _at_rate(url: str, path: str) -> list[float]:
    """Ask at a steady rate, whether answers are back or not, and return how long each took, in milliseconds."""
    started = time.perf_counter()
    asked = []
    for number in range(RATE * SECONDS):
        await asyncio.sleep(max(0.0, started + number / RATE - time.perf_counter()))
        # Late starts count too: the clock of a request begins when it was due.
        asked.append(asyncio.create_task(_ask(url, path, started + number / RATE)))
    return list(await asyncio.gather(*asked))


async def _ask(url: str, path: str, due: float) -> float:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Accept: text/html",
        "Accept-Encoding: gzip",
        "Connection: close",
        "",
        "",
    )
    writer.write("\r\n".join(lines).encode())
    answer = await reader.read(-1)
    writer.close()
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(answer[:200].decode("latin-1"))
    return (time.perf_counter() - due) * 1000


def _painted(url: str) -> Iterator[Result | Skipped]:
    if chromium.PROGRAM is None:
        yield Skipped("painted over a slow line", chromium.MISSING)
        return
    with chromium.started() as browser:
        for name, path in PAGES.items():
            seen = []
            for _ in range(VISITS):
                context = browser.new_context(viewport={"width": 412, "height": 823})
                page = context.new_page()
                line = context.new_cdp_session(page)
                line.send("Network.enable")
                line.send("Network.emulateNetworkConditions", LINE)
                line.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
                page.goto(url + path, wait_until="load")
                seen.append(page.evaluate(_LCP))
                context.close()
            title = f"{name} page, largest paint on a first visit over a slow line"
            yield Result(title, "", None, median(seen), "ms", PAINTED_MS, is_floor=False)
