"""Repositories and storage: what there is, what was deleted, and what a collection would free."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.pages import render
from tulou.delivery.pages.admin.guard import route
from tulou.delivery.pages.forms import done, fields, id_of, queried, see
from tulou.features.admin import repositories, tasks
from tulou.features.admin.repositories import PAGE
from tulou.features.content import collect, restore, storage
from tulou.kernel.errors import AlreadyExists, HubError
from tulou.kernel.names import RepoKind

_SORTS = {"bytes": "Largest", "changed": "Changed last", "made": "Newest"}


async def repos(call: Call) -> ASGIApp:
    """List repositories, and those that were deleted."""
    return await in_thread(_repos, call)


async def bring_back(call: Call) -> ASGIApp:
    """Restore a repository."""
    form = await fields(call)
    chosen = form.get("name", "").strip() or None
    try:
        await in_thread(lambda: restore.restore(call.m, call.actor, id_of(call), new_name=chosen))
    except HubError as problem:
        shown = problem
        return await in_thread(lambda: _repos(call, shown))
    return see("/admin/repositories", "restored")


async def stored(call: Call) -> ASGIApp:
    """Show what is stored; with `?preview=1`, also what a collection would free."""
    found = await in_thread(storage.of_hub, call.m)
    outlook = await in_thread(collect.preview, call.m) if call.flag("preview") else None
    largest = await in_thread(
        lambda: repositories.search(call.m, call.actor, "", kind=None, sort="bytes", page=0)[:10]
    )
    return render.page(
        call, "admin/storage.html", tab="storage", storage=found, outlook=outlook, largest=largest, done=done(call),
        grace_days=call.m.settings.gc_grace_days,
    )  # fmt: skip


async def collect_now(call: Call) -> ASGIApp:
    """Let the worker collect at once."""
    await in_thread(tasks.collect_now, call.m, call.actor)
    return see("/admin/storage", "queued")


def _repos(call: Call, problem: HubError | None = None) -> ASGIApp:
    text, asked = queried(call, "q"), call.query("kind") or ""
    kind = RepoKind(asked) if asked in list(RepoKind) else None
    sort = call.query("sort") or "bytes"
    sort = sort if sort in _SORTS else "bytes"
    number = call.query("page") or "0"
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 0
    rows = repositories.search(call.m, call.actor, text, kind=kind, sort=sort, page=page)
    chosen = {"q": text, "kind": asked, "sort": sort}
    return render.page(
        call,
        "admin/repositories.html",
        status=problem.status if problem else 200,
        tab="repositories",
        rows=rows[:PAGE],
        chosen=chosen,
        kinds=[one.value for one in RepoKind],
        sorts=_SORTS,
        next=f"/admin/repositories?{urlencode({**chosen, 'page': page + 1})}" if len(rows) > PAGE else None,
        deleted=restore.deleted(call.m, call.actor, everybody=True),
        taken=call.params.get("id") if isinstance(problem, AlreadyExists) else None,
        problem=problem,
        done=done(call),
    )


ROUTES = [
    route("GET", "/repositories", repos),
    route("POST", "/repositories/{id}/restore", bring_back),
    route("GET", "/storage", stored),
    route("POST", "/storage/collect", collect_now),
]
