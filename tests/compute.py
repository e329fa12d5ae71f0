"""A Compute of this machine for tests, and short ways to run Python programs on it and wait for what comes of them."""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tulou.platform.compute.base import ENDED, Observed, Resources, RunSpec
from tulou.platform.compute.local.compute import LocalCompute, open_compute
from tulou.settings import Settings

SMALL = Resources(cpus=1.0, memory_mb=128, pids=40, tmp_mb=16, log_mb=1)
_ids = (f"run-{number}" for number in itertools.count())


class Machine:
    """One data folder's compute, and what runs there."""

    def __init__(self, folder: Path, level: str, **settings: Any) -> None:
        self.folder = folder
        self.settings = Settings(data=folder, compute=level, **settings)
        self.compute: LocalCompute = open_compute(self.settings, folder / "runs")
        self.node = self.compute.nodes()[0]

    def again(self) -> LocalCompute:
        """Return what a hub that starts again has."""
        return open_compute(self.settings, self.folder / "runs")

    def start(self, what: str | tuple[str, ...], **spec: Any) -> str:
        """Start a program, Python unless it is a whole command, and return its id."""
        run_id = spec.pop("id", None) or next(_ids)
        argv = what if isinstance(what, tuple) else ("python3", "-uc", what)
        self.compute.start(RunSpec(id=run_id, kind="test", argv=argv, **{"resources": SMALL, **spec}))
        return run_id

    def wait(self, run_id: str, *phases: str, patience: float = 40) -> Observed:
        """Return what is observed once the run has one of the phases, or has ended."""
        wanted = frozenset(phases)

        def seen() -> Observed | None:
            found = self.compute.observe([run_id])[run_id]
            return found if found.phase in wanted | ENDED else None

        return until(seen, patience)

    def run(self, what: str | tuple[str, ...], **spec: Any) -> tuple[Observed, str]:
        """Run a program to its end and return what came of it and what it printed."""
        run_id = self.start(what, **spec)
        return self.wait(run_id), self.said(run_id)

    def said(self, run_id: str) -> str:
        """Return what a run has printed so far, without the times."""
        return re.sub(r"^\d+\t", "", self.compute.read_log(run_id, 0, 1 << 28).decode(), flags=re.MULTILINE)

    def until_said(self, run_id: str, words: str) -> str:
        """Wait for words in the log."""
        return until(lambda: (text := self.said(run_id)) and words in text and text)

    def clear(self) -> None:
        """Forget every run."""
        for run_id in self.compute.observe():
            self.compute.forget(run_id)


def until(condition: Any, patience: float = 40) -> Any:
    """Wait for a condition and return its value."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError("that did not happen in time")
        time.sleep(0.02)
    return found


@contextmanager
def machine(folder: Path, level: str, **settings: Any) -> Iterator[Machine]:
    """A machine on a closed folder, as data folders are; skips loudly where this host cannot do it."""
    folder.mkdir(mode=0o700)
    made = Machine(folder, level, **settings)
    if made.node.level != level:
        pytest.skip(f"this host makes no sandbox: {made.node.notes}")
    try:
        yield made
    finally:
        made.clear()


def has_limits(made: Machine) -> bool:
    """Whether control groups can be made here."""
    return made.compute._host.cgroups.is_there


def pids_that_mention(words: str) -> list[int]:
    """Return the processes of this host in whose command line these words are."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                if words.encode() in Path(f"/proc/{entry.name}/cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
