"""What a job and a schedule are, as stored."""

from __future__ import annotations

from dataclasses import dataclass

from tulou.wire.job_spec import JobSpec


@dataclass(frozen=True, slots=True)
class Job:
    """One job. What becomes of it is in its run. `notes`: what its owner should know, shown before what it prints.

    `is_saving`: what it writes to buckets is still to be brought back; `save_problem` says why it could not be.
    """

    id: str
    account_id: str
    created_by: str
    run_id: str
    scheduled_id: str | None
    copied_from: str | None
    spec: JobSpec
    notes: tuple[str, ...]
    secret_names: tuple[str, ...]
    labels: dict[str, str]
    created_at: int
    is_saving: bool = False
    save_problem: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that starts again and again. `token_id`: it may do what this token may, as long as it works; None: all its maker may.

    `problem` says why the hub suspended it.
    """

    id: str
    account_id: str
    created_by: str
    token_id: str | None
    spec: JobSpec
    secret_names: tuple[str, ...]
    labels: dict[str, str]
    cron: str
    may_overlap: bool
    is_suspended: bool
    problem: str
    last_job_id: str | None
    last_at: int | None
    next_at: int | None
    created_at: int
