"""What a Space is: its stage, what was built of which commit, and what is being built."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

from tulou.features.runs.model import HOST_IMAGE

Want = Literal["run", "sleep", "pause"]
Sdk = Literal["gradio", "streamlit", "static", "docker"]
NEVER = -1
"""As `sleep_seconds`: a Space that does not go to sleep."""


class Stage(StrEnum):
    """Where a Space stands, in the words of the Hub's clients. A sleeping one is `STOPPED`: the next visit wakes it."""

    NO_APP_FILE = "NO_APP_FILE"
    CONFIG_ERROR = "CONFIG_ERROR"
    BUILDING = "BUILDING"
    BUILD_ERROR = "BUILD_ERROR"
    RUNNING = "RUNNING"
    RUNNING_BUILDING = "RUNNING_BUILDING"
    RUNTIME_ERROR = "RUNTIME_ERROR"
    STOPPED = "STOPPED"
    PAUSED = "PAUSED"
    APP_STARTING = "APP_STARTING"
    RUNNING_APP_STARTING = "RUNNING_APP_STARTING"

    @property
    def is_error(self) -> bool:
        """True when nothing happens until somebody pushes or restarts."""
        return self in {Stage.NO_APP_FILE, Stage.CONFIG_ERROR, Stage.BUILD_ERROR, Stage.RUNTIME_ERROR}

    @property
    def is_serving(self) -> bool:
        """True when an application answers visitors."""
        return self in {Stage.RUNNING, Stage.RUNNING_BUILDING, Stage.RUNNING_APP_STARTING}


@dataclass(frozen=True, slots=True)
class Script:
    """What a Dockerfile does, in words that a sandbox understands."""

    steps: str
    """Lines for a shell that has stopped at the first mistake."""
    env: dict[str, str]
    workdir: str
    argv: tuple[str, ...]
    rooms: tuple[str, ...]
    """Folders of the root that the steps may write to; what is there is kept."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to build and start the application of one commit, as its README says."""

    commit: str
    sdk: Sdk
    app_file: str
    image: str = HOST_IMAGE
    packages: tuple[str, ...] = ()
    """What is installed besides the requirements of the repository: `gradio==6.31.0`."""
    requirements: tuple[str, ...] = ()
    """Files with requirements, relative to the repository."""
    port: int = 7860
    ready_s: int = 1800
    notes: tuple[str, ...] = ()
    """What the README asks for and this hub does not do, in sentences: they open the build log."""
    title: str = ""
    script: Script | None = None
    may_be_framed: bool = True
    """False: pages of other sites may not show it."""

    @property
    def is_static(self) -> bool:
        """True when there is nothing to build and nothing to run."""
        return self.sdk == "static"


@dataclass(frozen=True, slots=True)
class Built:
    """What can be started: a plan, and the key of its environment (empty: it needs none)."""

    plan: Plan
    env: str = ""


@dataclass(frozen=True, slots=True)
class Building:
    """The deployment under way: which step, and the run that does it. No run: it is still to be ordered."""

    plan: Plan
    step: Literal["lock", "install", "image", "start"]
    run_id: str = ""
    env: str = ""
    salt: str = ""
    """Set by a factory rebuild: nothing that was built before is used."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A repository or bucket that the application sees read-only, if `by_id`, who asked for it, may still read it then."""

    kind: str
    source: str
    mount_path: str
    by_id: str
    revision: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Space:
    """One Space. Times are Unix milliseconds."""

    repo_id: str
    slug: str
    stage: Stage
    message: str
    want: Want
    commit: str | None
    building: Building | None
    built: Built | None
    build_runs: tuple[str, ...]
    run_id: str | None
    hardware: str
    sleep_seconds: int | None
    storage_mb: int
    volumes: tuple[Volume, ...]
    visited_at: int
    changed_at: int

    @property
    def shown_run(self) -> str | None:
        """The application whose log people want to see: the one that starts, else the one that runs, else the last one."""
        if self.building is not None and self.building.step == "start" and self.building.run_id:
            return self.building.run_id
        return self.run_id

    @property
    def run_ids(self) -> tuple[str, ...]:
        """Every run that may still be alive."""
        return tuple(each for each in (self.run_id, self.building.run_id if self.building else None) if each)

    @property
    def is_static(self) -> bool:
        """True when its files are served as they are."""
        return self.built is not None and self.built.plan.is_static


@dataclass(frozen=True, slots=True)
class Setting:
    """A variable, or a secret (whose value is None here: nobody reads it back)."""

    name: str
    value: str | None
    description: str
    updated_at: int
    is_secret: bool = field(default=False)


def dump(value: Plan | Built | Building | None) -> str:
    """Return JSON; `{}` for None."""
    return json.dumps(asdict(value)) if value is not None else "{}"


def load_built(text: str) -> Built | None:
    """Return what `dump` wrote of a Built."""
    data: dict[str, Any] = json.loads(text)
    return Built(**{**data, "plan": _plan(data["plan"])}) if data else None


def load_building(text: str) -> Building | None:
    """Return what `dump` wrote of a Building."""
    data: dict[str, Any] = json.loads(text)
    return Building(**{**data, "plan": _plan(data["plan"])}) if data else None


def _plan(data: dict[str, Any]) -> Plan:
    script = data.pop("script")
    lists: dict[str, Any] = {name: tuple(data.pop(name)) for name in ("packages", "requirements", "notes")}
    return Plan(**data, **lists, script=_script(script) if script else None)


def _script(data: dict[str, Any]) -> Script:
    return Script(**{**data, "argv": tuple(data["argv"]), "rooms": tuple(data["rooms"])})
