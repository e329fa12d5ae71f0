"""Jobs on the website: what an account runs and ran, one job with its log as it grows, and a form to start one."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp

from tulou.delivery.kit import run_logs, sse
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.forms import done, fields, me, owners, see
from tulou.delivery.pages.space import TAIL_LINES, Log, Look
from tulou.features.accounts import lookup as accounts
from tulou.features.jobs import control, read, rights, stage, submit
from tulou.features.jobs.read import JobView
from tulou.features.jobs.stage import Stage
from tulou.features.runs import flavors, images, logs, room
from tulou.kernel.actor import Actor
from tulou.kernel.errors import BadInput, HubError
from tulou.wire.job_spec import parse_job

LOOKS = {
    Stage.SCHEDULING: Look("Waiting", "info"),
    Stage.RUNNING: Look("Running", "good"),
    Stage.COMPLETED: Look("Completed"),
    Stage.CANCELED: Look("Canceled", "warn"),
    Stage.ERROR: Look("Failed", "bad"),
}
PAGE = 50
TIMES = (300, 1800, 3600, 6 * 3600, 24 * 3600)
"""Seconds that a job may be given on the form."""


async def mine(call: Call) -> ASGIApp:
    """Go to one's own jobs."""
    account = await in_thread(me, call)
    return RedirectResponse(f"/jobs/{account.name}", 302, render.HEADERS)


async def listing(call: Call) -> ASGIApp:
    """Show the jobs of an account, newest first."""
    return render.page(call, "jobs.html", **await in_thread(_listing, call))


def _listing(call: Call) -> dict[str, Any]:
    name = call.params["account"]
    account = rights.account_of(call.m, call.actor, name, "account")
    asked = call.query("stage") or ""
    stages = frozenset({Stage(asked)}) if asked in set(Stage) else frozenset()
    after = call.query("cursor")
    is_ours = after is None or (len(after) == 24 and after.isascii() and after.isalnum())
    views, cursor = read.page(
        call.m, call.actor, account.name, stages=stages, labels={}, after=after if is_ours else None, limit=PAGE
    )
    now = call.m.clock.now()
    return {
        "account": account.name,
        "owners": [owner for owner in owners(call, rights.may_run) if owner != account.name],
        "jobs": [_row(view, now) for view in views],
        "stages": [(each.value, LOOKS[each]) for each in Stage],
        "asked": asked,
        "cursor": cursor,
        "can_run": rights.may_run(call.actor, account.id),
        "machine": room.here(call.m),
    }


def _row(view: JobView, now: int) -> dict[str, Any]:
    return {
        "view": view,
        "look": LOOKS[view.stage],
        "message": view.message,
        "durations": stage.durations(view.run, now),
        "command": " ".join((*view.job.spec.command, *view.job.spec.arguments)),
    }


async def show(call: Call) -> ASGIApp:
    """Show one job."""
    return await in_thread(_show, call, None)


def _show(call: Call, problem: HubError | None) -> ASGIApp:
    view = read.get(call.m, call.actor, call.params["account"], call.params["job"])
    starter = accounts.by_id(call.m, view.job.created_by)
    return render.page(
        call,
        "job.html",
        status=problem.status if problem else 200,
        **_row(view, call.m.clock.now()),
        starter=starter.name if starter else None,
        log=_log(call, view),
        can_run=rights.may_run(call.actor, view.account.id),
        problem=problem,
        done=done(call),
    )


def _log(call: Call, view: JobView) -> Log:
    offset = logs.tail_offset(call.m, view.run.id, TAIL_LINES)
    lines, offset, is_end = logs.lines(call.m, view.run.id, offset, logs.TAIL_BYTES)
    return Log("run", lines, offset, f"/jobs/{view.account.name}/{view.job.id}/events", is_end)


async def events(call: Call) -> ASGIApp:
    """Send the lines behind an offset, and those to come."""

    def get(actor: Actor) -> JobView:
        return read.get(call.m, actor, call.params["account"], call.params["job"])

    view = await in_thread(get, call.actor)
    return sse.stream(call, run_logs.events(partial(logs.lines, call.m, view.run.id), sse.begin(call)), get)


async def change(call: Call) -> ASGIApp:
    """Stop a job, or start one like it."""
    account, job_id, what = call.params["account"], call.params["job"], call.params["what"]

    def act() -> str:
        if what == "cancel":
            control.cancel(call.m, call.actor, account, job_id)
            return job_id
        if what == "again":
            return control.rerun(call.m, call.actor, account, job_id).id
        raise BadInput("That cannot be done with a job.")

    try:
        onward = await in_thread(act)
    except HubError as problem:
        return await in_thread(_show, call, problem)
    return see(f"/jobs/{account}/{onward}")


async def ask(call: Call) -> ASGIApp:
    """Ask what to run."""
    return await in_thread(_form, call, {"owner": call.query("owner") or ""}, None)


async def start(call: Call) -> ASGIApp:
    """Start it, and show it."""
    form = await fields(call)

    def act() -> str:
        account = rights.account_to_run(call.m, call.actor, form.get("owner", ""))
        job = submit.submit(call.m, call.actor, account, parse_job(_body(form)))
        return f"/jobs/{account.name}/{job.id}"

    try:
        onward = await in_thread(act)
    except HubError as problem:
        return await in_thread(_form, call, form, problem)
    return see(onward)


def _body(form: dict[str, str]) -> dict[str, Any]:
    """Return what a client would send for what was typed: the command is a line for the shell."""
    if form.get("timeout", "") not in {str(each) for each in TIMES}:
        raise BadInput("Choose one of the times that the page offers.")
    return {
        "dockerImage": form.get("image", "").strip(),
        "command": ["/bin/sh", "-c", form.get("command", "").replace("\r\n", "\n")],
        "arguments": [],
        "environment": _variables(form.get("environment", "")),
        "secrets": _variables(form.get("secrets", "")),
        "flavor": form.get("flavor", ""),
        "timeoutSeconds": int(form["timeout"]),
    }


def _variables(text: str) -> dict[str, str]:
    """Read lines of NAME=value."""
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    if any("=" not in line for line in lines):
        raise BadInput("Variables and secrets are lines of NAME=value.")
    return {name.strip(): value for name, _, value in (line.partition("=") for line in lines)}


def _form(call: Call, form: dict[str, str], problem: HubError | None) -> ASGIApp:
    return render.page(
        call,
        "job_new.html",
        status=problem.status if problem else 200,
        owners=owners(call, rights.may_run),
        flavors=flavors.of_host(call.m),
        images=images.offered(call.m),
        times=TIMES,
        machine=room.here(call.m),
        typed=form,
        problem=problem,
    )


_PAGE: dict[str, Any] = {"access": Access.SIGNED_IN, "login": Login.COOKIE, "budget": Budget.PAGES}
ROUTES = [
    Route(("GET", "HEAD"), "/jobs", mine, **_PAGE),
    Route(("GET", "HEAD"), "/jobs/{account}", listing, **_PAGE),
    Route(("GET", "HEAD"), "/new/job", ask, **_PAGE),
    Route(("POST",), "/new/job", start, **_PAGE),
    Route(("GET", "HEAD"), "/jobs/{account}/{job}", show, **_PAGE),
    Route(("GET",), "/jobs/{account}/{job}/events", events, **_PAGE),
    Route(("POST",), "/jobs/{account}/{job}/{what}", change, **_PAGE),
]
