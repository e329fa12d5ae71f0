"""Remember in memory when somebody last used an application, and who is connected to it now; write it down now and then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tulou.features.spaces import queries
from tulou.platform.machinery import Machinery


def note(m: Machinery, repo_id: str) -> None:
    """Somebody uses the application now."""
    with m.visits.lock:
        m.visits.last[repo_id] = m.clock.now()


@contextmanager
def connection(m: Machinery, repo_id: str) -> Iterator[None]:
    """Count somebody as a visitor for as long as this block takes: a request, an event stream, a WebSocket."""
    with m.visits.lock:
        m.visits.last[repo_id] = m.clock.now()
        m.visits.open[repo_id] = m.visits.open.get(repo_id, 0) + 1
    try:
        yield
    finally:
        with m.visits.lock:
            m.visits.last[repo_id] = m.clock.now()
            m.visits.open[repo_id] -= 1
            if not m.visits.open[repo_id]:
                del m.visits.open[repo_id]


def write_down(m: Machinery) -> None:
    """Write the last visits to the rows; open connections count as visits now.

    # 1 take what was noted   2 one transaction
    # Crash before 2: visits of the last seconds are forgotten, and a Space may sleep so much earlier.
    """
    now = m.clock.now()
    with m.visits.lock:
        last, m.visits.last = m.visits.last, {}
        last |= dict.fromkeys(m.visits.open, now)
    if not last:
        return
    with m.db.write() as tx:
        for repo_id, at in last.items():
            queries.visited(tx, repo_id, at)
