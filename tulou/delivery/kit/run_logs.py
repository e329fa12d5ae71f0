"""Send what runs print as server-sent events: what there is, then what comes, until it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import anyio

from tulou.delivery.kit import sse
from tulou.delivery.kit.call import in_thread
from tulou.features.runs.logs import Line
from tulou.kernel.clock import iso

Source = Callable[[int], tuple[list[Line], int, bool]]
"""From an offset: lines, the offset behind them, and whether nothing will ever follow (`features/runs/logs`)."""
REST_SECONDS = 0.3


async def events(source: Source, offset: int, *, follow: bool = True) -> AsyncIterator[bytes]:
    """Yield events, one a line: `{"data": text, "timestamp": …}`, with the offset behind it as id, and keep-alives between."""
    silent = 0.0
    while True:
        lines, offset, is_end = await in_thread(source, offset)
        if lines:
            # Together: a long log has a million lines.
            yield b"".join(sse.event({"data": line.text, "timestamp": iso(line.at)}, id=line.end) for line in lines)
        if is_end and not lines:
            return
        if lines:
            silent = 0.0
            continue
        if not follow:
            return
        await anyio.sleep(REST_SECONDS)
        silent += REST_SECONDS
        if silent >= sse.KEEP_ALIVE_SECONDS:
            silent = 0.0
            yield sse.KEEP_ALIVE
