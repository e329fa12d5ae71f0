"""Background work about content, and what wakes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tulou.db.engine import Tx
from tulou.features.content import collect, compact, downloads, lfs_upload
from tulou.kernel.events import RefsMoved
from tulou.platform.blobs.gc import DAY
from tulou.platform.machinery import Machinery

Handler = Callable[[Machinery, dict[str, Any]], None]

WRITE_DOWNLOADS = "content.downloads"
ROLL_DOWNLOADS = "content.roll_downloads"
COLLECT = "content.collect"

HANDLERS: dict[str, Handler] = {
    WRITE_DOWNLOADS: downloads.write_down,
    ROLL_DOWNLOADS: downloads.roll,
    COLLECT: collect.task,
    lfs_upload.EXPIRE: lfs_upload.expire,
    compact.COMPACT: compact.task,
}

# Kind → milliseconds between runs.
RECURRING = {WRITE_DOWNLOADS: 60_000, ROLL_DOWNLOADS: DAY // 4, COLLECT: DAY // 4}


def on_event(m: Machinery, tx: Tx, kind: str, payload: dict[str, Any]) -> None:
    """Enqueue what an event asks for."""
    if kind == RefsMoved.kind:
        compact.ask(m, tx, payload["repo_id"])
