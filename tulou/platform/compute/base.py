"""The one seam for everything that runs a program: seven verbs over a run that the caller named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import Literal, Protocol

Phase = Literal["starting", "running", "paused", "succeeded", "failed", "oom", "timeout", "stopped", "lost"]
ENDED: frozenset[str] = frozenset({"succeeded", "failed", "oom", "timeout", "stopped", "lost"})
Signal = Literal["stop", "kill", "pause", "resume", "renew"]
Level = Literal["off", "process", "sandbox"]
"""How well a program is kept apart from this machine. `off`: nobody else's programs run at all."""


class StartFailed(Exception):
    """The machine could not start a run. The message is for the log of the run's owner: it names no path of this machine."""


class NoSuchRun(Exception):
    """There is no run with this id, or it has ended."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What a run may use at most. A run that needs more memory ends as `oom`; forks and writes past the limit fail."""

    cpus: float = 1.0
    memory_mb: int = 1024
    pids: int = 512
    tmp_mb: int = 512
    """Size of its /tmp, which lies in memory."""
    disk_mb: int = 10_240
    """How much its writable mounts may hold in all. Looked at every few seconds: one that grew past it ends as `failed`."""
    log_mb: int = 64
    """What it prints beyond this is dropped, and the log says so."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder of this machine that the run sees at `target`, an absolute path.

    What is mounted `rw` belongs to one run at a time, and must have no hard links from elsewhere in it: where the hub is no root,
    the run writes with the rights of the hub. What the hub finds in it later is a stranger's: links may lead anywhere.
    """

    source: Path
    target: str
    mode: Literal["ro", "rw", "overlay"] = "ro"
    """overlay: writable, and what is written vanishes with the run."""


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One program to run. `id` is the caller's: starting the same id twice runs it once."""

    id: str
    kind: str
    """job, space, build, convert …: for people who look at the machine."""
    argv: tuple[str, ...]
    root: Path | None = None
    """A folder with a whole root file system; None: this machine's own programs, read-only."""
    mounts: tuple[Mount, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Further environment, handed over through a pipe: in no process list, no file, and not in the log."""
    cwd: str = "/tmp"  # noqa: S108 - the run's own
    resources: Resources = field(default_factory=Resources)
    network: Literal["none", "egress"] = "none"
    """egress: the hub, and public addresses through its gateway; never private ones."""
    timeout_s: float | None = None
    lease_s: float | None = None
    """The run ends by itself when nobody renews it for so long; None: it may outlive the hub."""
    program: Literal["theirs", "ours"] = "theirs"
    """ours: the hub's own program working on somebody's data. It runs at every level, without a sandbox if there is none."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run used: bytes, bytes at the peak, seconds of processor."""

    memory: int = 0
    memory_peak: int = 0
    cpu_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known of a run now. Times are Unix milliseconds."""

    id: str
    phase: Phase
    exit_code: int | None = None
    detail: str = ""
    started_at: int | None = None
    ended_at: int | None = None
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Node:
    """A machine that runs programs: what it may give to runs in all, what is given, and how well it keeps them apart."""

    name: str
    level: Level
    total: Resources
    used: Resources
    notes: tuple[str, ...] = ()
    """What is not enforced on this host, in sentences."""


@dataclass(frozen=True, slots=True)
class Door:
    """How to connect to a port of a run: make a socket with `make`, if there is one, and connect it to `host` and `port`."""

    host: str
    port: int
    make: Callable[[], socket] | None = None


class Compute(Protocol):
    """Runs programs. It keeps nothing in this process: a hub that starts again finds every run where it was."""

    loopback: str
    """URL at which this hub listens on its own machine; runs with `egress` reach it. Set once it is known."""

    def nodes(self) -> list[Node]:
        """Return the machines."""

    def start(self, spec: RunSpec) -> None:
        """Start a run, or do nothing if one with this id was started before. Raises ComputeOff, StartFailed."""

    def observe(self, ids: Iterable[str] | None = None) -> dict[str, Observed]:
        """Return what is known of these runs, or of all. Unknown ids are missing from the answer."""

    def signal(self, run_id: str, what: Signal) -> None:
        """Stop (politely, then not), kill, freeze, thaw, or renew the lease of a run. Does nothing to an unknown or ended one."""

    def read_log(self, run_id: str, offset: int, size: int) -> bytes:
        r"""Return up to `size` bytes of the log from a byte offset: lines of `<Unix ms>\t<text>\n`. Empty for an unknown run."""

    def address(self, run_id: str, port: int) -> Door:
        """Return how to connect to a port on the run's own loopback. Raises NoSuchRun."""

    def forget(self, run_id: str) -> None:
        """Kill the run if it still runs, and delete everything of it."""
