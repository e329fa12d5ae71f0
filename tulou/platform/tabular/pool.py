"""Resident children: started when somebody asks, used by one question at a time, gone when idle."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

import orjson

import tulou
from tulou.kernel.errors import Busy, ViewerProblem
from tulou.platform.tabular import frames

_START_SECONDS = 20.0
_WAIT_SECONDS = 10.0
_STATUS = {"InvalidParameter": 422}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a child may use: bytes of address space, bytes of a file it writes, places it reads and writes, idle seconds."""

    memory: int
    file_bytes: int = 0
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    idle: float = 120.0

    def frame(self) -> bytes:
        """Return the terms as the first frame that a child reads."""
        return orjson.dumps({
            "memory": self.memory, "file_bytes": self.file_bytes, "read": self.read, "write": self.write, "idle": self.idle,
        })  # fmt: skip


class Gone(Exception):
    """The child ended before it answered."""


class Child:
    """One process that answers questions."""

    def __init__(self, program: str, terms: Terms) -> None:
        self._process = start(program, stderr=None)
        self.asked = 0
        try:
            self._tell(terms.frame())
            self._hear(time.monotonic() + _START_SECONDS)
        except BaseException:
            self.end()
            raise

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def ask(self, question: dict[str, Any], seconds: float) -> bytes:
        """Return the answer. Raises ViewerProblem, Gone, TimeoutError; after the last two the child is of no more use."""
        self.asked += 1
        self._tell(orjson.dumps({**question, "seconds": seconds}))
        kind, body = self._hear(time.monotonic() + seconds)
        if kind == frames.PROBLEM:
            _raise(orjson.loads(body))
        return body

    def end(self) -> None:
        """Kill it and wait for its end."""
        end(self._process)

    def _tell(self, body: bytes) -> None:
        try:
            frames.send(fd_of(self._process.stdin), frames.JSON, body)
        except BrokenPipeError as cause:
            raise Gone from cause

    def _hear(self, deadline: float) -> tuple[bytes, bytes]:
        try:
            frame = frames.receive(fd_of(self._process.stdout), deadline)
        except EOFError as cause:
            raise Gone from cause
        if frame is None:
            raise Gone
        return frame


class Turns:
    """At most `most` work at a time, and `waiting` stand in line: each holds a thread that other requests could use."""

    def __init__(self, most: int, waiting: int) -> None:
        self._line = threading.BoundedSemaphore(most + waiting)
        self._turns = threading.BoundedSemaphore(most)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for a turn. Raises Busy when the line is full, or moves too slowly."""
        if not self._line.acquire(blocking=False):
            raise Busy
        try:
            if not self._turns.acquire(timeout=_WAIT_SECONDS):
                raise Busy
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._line.release()


class Lane:
    """Up to `most` children of one program."""

    def __init__(self, program: str, terms: Terms, most: int, waiting: int) -> None:
        self._program = program
        self._terms = terms
        self._turns = Turns(most, waiting)
        self._lock = threading.Lock()
        self._free: list[Child] = []
        self._is_closed = False

    def ask(self, question: dict[str, Any], seconds: float) -> bytes:
        """Return the answer to a question. Raises ViewerProblem, Busy."""
        with self._turns.take():
            child, is_fresh = self._child()
            try:
                answer = child.ask(question, seconds)
            except Gone:
                child.end()
                # A child that waited may have ended just before it was asked; a fresh one cannot.
                if is_fresh:
                    raise ViewerProblem("TooBigContentError", _TOO_MUCH) from None
                child, answer = self._again(question, seconds)
            except TimeoutError:
                child.end()
                raise ViewerProblem("TooBigContentError", "This takes longer than the viewer may work on one question.") from None
            except ViewerProblem:
                self._release(child)
                raise
            except BaseException:
                child.end()
                raise
            self._release(child)
            return answer

    def _again(self, question: dict[str, Any], seconds: float) -> tuple[Child, bytes]:
        child = Child(self._program, self._terms)
        try:
            return child, child.ask(question, seconds)
        except (Gone, TimeoutError):
            child.end()
            raise ViewerProblem("TooBigContentError", _TOO_MUCH) from None
        except BaseException:
            child.end()
            raise

    def close(self) -> None:
        """End every child that waits, and start no more."""
        with self._lock:
            self._is_closed = True
            children, self._free = self._free, []
        for child in children:
            child.end()

    def _child(self) -> tuple[Child, bool]:
        with self._lock:
            if self._free:
                return self._free.pop(), False
        return Child(self._program, self._terms), True

    def _release(self, child: Child) -> None:
        with self._lock:
            if not self._is_closed:
                self._free.append(child)
                return
        child.end()


_TOO_MUCH = "The viewer had to give up: reading this takes more memory than it may use."


def start(program: str, *, stderr: int | None, arguments: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Start one of our child programs: a pipe to and from it, an environment of its own, nothing else of this process."""
    package = Path(tulou.__file__).parent.parent
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(package),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "HOME": "/nonexistent",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "MALLOC_ARENA_MAX": "2",
        # Fixed, so that the C library does not learn to keep what one large page needed.
        "MALLOC_MMAP_THRESHOLD_": "262144",
        "MALLOC_TRIM_THRESHOLD_": "1048576",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-s", "-P", "-m", f"tulou.platform.tabular.child.{program}", *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=environment, cwd="/", bufsize=0, start_new_session=True,
    )  # fmt: skip


def cpus() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a child and wait for its end."""
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()


def fd_of(pipe: IO[bytes] | None) -> int:
    """Return the descriptor of a pipe of a child."""
    if pipe is None:
        raise RuntimeError("a process that was started with pipes has none")
    return pipe.fileno()


def _raise(problem: dict[str, str]) -> NoReturn:
    raise ViewerProblem(problem["code"], problem["message"], _STATUS.get(problem["code"], 500))
