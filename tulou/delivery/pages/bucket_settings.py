"""What the administrators of a bucket set: who sees it, its name and owner, and its end."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.buckets import head
from tulou.delivery.pages.forms import done, fields, see
from tulou.delivery.pages.repo_settings import owners_for, require_typed
from tulou.features.content import lifecycle
from tulou.kernel.actor import Action
from tulou.kernel.errors import BadInput, HubError
from tulou.kernel.names import RepoKind, parse_repo_name


async def show(call: Call) -> ASGIApp:
    """Show the settings."""
    return await in_thread(_page, call, None)


async def change(call: Call) -> ASGIApp:
    """Carry out one of the forms: `do` says which."""
    form = await fields(call)
    return await in_thread(_change, call, form)


def _change(call: Call, form: dict[str, str]) -> ASGIApp:
    try:
        return _do(call, form)
    except HubError as problem:
        return _page(call, problem)


def _do(call: Call, form: dict[str, str]) -> ASGIApp:
    m, actor, old = call.m, call.actor, call.repo.name
    if form.get("do") == "visibility":
        lifecycle.change(m, actor, call.repo, visibility=form.get("visibility", ""))
        return see(f"/{old.path}/settings", "saved")
    if form.get("do") not in {"move", "delete"}:
        raise BadInput("The form was not complete.")
    require_typed(call, form)
    if form["do"] == "delete":
        lifecycle.delete(m, actor, old)
        return see("/settings/deleted", "deleted")
    new = parse_repo_name(RepoKind.BUCKET, form.get("owner", old.account), form.get("name", "").strip())
    return see(f"/{lifecycle.move(m, actor, old, new).name.path}/settings", "renamed")


def _page(call: Call, problem: HubError | None) -> ASGIApp:
    return render.page(
        call,
        "bucket_settings.html",
        status=problem.status if problem else 200,
        head=head(call, "settings"),
        owners=owners_for(call),
        problem=problem,
        done=done(call),
    )


_OPTIONS: dict[str, Any] = {"login": Login.COOKIE, "budget": Budget.PAGES, "kind": RepoKind.BUCKET}
_SETTINGS = "/buckets/{account}/{name}/settings"
ROUTES = [
    Route(("GET", "HEAD"), _SETTINGS, show, Action.ADMIN, **_OPTIONS),
    Route(("POST",), _SETTINGS, change, Action.ADMIN, **_OPTIONS),
]
