"""Let a frozen run go on at once, for somebody who waits."""

from __future__ import annotations

from tulou.features.runs import queries, read
from tulou.platform.machinery import Machinery


def now(m: Machinery, run_id: str) -> None:
    """Thaw a run of this machine. Does nothing to one that is not frozen.

    Write order: 1 wanted to run, and noted as running   2 thawed. Crash after 1: the reconciler sees it, and thaws.
    """
    run = read.get(m, run_id)
    if run is None or run.is_over or run.phase == "pending" or (run.phase != "paused" and run.want != "pause"):
        return
    with m.db.write() as tx:
        queries.want(tx, run_id, "run")
        if run.phase == "paused":
            queries.change(tx, run, phase="running")
    m.compute.signal(run.machine_id, "resume")
