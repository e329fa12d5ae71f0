"""Run queries that people write: each in a process of its own, which is killed when its time is up."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson

from tulou.kernel.errors import ViewerProblem
from tulou.platform.tabular import frames
from tulou.platform.tabular.pool import Turns, cpus, end, fd_of, start

Format = Literal["json", "csv", "parquet"]
SECONDS = 10.0
ROWS = 10_000
BYTES = 32 << 20
_IDLE_SECONDS = 120
_START_SECONDS = 20.0
_AT_ONCE, _WAITING = 2, 4


@dataclass(frozen=True, slots=True)
class Query:
    """Somebody's SQL, and the files behind each name that it may use."""

    sql: str
    views: Mapping[str, Sequence[Path]]
    format: Format = "json"
    rows: int = ROWS


class Console:
    """Runs one query a process. The next process waits already when one is used."""

    def __init__(self) -> None:
        self._turns = Turns(_AT_ONCE, _WAITING)
        self._lock = threading.Lock()
        self._next: subprocess.Popen[bytes] | None = None
        self._is_closed = False

    def run(self, query: Query) -> bytes:
        """Return the result as a JSON object, or as a file. Raises ViewerProblem, Busy."""
        with self._turns.take():
            process = self._taken()
            try:
                return _heard(process, query)
            finally:
                end(process)
                self._prepare()

    def close(self) -> None:
        """End the process that waits."""
        with self._lock:
            self._is_closed = True
            process, self._next = self._next, None
        if process is not None:
            end(process)

    def _taken(self) -> subprocess.Popen[bytes]:
        with self._lock:
            process, self._next = self._next, None
        if process is not None and process.poll() is None:
            return process
        if process is not None:
            end(process)
        return _started()

    def _prepare(self) -> None:
        with self._lock:
            if self._next is None and not self._is_closed:
                self._next = _started()


def _started() -> subprocess.Popen[bytes]:
    return start("console", stderr=subprocess.DEVNULL, arguments=(str(_IDLE_SECONDS),))


def _heard(process: subprocess.Popen[bytes], query: Query) -> bytes:
    asked = {
        "sql": query.sql,
        "views": {name: [str(path) for path in paths] for name, paths in query.views.items()},
        "format": query.format, "rows": query.rows, "bytes": BYTES, "seconds": SECONDS, "threads": cpus(),
    }  # fmt: skip
    try:
        frames.send(fd_of(process.stdin), frames.JSON, orjson.dumps(asked))
        # The process may still be loading its libraries; it counts its own time from when it begins.
        frame = frames.receive(fd_of(process.stdout), time.monotonic() + _START_SECONDS + SECONDS)
    except (BrokenPipeError, EOFError, TimeoutError) as cause:
        raise _gave_up() from cause
    if frame is None:
        raise _gave_up()
    kind, body = frame
    if kind == frames.PROBLEM:
        problem = orjson.loads(body)
        raise ViewerProblem(problem["code"], problem["message"], 422)
    return body


def _gave_up() -> ViewerProblem:
    return ViewerProblem("TooBigContentError", "The query was ended: it took more time or memory than it may.", 422)
