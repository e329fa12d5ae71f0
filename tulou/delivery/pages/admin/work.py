"""Background work and the audit log: what the hub does by itself, and what people did."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.pages import render
from tulou.delivery.pages.admin.guard import route
from tulou.delivery.pages.forms import done, queried, see
from tulou.features.accounts import lookup as accounts
from tulou.features.admin import tasks
from tulou.features.audit import read
from tulou.features.audit.read import Line, Wanted
from tulou.features.repos import names
from tulou.kernel.errors import NotFound

_LINES = 50
_CHECKED = 1000
_NOBODY = "-"


async def queue(call: Call) -> ASGIApp:
    """List the tasks in one state."""
    asked = call.query("state") or "failed"
    state = asked if asked in tasks.STATES else "failed"
    counts = await in_thread(tasks.counts, call.m, call.actor)
    rows = await in_thread(tasks.listed, call.m, call.actor, state)
    return render.page(call, "admin/tasks.html", tab="tasks", state=state, counts=counts, rows=rows, done=done(call))


async def retry(call: Call) -> ASGIApp:
    """Run a task again."""
    await in_thread(tasks.retry, call.m, call.actor, _number(call))
    return see("/admin/tasks", "retried")


async def drop(call: Call) -> ASGIApp:
    """Forget a task."""
    await in_thread(tasks.drop, call.m, call.actor, _number(call))
    return see("/admin/tasks", "dropped")


async def audit(call: Call) -> ASGIApp:
    """Show the audit log: filtered, paged, and checked against its chain."""
    return await in_thread(_audit, call)


def _audit(call: Call) -> ASGIApp:
    chosen = {key: queried(call, key) for key in ("action", "actor", "subject")}
    before = call.query("before") or ""
    wanted = Wanted(
        action=chosen["action"],
        actor_id=_id(call, chosen["actor"]),
        subject_id=_id(call, chosen["subject"]),
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None,
        limit=_LINES + 1,
    )
    found = read.lines(call.m, wanted)
    verdict = read.verify(call.m, last=None if call.query("verify") == "all" else _CHECKED)
    return render.page(
        call,
        "admin/audit.html",
        tab="audit",
        lines=found[:_LINES],
        subjects=_subjects(call, found),
        chosen=chosen,
        verdict=verdict,
        is_whole=call.query("verify") == "all",
        next=f"/admin/audit?{urlencode({**chosen, 'before': found[_LINES - 1].id})}" if len(found) > _LINES else None,
    )


def _id(call: Call, typed: str) -> str | None:
    """Return the id behind a name: an account, a repository, or an id itself. One that is unknown matches no line."""
    if not typed:
        return None
    if "/" in typed:
        return next(iter(names.ids_of(call.m, typed)), _NOBODY)
    found = accounts.by_name(call.m, typed)
    return found.id if found is not None else typed[:24]


def _subjects(call: Call, lines: list[Line]) -> dict[str, str]:
    """Return the names of those that lines are about, or tell of, by id, as far as they still exist."""
    ids = {line.subject_id for line in lines if line.subject_id}
    ids |= {str(line.detail["user"]) for line in lines if "user" in line.detail}
    found = {account.id: account.name for account in accounts.by_ids(call.m, ids).values()}
    return found | names.names_of(call.m, ids - found.keys())


def _number(call: Call) -> int:
    text = call.params["id"]
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise NotFound("There is no such address on this hub.")
    return int(text)


ROUTES = [
    route("GET", "/tasks", queue),
    route("POST", "/tasks/{id}/retry", retry),
    route("POST", "/tasks/{id}/drop", drop),
    route("GET", "/audit", audit),
]
