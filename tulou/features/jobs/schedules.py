"""Schedules: make, look at, suspend, resume, change, delete, and start one now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tulou.features.accounts.model import Account
from tulou.features.audit import record
from tulou.features.jobs import queries, read, rights, submit
from tulou.features.jobs.model import Schedule
from tulou.features.jobs.read import JobView
from tulou.kernel.actor import Actor
from tulou.kernel.errors import Conflict, NotFound
from tulou.kernel.ids import is_id, new_id
from tulou.kernel.limits import JOBS_SCHEDULED
from tulou.platform.machinery import Machinery
from tulou.wire import cron
from tulou.wire.job_spec import AskedJob

Found = tuple[Schedule, Account]


def create(
    m: Machinery, actor: Actor, account: Account, asked: AskedJob, *, schedule: str, may_overlap: bool, is_suspended: bool
) -> Schedule:
    """Make a schedule. Its jobs may do what the token of `actor` may, for as long as it works. Raises as `submit` does."""
    clean = cron.parse(schedule)
    submit.prepare(m, actor, account, asked)
    now, made_id = m.clock.now(), new_id()
    made = Schedule(
        made_id, account.id, actor.user_id or "", _token_id(actor), asked.spec, tuple(sorted(asked.secrets)), asked.labels, clean,
        may_overlap, is_suspended, "", None, None, None if is_suspended else cron.next_after(clean, now), now,
    )  # fmt: skip
    with m.db.write() as tx:
        if len(queries.schedules(tx, account.id)) >= JOBS_SCHEDULED:
            raise Conflict(f"This account has {JOBS_SCHEDULED} scheduled jobs, which is the limit. Delete one first.")
        queries.insert_schedule(tx, made, submit.seal(m, made_id, asked.secrets))
        record.write(tx, m.clock, actor, "job.schedule", account.id, scheduled_job=made_id, schedule=clean)
    return made


def listing(m: Machinery, actor: Actor, account_name: str, labels: dict[str, str]) -> list[Found]:
    """Return the schedules of an account that have every one of the labels. Raises Forbidden."""
    account = rights.account_to_see(m, actor, account_name)
    with m.db.read() as connection:
        return [(one, account) for one in queries.schedules(connection, account.id) if labels.items() <= one.labels.items()]


def get(m: Machinery, actor: Actor, account_name: str, schedule_id: str) -> Found:
    """Return a schedule that `actor` may see. Raises NotFound, also for those of others."""
    account = rights.account_of(m, actor, account_name, "scheduled job")
    with m.db.read() as connection:
        found = queries.schedule_of(connection, account.id, schedule_id) if is_id(schedule_id) else None
    if found is None:
        raise NotFound("There is no such scheduled job.")
    return found, account


def mine(m: Machinery, actor: Actor, account_name: str, schedule_id: str) -> Found:
    """Return a schedule that `actor` may change. Raises NotFound, Forbidden."""
    found = get(m, actor, account_name, schedule_id)
    rights.require_run(actor, found[1].id)
    return found


def delete(m: Machinery, actor: Actor, account_name: str, schedule_id: str) -> None:
    """Delete a schedule. Jobs that it started go on. Raises NotFound, Forbidden."""
    _, account = mine(m, actor, account_name, schedule_id)
    with m.db.write() as tx:
        queries.delete_schedule(tx, schedule_id)
        record.write(tx, m.clock, actor, "job.unschedule", account.id, scheduled_job=schedule_id)


def suspend(m: Machinery, actor: Actor, account_name: str, schedule_id: str) -> Found:
    """Start no further job. Raises NotFound, Forbidden."""
    return _change(m, actor, mine(m, actor, account_name, schedule_id), is_suspended=True, next_at=None)


def resume(m: Machinery, actor: Actor, account_name: str, schedule_id: str) -> Found:
    """Start jobs again, now as `actor`, who stands for them from here on. Raises NotFound, Forbidden."""
    found, account = mine(m, actor, account_name, schedule_id)
    if not found.is_suspended:
        return found, account
    who: dict[str, Any] = {"created_by": actor.user_id or "", "token_id": _token_id(actor), "problem": ""}
    next_at = cron.next_after(found.cron, m.clock.now())
    return _change(m, actor, (found, account), is_suspended=False, next_at=next_at, **who)


def set_cron(m: Machinery, actor: Actor, account_name: str, schedule_id: str, schedule: str) -> Found:
    """Change when it is due. Raises NotFound, Forbidden, BadInput."""
    found, account = mine(m, actor, account_name, schedule_id)
    clean = cron.parse(schedule)
    next_at = None if found.is_suspended else cron.next_after(clean, m.clock.now())
    return _change(m, actor, (found, account), cron=clean, next_at=next_at)


def set_labels(m: Machinery, actor: Actor, account_name: str, schedule_id: str, labels: dict[str, str]) -> Found:
    """Replace the labels; the next jobs have them. Raises NotFound, Forbidden."""
    return _change(m, actor, mine(m, actor, account_name, schedule_id), labels=labels)


def run_now(m: Machinery, actor: Actor, account_name: str, schedule_id: str) -> JobView:
    """Start its job now, as `actor`. When it is due next does not change.

    Raises NotFound, Conflict while the last one runs and they may not overlap, and as `submit` does.
    """
    found, account = mine(m, actor, account_name, schedule_id)
    ready = submit.prepare(m, actor, account, asked_of(m, found))
    with m.db.write() as tx:
        current = queries.schedule_of(tx, account.id, schedule_id)
        if current is None:
            raise NotFound("There is no such scheduled job.")
        if not current.may_overlap and queries.is_live(tx, current.last_job_id):
            raise Conflict("The last job of this schedule still runs, and its jobs may not overlap.")
        job = submit.place(tx, m, actor, ready, scheduled_id=schedule_id)
        queries.change_schedule(tx, current, last_job_id=job.id, last_at=m.clock.now())
    return read.view(m, account, job)


def asked_of(m: Machinery, one: Schedule) -> AskedJob:
    """Return the job that a schedule starts. Raises SealBroken."""
    with m.db.read() as connection:
        sealed = queries.sealed_of_schedule(connection, one.id)
    return AskedJob(one.spec, submit.unseal(m, one.id, sealed), one.labels)


def _change(m: Machinery, actor: Actor, found: Found, **values: Any) -> Found:
    """Change a schedule as it is now; what the worker did to it meanwhile stays."""
    seen, account = found
    with m.db.write() as tx:
        current = queries.schedule_of(tx, account.id, seen.id)
        if current is None:
            raise NotFound("There is no such scheduled job.")
        changed = replace(current, **values)
        queries.replace_schedule(tx, changed)
        record.write(tx, m.clock, actor, "job.reschedule", account.id, scheduled_job=seen.id, changed=sorted(values))
    return changed, account


def _token_id(actor: Actor) -> str | None:
    return actor.token.id if actor.token else None
