"""Scheduled jobs: make, list, look at, suspend, resume, change, delete, start now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.hf import job_shapes
from tulou.delivery.hf.jobs import labels_asked
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread, text
from tulou.delivery.kit.routes import Access, Handler, Route
from tulou.features.accounts import lookup as accounts
from tulou.features.jobs import rights, schedules
from tulou.kernel.errors import BadInput
from tulou.wire.job_spec import parse_job, parse_labels

SCHEDULE_CHARS = 200


async def create(call: Call) -> ASGIApp:
    """POST /api/scheduled-jobs/{account}: make a schedule."""
    account = await in_thread(rights.account_to_run, call.m, call.actor, call.params["account"])
    body = await call.json()
    spec = body.get("jobSpec")
    if not isinstance(spec, dict):
        raise BadInput("The field 'jobSpec' must be an object.")
    asked, schedule = parse_job(spec), text(body, "schedule", limit=SCHEDULE_CHARS)
    may_overlap, is_suspended = _flag(body, "concurrency"), _flag(body, "suspend")

    def make() -> dict[str, Any]:
        made = schedules.create(
            call.m, call.actor, account, asked, schedule=schedule, may_overlap=may_overlap, is_suspended=is_suspended
        )
        return job_shapes.schedule(made, account)

    return answers.json(await in_thread(make))


async def listing(call: Call) -> ASGIApp:
    """GET /api/scheduled-jobs/{account}: its schedules."""
    found = await in_thread(schedules.listing, call.m, call.actor, call.params["account"], labels_asked(call))
    return answers.json([job_shapes.schedule(*each) for each in found])


async def delete(call: Call) -> ASGIApp:
    """DELETE …/{schedule}."""
    await in_thread(schedules.delete, call.m, call.actor, call.params["account"], call.params["schedule"])
    return answers.nothing()


async def reschedule(call: Call) -> ASGIApp:
    """POST …/schedule: change when it is due."""
    name, schedule_id = call.params["account"], call.params["schedule"]
    await in_thread(schedules.mine, call.m, call.actor, name, schedule_id)
    schedule = text(await call.json(), "schedule", limit=SCHEDULE_CHARS)
    return _answer(await in_thread(schedules.set_cron, call.m, call.actor, name, schedule_id, schedule))


async def label(call: Call) -> ASGIApp:
    """PUT …/labels: replace the labels."""
    name, schedule_id = call.params["account"], call.params["schedule"]
    await in_thread(schedules.mine, call.m, call.actor, name, schedule_id)
    labels = parse_labels((await call.json()).get("labels"))
    return _answer(await in_thread(schedules.set_labels, call.m, call.actor, name, schedule_id, labels))


async def run_now(call: Call) -> ASGIApp:
    """POST …/run: start its job now."""
    found = await in_thread(schedules.run_now, call.m, call.actor, call.params["account"], call.params["schedule"])
    starter = await in_thread(accounts.by_id, call.m, found.job.created_by)
    return answers.json(job_shapes.job(found, starter, call.m.clock.now()))


def _simple(use_case: Callable[..., schedules.Found]) -> Handler:
    async def handler(call: Call) -> ASGIApp:
        return _answer(await in_thread(use_case, call.m, call.actor, call.params["account"], call.params["schedule"]))

    return handler


def _answer(found: schedules.Found) -> ASGIApp:
    return answers.json(job_shapes.schedule(*found))


def _flag(body: dict[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise BadInput(f"The field {name!r} must be true or false.")
    return bool(value)


_ONE = "/api/scheduled-jobs/{account}/{schedule}"
ROUTES = [
    Route(("POST",), "/api/scheduled-jobs/{account}", create, Access.SIGNED_IN),
    Route(("GET",), "/api/scheduled-jobs/{account}", listing, Access.SIGNED_IN),
    Route(("GET",), _ONE, _simple(schedules.get), Access.SIGNED_IN),
    Route(("DELETE",), _ONE, delete, Access.SIGNED_IN),
    Route(("POST",), f"{_ONE}/suspend", _simple(schedules.suspend), Access.SIGNED_IN),
    Route(("POST",), f"{_ONE}/resume", _simple(schedules.resume), Access.SIGNED_IN),
    Route(("POST",), f"{_ONE}/schedule", reschedule, Access.SIGNED_IN),
    Route(("POST",), f"{_ONE}/run", run_now, Access.SIGNED_IN),
    Route(("PUT",), f"{_ONE}/labels", label, Access.SIGNED_IN),
]
