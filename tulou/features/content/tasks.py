"""Background work about content, and what wakes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tulou.db.engine import Tx
from tulou.features.content import downloads
from tulou.platform.jobs import queue
from tulou.platform.machinery import Machinery

Handler = Callable[[Machinery, dict[str, Any]], None]

WRITE_DOWNLOADS = "content.downloads"

HANDLERS: dict[str, Handler] = {
    WRITE_DOWNLOADS: downloads.write_down,
}


def on_event(m: Machinery, tx: Tx, kind: str, payload: dict[str, Any]) -> None:
    """Enqueue what an event asks for."""
