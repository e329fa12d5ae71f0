"""Run the program of the pass: a folder, two named pipes in it, and a process that sees nothing else of the hub."""

from __future__ import annotations

import json
import os
import secrets
import selectors
import signal
import struct
import sys
import sysconfig
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tulou.fsio import atomic
from tulou.platform.compute.base import ENDED, Compute, Mount, Observed, Resources, RunSpec

PREFIX = "viewer-"
"""What the names of these runs begin with."""
_LENGTH = struct.Struct("<I")
_MESSAGE = 64 << 20
_READ = 16 << 20
_TICK = 0.2
PACKAGE = Path(__file__).parents[2]
MEMORY_MB = 3072
"""More than the limit that it sets itself: pages of files that it wrote count here too."""
_HOME = "/job"
_OUT_OF_TIME = frozenset({-signal.SIGXCPU, 128 + signal.SIGXCPU})
Heard = Callable[[dict[str, Any]], None]


class Died(Exception):
    """The child ended before it was done. `how`: memory, time, or crash."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


@dataclass(frozen=True, slots=True)
class Job:
    """What the child is to work on. `read(number, start, length)` returns bytes of `files[number]`."""

    name: str
    origin: str
    """What clients write before the path of a file of this commit."""
    files: list[tuple[str, int]]
    linkable: list[str]
    skip: list[tuple[int, str]]
    shown: list[tuple[int, str]]
    """Splits whose first rows are there already, by number of the configuration and name; `skip` are those to leave out."""
    look: bool
    """Only the first rows."""
    read: Callable[[int, int, int], bytes]
    memory: int
    seconds: int


class Child:
    """One process, good for one job. It may be started early: loading its libraries takes most of a second."""

    def __init__(self, work: Path, compute: Compute) -> None:
        name = PREFIX + secrets.token_hex(6)
        self.folder = work / name
        self.folder.mkdir(parents=True)
        for pipe in ("ask", "answer"):
            os.mkfifo(self.folder / pipe, 0o600)
        # Open both ways: then neither end ever waits for the other to come, and the end of the process is seen by itself.
        self._ask = os.open(self.folder / "ask", os.O_RDWR | os.O_NONBLOCK)
        self._answer = os.open(self.folder / "answer", os.O_RDWR | os.O_NONBLOCK)
        self._heard = bytearray()
        self._compute = compute
        self._id = name
        try:
            compute.start(_spec(name, self.folder))
        except BaseException:
            self._sweep()
            raise

    @property
    def is_alive(self) -> bool:
        """True while the process runs."""
        return self._observed().phase not in ENDED

    def _observed(self) -> Observed:
        return self._compute.observe([self._id]).get(self._id) or Observed(self._id, "lost")

    def run(self, job: Job, heard: Heard, *, stop: Callable[[], bool]) -> None:
        """Do a job: `heard` is called with everything that the child tells. Raises Died; also when `stop` says so."""
        deadline = time.monotonic() + 4 * job.seconds
        body = {field.name: getattr(job, field.name) for field in fields(job) if field.name != "read"}
        self._send(json.dumps(body).encode(), deadline)
        while True:
            message = self._next(deadline, stop)
            try:
                if message["what"] == "read":
                    self._answer_read(job, message, deadline)
                else:
                    heard(message)
            except (KeyError, TypeError, ValueError, FileNotFoundError, FileExistsError) as cause:
                raise Died("crash") from cause  # it told something else than it was written to tell
            if message["what"] in {"done", "failed"}:
                return

    def kill(self) -> None:
        """End the process at once."""
        self._compute.signal(self._id, "kill")

    def close(self) -> None:
        """End the process and delete its folder."""
        self._compute.forget(self._id)
        self._sweep()

    def _sweep(self) -> None:
        for fd in (self._ask, self._answer):
            os.close(fd)
        atomic.remove_tree(self.folder)

    def _answer_read(self, job: Job, message: dict[str, Any], deadline: float) -> None:
        number, start, length = (int(message[name]) for name in ("file", "start", "length"))
        if not (0 <= number < len(job.files) and start >= 0 and 0 < length <= _READ):
            raise Died("crash")
        self._send(job.read(number, start, length), deadline)

    def _next(self, deadline: float, stop: Callable[[], bool]) -> dict[str, Any]:
        while True:
            if len(self._heard) >= _LENGTH.size:
                length = _LENGTH.unpack_from(self._heard)[0]
                if length > _MESSAGE:
                    raise Died("crash")
                if len(self._heard) >= _LENGTH.size + length:
                    content = bytes(self._heard[_LENGTH.size : _LENGTH.size + length])
                    del self._heard[: _LENGTH.size + length]
                    return _parsed(content)
            self._wait(self._ask, selectors.EVENT_READ, deadline, stop)
            with suppress(BlockingIOError):
                self._heard += os.read(self._ask, 1 << 20)

    def _send(self, content: bytes, deadline: float) -> None:
        view = memoryview(_LENGTH.pack(len(content)) + content)
        while view:
            self._wait(self._answer, selectors.EVENT_WRITE, deadline, lambda: False)
            with suppress(BlockingIOError):
                view = view[os.write(self._answer, view) :]

    def _wait(self, fd: int, event: int, deadline: float, stop: Callable[[], bool]) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(fd, event)
            while not selector.select(_TICK):
                if not self.is_alive:
                    raise Died(self._end())
                if time.monotonic() > deadline or stop():
                    raise Died("time")

    def _end(self) -> str:
        seen = self._observed()
        if seen.exit_code in _OUT_OF_TIME:
            return "time"
        return "memory" if seen.phase == "oom" else "crash"


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        message = json.loads(content)
    except ValueError as cause:
        raise Died("crash") from cause
    if not isinstance(message, dict) or not isinstance(message.get("what"), str):
        raise Died("crash")
    return message


def _spec(name: str, folder: Path) -> RunSpec:
    """Return how to start the program: with Python, what is installed beside it, this package, and its own folder."""
    site = Path(sysconfig.get_path("purelib"))
    return RunSpec(
        id=name,
        kind="convert",
        argv=(os.path.realpath(sys.executable), "-s", "-P", "-m", "tulou.platform.tabular.child.ingest", _HOME),
        # At their own places: without a sandbox the paths are the same.
        mounts=(Mount(site, str(site)), Mount(PACKAGE, str(PACKAGE)), Mount(folder, _HOME, "rw")),
        env={
            "PYTHONPATH": f"{PACKAGE.parent}:{site}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": _HOME,
            "TMPDIR": _HOME,
            "LC_ALL": "C.UTF-8",
            "HF_HOME": f"{_HOME}/home",
            "HF_HUB_OFFLINE": "1",
            "ARROW_DEFAULT_MEMORY_POOL": "system",
            "OMP_NUM_THREADS": "1",
        },
        cwd=_HOME,
        resources=Resources(cpus=1.0, memory_mb=MEMORY_MB, pids=64, tmp_mb=16, log_mb=1),
        program="ours",
    )
