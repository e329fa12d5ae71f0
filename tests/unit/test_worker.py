"""Background work: slow tasks have a lane of their own."""

from __future__ import annotations

import threading
from pathlib import Path

from tulou.db.engine import Database
from tulou.db.tables import metadata
from tulou.kernel.clock import Clock
from tulou.platform.jobs import queue
from tulou.platform.jobs.worker import Worker


def test_a_slow_task_does_not_keep_the_quick_ones_waiting(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    metadata.create_all(db.engine)
    begun, quick_ran, may_end = threading.Event(), threading.Event(), threading.Event()

    def slow(_payload: dict[str, object]) -> None:
        begun.set()
        assert may_end.wait(20)

    worker = Worker(
        db, Clock(), {"slow": slow, "quick": lambda _payload: quick_ran.set()}, [], lambda _event, _facts: None, {},
        frozenset({"slow"}),
    )
    with db.write() as tx:
        queue.put(tx, Clock(), "slow", {})
    worker.start()
    try:
        assert begun.wait(20)
        with db.write() as tx:
            queue.put(tx, Clock(), "quick", {})
        worker.wake()
        assert quick_ran.wait(20)
    finally:
        may_end.set()
        worker.stop()
        db.close()
