"""What its administrators set about a repository: who sees it, its name and owner, and its end."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route, for_kinds
from tulou.delivery.pages import render, repo_frame
from tulou.delivery.pages.forms import done, fields, id_of, owners, see
from tulou.features.content import lifecycle, restore, storage
from tulou.kernel.actor import Action
from tulou.kernel.errors import AlreadyExists, BadInput, HubError
from tulou.kernel.names import parse_repo_name


async def show(call: Call) -> ASGIApp:
    """Show the settings."""
    return await in_thread(_page, call, None)


async def change(call: Call) -> ASGIApp:
    """Change who sees it, or close its content."""
    form = await fields(call)

    def act() -> str:
        visibility, gated = form.get("visibility"), form.get("gated")
        lifecycle.change(call.m, call.actor, call.repo, visibility=visibility, gated=gated)
        return f"/{call.repo.name.path}/settings"

    return await in_thread(_do, call, "saved", act)


async def move(call: Call) -> ASGIApp:
    """Give it another name or owner, once its present name was typed."""
    form = await fields(call)

    def act() -> str:
        require_typed(call, form)
        old = call.repo.name
        new = parse_repo_name(old.kind, form.get("owner", old.account), form.get("name", "").strip())
        return f"/{lifecycle.move(call.m, call.actor, old, new).name.path}/settings"

    return await in_thread(_do, call, "renamed", act)


async def delete(call: Call) -> ASGIApp:
    """Delete it, once its name was typed."""
    form = await fields(call)

    def act() -> str:
        require_typed(call, form)
        lifecycle.delete(call.m, call.actor, call.repo.name)
        return "/settings/deleted"

    return await in_thread(_do, call, "deleted", act)


async def deleted(call: Call) -> ASGIApp:
    """List what can be restored."""
    return await in_thread(_deleted, call)


async def bring_back(call: Call) -> ASGIApp:
    """Restore a repository, under another name if the old one is taken."""
    form = await fields(call)
    chosen = form.get("name", "").strip() or None
    try:
        back = await in_thread(lambda: restore.restore(call.m, call.actor, id_of(call), new_name=chosen))
    except HubError as problem:
        shown = problem
        return await in_thread(lambda: _deleted(call, shown))
    return see(f"/{back.name.path}/settings", "restored")


def owners_for(call: Call) -> list[str]:
    """Return the accounts that may come to own the repository: the present one first."""
    return list(dict.fromkeys([call.repo.name.account, *owners(call)]))


def require_typed(call: Call, form: dict[str, str]) -> None:
    """Raise BadInput unless the name of the repository was typed to confirm."""
    if form.get("confirm", "").strip() != call.repo.name.full:
        raise BadInput("Type the full name of the repository to confirm.")


def _do(call: Call, said: str, act: Any) -> ASGIApp:
    try:
        onward = act()
    except HubError as problem:
        return _page(call, problem)
    return see(onward, said)


def _page(call: Call, problem: HubError | None) -> ASGIApp:
    return render.page(
        call,
        "repo_settings.html",
        status=problem.status if problem else 200,
        **repo_frame.frame(call, "settings"),
        owners=owners_for(call),
        storage=storage.of_repo(call.m, call.repo),
        problem=problem,
        done=done(call),
    )


def _deleted(call: Call, problem: HubError | None = None) -> ASGIApp:
    return render.page(
        call,
        "settings/deleted.html",
        status=problem.status if problem else 200,
        tab="deleted",
        problem=problem,
        done=done(call),
        repos=restore.deleted(call.m, call.actor),
        taken=call.params.get("id") if isinstance(problem, AlreadyExists) else None,
    )


_OPTIONS: dict[str, Any] = {"login": Login.COOKIE, "budget": Budget.PAGES}
ROUTES = [
    *for_kinds(("GET", "HEAD"), "/{account}/{name}/settings", show, Action.ADMIN, **_OPTIONS),
    *for_kinds(("POST",), "/{account}/{name}/settings", change, Action.ADMIN, **_OPTIONS),
    *for_kinds(("POST",), "/{account}/{name}/settings/move", move, Action.ADMIN, **_OPTIONS),
    *for_kinds(("POST",), "/{account}/{name}/settings/delete", delete, Action.ADMIN, **_OPTIONS),
    Route(("GET", "HEAD"), "/settings/deleted", deleted, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/settings/deleted/{id}/restore", bring_back, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
]
