"""SQL of the jobs slice."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.engine import Tx
from tulou.db.tables import job, run, scheduled_job
from tulou.features.jobs.model import Job, Schedule
from tulou.features.jobs.stage import PHASES, Stage
from tulou.wire.job_spec import JobSpec


def insert_job(tx: Tx, one: Job, sealed: bytes | None) -> None:
    """Add a job."""
    spec = {"asked": one.spec.dump(), "notes": one.notes, "copied_from": one.copied_from}
    tx.execute(sa.insert(job).values(
        id=one.id, account_id=one.account_id, created_by=one.created_by, run_id=one.run_id, scheduled_id=one.scheduled_id,
        spec=json.dumps(spec), secret_names=json.dumps(one.secret_names), sealed=sealed, labels=json.dumps(one.labels),
        created_at=one.created_at, saving=one.is_saving,
    ))  # fmt: skip


def job_of(connection: Connection, account_id: str, job_id: str) -> Job | None:
    """Return a job of an account."""
    row = connection.execute(sa.select(job).where(job.c.id == job_id, job.c.account_id == account_id)).first()
    return _job(row) if row else None


def job_of_run(connection: Connection, run_id: str) -> Job | None:
    """Return the job that a run belongs to."""
    row = connection.execute(sa.select(job).where(job.c.run_id == run_id)).first()
    return _job(row) if row else None


def sealed_of_job(connection: Connection, job_id: str) -> bytes | None:
    """Return the sealed secrets of a job."""
    return connection.execute(sa.select(job.c.sealed).where(job.c.id == job_id)).scalar()


def jobs(connection: Connection, account_id: str, stages: frozenset[Stage], before: str | None, limit: int) -> list[Job]:
    """Return jobs of an account, newest first, from behind the id `before`, that are in one of the stages; none: in any."""
    query = sa.select(job).where(job.c.account_id == account_id).order_by(job.c.id.desc()).limit(limit)
    if stages:
        query = query.join(run, run.c.id == job.c.run_id).where(sa.or_(*map(_is_in, sorted(stages))))
    if before is not None:
        query = query.where(job.c.id < before)
    return [_job(row) for row in connection.execute(query)]


def _is_in(stage: Stage) -> sa.ColumnElement[bool]:
    """Return the condition for a stage, as `stage.of` decides it."""
    phase = run.c.phase.in_(sorted(PHASES[stage]))
    is_saving = sa.and_(run.c.ended_at.is_not(None), job.c.saving)
    is_unsaved = sa.and_(run.c.phase.in_(sorted(PHASES[Stage.COMPLETED])), job.c.save_problem != "")
    if stage is Stage.RUNNING:
        return sa.or_(phase, is_saving)
    if stage is Stage.ERROR:
        return sa.and_(sa.or_(phase, is_unsaved), sa.not_(is_saving))
    return sa.and_(phase, sa.not_(is_saving), sa.not_(is_unsaved))


def count_live(connection: Connection | Tx, account_id: str) -> int:
    """Return how many jobs of an account have not ended."""
    live = sa.and_(run.c.account_id == account_id, run.c.kind == "job", run.c.ended_at.is_(None))
    return int(connection.execute(sa.select(sa.func.count()).select_from(run).where(live)).scalar_one())


def set_labels(tx: Tx, job_id: str, labels: dict[str, str]) -> None:
    """Replace the labels of a job."""
    tx.execute(sa.update(job).where(job.c.id == job_id).values(labels=json.dumps(labels)))


def set_saved(tx: Tx, job_id: str, problem: str) -> None:
    """Note that what a job wrote to buckets was brought back, or why it could not be."""
    tx.execute(sa.update(job).where(job.c.id == job_id).values(saving=False, save_problem=problem))


def stuck(connection: Connection, before: int) -> list[str]:
    """Return the ids of jobs that ended before a time and are still saving."""
    old = sa.and_(job.c.saving, run.c.id == job.c.run_id, run.c.ended_at < before)
    return list(connection.execute(sa.select(job.c.id).where(old).limit(1_000)).scalars())


def live_orders(connection: Connection) -> list[str]:
    """Return the orders of everything that runs or waits."""
    return list(connection.execute(sa.select(run.c.order).where(run.c.ended_at.is_(None))).scalars())


def is_live(connection: Connection | Tx, job_id: str | None) -> bool:
    """Say whether a job has not ended."""
    live = sa.and_(job.c.id == job_id, run.c.id == job.c.run_id, run.c.ended_at.is_(None))
    return job_id is not None and connection.execute(sa.select(run.c.id).where(live)).first() is not None


def insert_schedule(tx: Tx, one: Schedule, sealed: bytes | None) -> None:
    """Add a schedule."""
    tx.execute(sa.insert(scheduled_job).values(sealed=sealed, **_schedule_columns(one)))


def schedule_of(connection: Connection | Tx, account_id: str, schedule_id: str) -> Schedule | None:
    """Return a schedule of an account; in a write transaction, hold it until that ends."""
    mine = sa.and_(scheduled_job.c.id == schedule_id, scheduled_job.c.account_id == account_id)
    query = sa.select(scheduled_job).where(mine)
    row = connection.execute(query.with_for_update() if isinstance(connection, Tx) else query).first()
    return _schedule(row) if row else None


def schedules(connection: Connection | Tx, account_id: str) -> list[Schedule]:
    """Return the schedules of an account, oldest first."""
    query = sa.select(scheduled_job).where(scheduled_job.c.account_id == account_id).order_by(scheduled_job.c.id)
    return [_schedule(row) for row in connection.execute(query)]


def due(connection: Connection, now: int, limit: int) -> list[Schedule]:
    """Return schedules that are due, the most overdue first."""
    is_due = sa.and_(scheduled_job.c.next_at <= now, scheduled_job.c.suspended.is_(False))
    query = sa.select(scheduled_job).where(is_due).order_by(scheduled_job.c.next_at).limit(limit)
    return [_schedule(row) for row in connection.execute(query)]


def change_schedule(tx: Tx, seen: Schedule, **values: Any) -> bool:
    """Change a schedule that is still due, or suspended, as it was seen. False: it is not, or it is gone."""
    next_at = scheduled_job.c.next_at
    same = next_at.is_(None) if seen.next_at is None else next_at == seen.next_at
    return tx.execute(sa.update(scheduled_job).where(scheduled_job.c.id == seen.id, same).values(**values)).rowcount == 1


def replace_schedule(tx: Tx, one: Schedule) -> None:
    """Write a schedule as it is to be from now on, but for its secrets."""
    tx.execute(sa.update(scheduled_job).where(scheduled_job.c.id == one.id).values(**_schedule_columns(one)))


def sealed_of_schedule(connection: Connection, schedule_id: str) -> bytes | None:
    """Return the sealed secrets of a schedule."""
    return connection.execute(sa.select(scheduled_job.c.sealed).where(scheduled_job.c.id == schedule_id)).scalar()


def delete_schedule(tx: Tx, schedule_id: str) -> None:
    """Delete a schedule."""
    tx.execute(sa.delete(scheduled_job).where(scheduled_job.c.id == schedule_id))


def _schedule_columns(one: Schedule) -> dict[str, Any]:
    return {
        "id": one.id, "account_id": one.account_id, "created_by": one.created_by, "labels": json.dumps(one.labels),
        "spec": json.dumps({"asked": one.spec.dump(), "token_id": one.token_id, "problem": one.problem}),
        "secret_names": json.dumps(one.secret_names), "schedule": one.cron, "concurrency": one.may_overlap,
        "suspended": one.is_suspended, "last_job_id": one.last_job_id, "last_at": one.last_at, "next_at": one.next_at,
        "created_at": one.created_at,
    }  # fmt: skip


def _job(row: sa.Row[Any]) -> Job:
    spec = json.loads(row.spec)
    return Job(
        row.id, row.account_id, row.created_by, row.run_id, row.scheduled_id, spec["copied_from"], JobSpec.load(spec["asked"]),
        tuple(spec["notes"]), tuple(json.loads(row.secret_names)), json.loads(row.labels), row.created_at,
        row.saving, row.save_problem,
    )  # fmt: skip


def _schedule(row: sa.Row[Any]) -> Schedule:
    spec = json.loads(row.spec)
    return Schedule(
        row.id, row.account_id, row.created_by, spec["token_id"], JobSpec.load(spec["asked"]),
        tuple(json.loads(row.secret_names)), json.loads(row.labels), row.schedule, row.concurrency, row.suspended,
        spec["problem"], row.last_job_id, row.last_at, row.next_at, row.created_at,
    )  # fmt: skip
