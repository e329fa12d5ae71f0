"""What clients are told of a job, from what its run is now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tulou.features.runs.model import Run


class Stage(StrEnum):
    """The words of the Hub's clients (`JobStage`)."""

    SCHEDULING = "SCHEDULING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"
    ERROR = "ERROR"


PHASES: dict[Stage, frozenset[str]] = {
    Stage.SCHEDULING: frozenset({"pending", "starting"}),
    Stage.RUNNING: frozenset({"running", "paused"}),
    Stage.COMPLETED: frozenset({"succeeded"}),
    Stage.CANCELED: frozenset({"stopped"}),
    Stage.ERROR: frozenset({"failed", "oom", "timeout", "lost"}),
}
_BY_PHASE = {phase: stage for stage, phases in PHASES.items() for phase in phases}


@dataclass(frozen=True, slots=True)
class Durations:
    """Whole seconds. None: it never came so far."""

    scheduling: int | None
    running: int | None
    total: int


def of(run: Run, *, is_saving: bool = False, save_problem: str = "") -> Stage:
    """Return the stage. A job runs until what it wrote was brought back, and fails if that cannot be."""
    if run.is_over and is_saving:
        return Stage.RUNNING
    stage = _BY_PHASE[run.phase]
    return Stage.ERROR if save_problem and stage is Stage.COMPLETED else stage


def message(run: Run, *, is_saving: bool = False, save_problem: str = "") -> str | None:
    """Return why it is so, for people."""
    if run.is_over and is_saving:
        return "Saving what it wrote to its volumes"
    text = _with_attempt(run)
    return f"{text}. {save_problem}" if text and save_problem else text or save_problem or None


def _with_attempt(run: Run) -> str | None:
    most = max(run.attempt, run.attempts)
    attempt = f" (attempt {run.attempt} of {most})" if most > 1 else ""
    text = _message(run)
    return text + attempt if text else None


def durations(run: Run, now: int) -> Durations:
    """Return how long it waited, ran, and both until `now`."""
    end = run.ended_at or now
    running = None if run.started_at is None else max(0, end - run.started_at) // 1000
    waiting = None if run.started_at is None else max(0, run.started_at - run.created_at) // 1000
    return Durations(waiting, running, max(0, end - run.created_at) // 1000)


def _message(run: Run) -> str | None:
    if run.phase == "pending":
        return "Waiting for room on this hub"
    if run.phase == "starting":
        return "Starting"
    if run.phase == "oom":
        return f"Job ran out of memory: it may use {run.order.memory_mb} MB"
    if run.phase == "timeout":
        return f"Job timeout: it may run {run.order.timeout_s:.0f} s"
    if run.phase == "lost":
        return f"The machine was lost: {run.detail}" if run.detail else "The machine was lost"
    if run.phase == "failed":
        return run.detail or f"Job failed with exit code {run.exit_code}"
    return None
