"""Jobs: start, list, look at, cancel, label, start again; hardware."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.hf import job_shapes
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Route
from tulou.features.accounts import lookup as accounts
from tulou.features.jobs import control, read, rights, submit
from tulou.features.jobs.read import JobView
from tulou.features.jobs.stage import Stage
from tulou.features.runs import flavors
from tulou.kernel.errors import BadInput, NotBuilt
from tulou.kernel.ids import is_id
from tulou.kernel.limits import JOBS_PAGE
from tulou.wire.job_spec import parse_job, parse_labels


async def start(call: Call) -> ASGIApp:
    """POST /api/jobs/{account}: start a job."""
    account = await in_thread(rights.account_to_run, call.m, call.actor, call.params["account"])
    asked = parse_job(await call.json())
    job = await in_thread(submit.submit, call.m, call.actor, account, asked)
    return answers.json(await in_thread(_shown, call, read.view, call.m, account, job))


async def listing(call: Call) -> ASGIApp:
    """GET /api/jobs/{account}: its jobs, newest first, a page at a time."""
    items, cursor = await in_thread(_page, call)
    return answers.page(call, items, cursor)


async def inspect(call: Call) -> ASGIApp:
    """GET /api/jobs/{account}/{job}: one job."""
    return answers.json(await in_thread(_shown, call, read.get, call.m, call.actor, call.params["account"], call.params["job"]))


async def cancel(call: Call) -> ASGIApp:
    """POST …/cancel: stop a job."""
    await in_thread(control.cancel, call.m, call.actor, call.params["account"], call.params["job"])
    return answers.json(await in_thread(_shown, call, read.get, call.m, call.actor, call.params["account"], call.params["job"]))


async def rerun(call: Call) -> ASGIApp:
    """POST …/duplicate: start a job like this one."""
    account = await in_thread(rights.account_of, call.m, call.actor, call.params["account"], "job")
    job = await in_thread(control.rerun, call.m, call.actor, account.name, call.params["job"])
    return answers.json(await in_thread(_shown, call, read.view, call.m, account, job))


async def label(call: Call) -> ASGIApp:
    """PUT …/labels: replace the labels."""
    await in_thread(read.get, call.m, call.actor, call.params["account"], call.params["job"])
    labels = parse_labels((await call.json()).get("labels"))
    name, job_id = call.params["account"], call.params["job"]
    return answers.json(await in_thread(_shown, call, control.set_labels, call.m, call.actor, name, job_id, labels))


async def expose(call: Call) -> ASGIApp:
    """PUT …/expose: not built, except for a job of which nothing is exposed."""
    found = await in_thread(read.get, call.m, call.actor, call.params["account"], call.params["job"])
    rights.require_run(call.actor, found.account.id)
    if (await call.json()) not in ({}, {"ports": [], "portsPublic": []}):
        raise NotBuilt("Reaching ports of a job from outside is not built yet.")
    return answers.json(await in_thread(_shown, call, read.get, call.m, call.actor, call.params["account"], call.params["job"]))


async def hardware(call: Call) -> ASGIApp:
    """GET /api/jobs/hardware: what this machine has."""
    return answers.json([job_shapes.hardware(flavor) for flavor in await in_thread(flavors.of_host, call.m)])


def _shown(call: Call, find: Any, *arguments: Any) -> dict[str, Any]:
    found: JobView = find(*arguments)
    return job_shapes.job(found, accounts.by_id(call.m, found.job.created_by), call.m.clock.now())


def _page(call: Call) -> tuple[list[dict[str, Any]], str | None]:
    found, cursor = read.page(
        call.m, call.actor, call.params["account"],
        stages=_stages(call), labels=labels_asked(call), after=_cursor(call), limit=JOBS_PAGE,
    )  # fmt: skip
    starters = accounts.by_ids(call.m, {view.job.created_by for view in found})
    now = call.m.clock.now()
    return [job_shapes.job(view, starters.get(view.job.created_by), now) for view in found], cursor


def _stages(call: Call) -> frozenset[Stage]:
    asked = [each.upper() for each in call.queries("stage")]
    if any(each not in {*Stage, "DELETED"} for each in asked):
        raise BadInput(f"A stage is one of: {', '.join(Stage)}.")
    return frozenset(Stage(each) for each in asked if each != "DELETED")


def labels_asked(call: Call) -> dict[str, str]:
    """Return the labels that a listing asks for, as `label=key=value`. Raises BadInput."""
    pairs = [each.partition("=") for each in call.queries("label")]
    return parse_labels({key: value for key, _, value in pairs})


def _cursor(call: Call) -> str | None:
    cursor = call.query("cursor")
    if cursor is not None and not is_id(cursor):
        raise BadInput("That cursor is not one of ours.")
    return cursor


_JOB = "/api/jobs/{account}/{job}"
ROUTES = [
    Route(("GET",), "/api/jobs/hardware", hardware, Access.PUBLIC),
    Route(("POST",), "/api/jobs/{account}", start, Access.SIGNED_IN),
    Route(("GET",), "/api/jobs/{account}", listing, Access.SIGNED_IN),
    Route(("GET",), _JOB, inspect, Access.SIGNED_IN),
    Route(("POST",), f"{_JOB}/cancel", cancel, Access.SIGNED_IN),
    Route(("POST",), f"{_JOB}/duplicate", rerun, Access.SIGNED_IN),
    Route(("PUT",), f"{_JOB}/labels", label, Access.SIGNED_IN),
    Route(("PUT",), f"{_JOB}/expose", expose, Access.SIGNED_IN),
]
