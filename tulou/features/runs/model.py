"""What a run is, as stored: an order that names nothing of one machine, what is wanted of it, and what became of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from tulou.platform.compute.base import ENDED, Usage

Want = Literal["run", "pause", "stop"]
HOST_IMAGE = "host"
"""The machine's own programs, read-only."""
SECONDS_TO_READY = 600


@dataclass(frozen=True, slots=True)
class OrderMount:
    """Something the run sees at `target`. `features/runs/sources` finds the source on the machine that takes the run.

    `repo:<id>@<commit>` or `repo:<id>@<commit>:<folder>`   the files of a commit, large ones included
    `env:<key>`        a built environment                 `data:<repo id>`   the persistent folder of a Space
    `out:`             a folder of this run that the hub reads when it ended
    and what other slices add (`bucket:<id>:<prefix>`).
    """

    source: str
    target: str
    mode: Literal["ro", "rw", "overlay"] = "ro"


@dataclass(frozen=True, slots=True)
class Order:
    """What to run. Everything in it may be shown to those who may see the run: secrets are kept apart."""

    argv: tuple[str, ...]
    image: str = HOST_IMAGE
    mounts: tuple[OrderMount, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    cwd: str = "/tmp"  # noqa: S108 - the run's own
    cpus: float = 1.0
    memory_mb: int = 1024
    pids: int = 512
    tmp_mb: int = 512
    disk_mb: int = 10_240
    network: Literal["none", "egress"] = "none"
    timeout_s: float | None = None
    port: int | None = None
    """The run counts as running once something answers HTTP here; until then it is starting."""
    ready_s: float = SECONDS_TO_READY
    """It fails when nothing answers there for so long."""

    def dump(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Order:
        """Return what `dump` wrote."""
        data: dict[str, Any] = json.loads(text)
        mounts = tuple(OrderMount(**mount) for mount in data.pop("mounts"))
        return cls(**{**data, "argv": tuple(data["argv"]), "mounts": mounts})


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `phase` is `pending` or a `platform/compute/base.Phase`. Times are Unix milliseconds."""

    id: str
    kind: str
    account_id: str
    actor_id: str | None
    repo_id: str | None
    order: Order
    want: Want
    phase: str
    exit_code: int | None
    detail: str
    attempt: int
    attempts: int
    node: str | None
    usage: Usage
    log_bytes: int | None
    created_at: int
    started_at: int | None
    ended_at: int | None

    @property
    def machine_id(self) -> str:
        """The name under which the machine knows this attempt."""
        return f"{self.id}-{self.attempt}"

    @property
    def is_over(self) -> bool:
        """True when nothing more will happen to it."""
        return self.phase in ENDED


def log_key(run_id: str, attempt: int) -> str:
    """Key in the object store of the kept log of an attempt that ended."""
    return f"logs/{run_id[-2:]}/{run_id}-{attempt}.log"
