"""Start the jobs of schedules that are due: each once, however many hubs look and however long nobody did."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tulou.features.accounts import lookup as accounts
from tulou.features.accounts import signin
from tulou.features.audit import record
from tulou.features.jobs import queries, schedules, submit
from tulou.features.jobs.model import Schedule
from tulou.features.jobs.submit import Ready
from tulou.kernel.actor import SYSTEM, Actor
from tulou.kernel.errors import AccountNotFound, Busy, ComputeOff, Conflict, HubError, StorageFull
from tulou.platform.machinery import Machinery
from tulou.platform.seal import SealBroken
from tulou.wire import cron

AT_ONCE = 100
_PASSING = (Busy, ComputeOff, Conflict, StorageFull)
"""What may be over by the next time: the schedule stays as it is."""


def fire(m: Machinery, _payload: dict[str, Any]) -> None:
    """Start what is due.

    For each schedule one transaction: its next time moves on, and job, run and token come to be. A crash before it leaves the
    schedule due; after it, nothing is due. Times that were missed count once.
    """
    with m.db.read() as connection:
        due = queries.due(connection, m.clock.now(), AT_ONCE)
    for one in due:
        try:
            actor, ready = _prepare(m, one)
        except _PASSING:
            _skip(m, one)
        except (HubError, SealBroken) as problem:
            _suspend(m, one, str(problem))
        else:
            _start(m, one, actor, ready)


def _prepare(m: Machinery, one: Schedule) -> tuple[Actor, Ready]:
    """Check that its maker may still do this, with the rights that they and their token have now."""
    account = accounts.by_id(m, one.account_id)
    if account is None:
        raise AccountNotFound
    actor = signin.actor(m, signin.by_id(m, one.created_by, one.token_id), "schedule", one.id)
    return actor, submit.prepare(m, actor, account, schedules.asked_of(m, one))


def _start(m: Machinery, one: Schedule, actor: Actor, ready: Ready) -> None:
    now = m.clock.now()
    next_at = cron.next_after(one.cron, now)
    try:
        with m.db.write() as tx:
            if not queries.change_schedule(tx, one, next_at=next_at):
                return  # another hub was quicker, or its owner changed it
            if one.may_overlap or not queries.is_live(tx, one.last_job_id):
                job = submit.place(tx, m, actor, ready, scheduled_id=one.id)
                queries.change_schedule(tx, replace(one, next_at=next_at), last_job_id=job.id, last_at=now)
    except _PASSING:
        _skip(m, one)


def _skip(m: Machinery, one: Schedule) -> None:
    with m.db.write() as tx:
        queries.change_schedule(tx, one, next_at=cron.next_after(one.cron, m.clock.now()))


def _suspend(m: Machinery, one: Schedule, problem: str) -> None:
    """Stop a schedule whose maker lost the right, or that names what is gone; its owners see why, and may resume it."""
    with m.db.write() as tx:
        if queries.change_schedule(tx, one, next_at=None):
            queries.replace_schedule(tx, replace(one, next_at=None, is_suspended=True, problem=problem))
            record.write(tx, m.clock, SYSTEM, "job.suspend", one.account_id, scheduled_job=one.id, why=problem)
