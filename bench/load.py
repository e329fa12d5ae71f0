"""Offer load: `wrk` where it is installed, else a small client of our own."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import time
from urllib.parse import urlsplit

CONNECTIONS = 32


def offer(url: str, seconds: float, headers: dict[str, str] | None = None) -> float:
    """Ask for `url` over and over, and return how many answers of status 200 came. Raises RuntimeError for any other."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return asyncio.run(_offer(url, seconds, headers or {}))
    extra = [part for name, value in (headers or {}).items() for part in ("-H", f"{name}: {value}")]
    said = subprocess.run(
        [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{round(seconds)}s", *extra, url], check=True, capture_output=True, text=True
    ).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    found = re.search(r"(\d+) requests in", said)
    if found is None:
        raise RuntimeError(said)
    return float(found[1])


async def _offer(url: str, seconds: float, headers: dict[str, str]) -> float:
    parts = urlsplit(url)
    lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    request = "\r\n".join(lines).encode()
    deadline = time.monotonic() + seconds
    counts = await asyncio.gather(*(_ask(parts.hostname or "", parts.port or 80, request, deadline) for _ in range(CONNECTIONS)))
    return float(sum(counts))


async def _ask(host: str, port: int, request: bytes, deadline: float) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    count = 0
    while time.monotonic() < deadline:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode("latin-1"))
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if length is None:
            raise RuntimeError(head.decode("latin-1"))
        await reader.readexactly(int(length[1]))
        count += 1
    writer.close()
    await writer.wait_closed()
    return count
