"""Let a frozen run go on at once, for somebody who waits."""

from __future__ import annotations

from tulou.features.runs import queries, read
from tulou.platform.machinery import Machinery


def now(m: Machinery, run_id: str) -> None:
    """Thaw a run of this machine. Does nothing to one that is not frozen.

    Write order: 1 wanted to run   2 thawed   3 noted as running. Crash after 1 or 2: the reconciler sees the difference.
    """
    run = read.get(m, run_id)
    if run is None or run.is_over or run.phase == "pending":
        return
    if run.want == "pause":
        with m.db.write() as tx:
            queries.want(tx, run_id, "run")
    if run.phase == "paused" or run.want == "pause":
        m.compute.signal(run.machine_id, "resume")
    if run.phase == "paused":
        with m.db.write() as tx:
            queries.change(tx, run, phase="running")
