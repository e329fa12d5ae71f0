"""What the people of a Space set about its application: hardware, sleep, variables and secrets, storage; and a copy of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.forms import done, fields, owners, see
from tulou.delivery.pages.repo_frame import frame
from tulou.delivery.pages.space import LOOKS
from tulou.features.runs import flavors, room
from tulou.features.spaces import control, data, duplicate, read, settings
from tulou.features.spaces.model import NEVER
from tulou.kernel.actor import Action
from tulou.kernel.errors import BadInput, HubError
from tulou.kernel.names import RepoKind, parse_repo_name

NAPS = (300, 900, 3600, 5 * 3600, 24 * 3600, 48 * 3600, 7 * 86_400, NEVER)
"""Seconds without a visit after which a Space may go to sleep."""
_DO: dict[str, Callable[[Call, dict[str, str]], object]] = {
    "restart": lambda call, _form: control.restart(call.m, call.actor, call.repo),
    "factory": lambda call, _form: control.restart(call.m, call.actor, call.repo, factory=True),
    "pause": lambda call, _form: control.pause(call.m, call.actor, call.repo),
    "hardware": lambda call, form: control.set_hardware(call.m, call.actor, call.repo, form.get("flavor", "")),
    "sleep": lambda call, form: control.set_sleep(call.m, call.actor, call.repo, _seconds(form)),
    "storage": lambda call, form: control.set_storage(call.m, call.actor, call.repo, form.get("tier") or None),
    "variable": lambda call, form: settings.set_variable(call.m, call.actor, call.repo, *_pair(form)),
    "secret": lambda call, form: settings.set_secret(call.m, call.actor, call.repo, *_pair(form)),
    "drop-variable": lambda call, form: settings.delete_variable(call.m, call.actor, call.repo, form.get("name", "")),
    "drop-secret": lambda call, form: settings.delete_secret(call.m, call.actor, call.repo, form.get("name", "")),
}


async def show(call: Call) -> ASGIApp:
    """Show what is set."""
    return await in_thread(_page, call, None)


async def change(call: Call) -> ASGIApp:
    """Do one of the things that the page offers."""
    form = await fields(call)
    act = _DO.get(call.params["what"])
    if act is None:
        raise BadInput("That cannot be done with a Space.")
    try:
        await in_thread(act, call, form)
    except HubError as problem:
        return await in_thread(_page, call, problem)
    page = f"/{call.repo.name.path}"
    return see(page if call.params["what"] in {"restart", "factory", "pause"} else f"{page}/runtime", "saved")


def _seconds(form: dict[str, str]) -> int:
    typed = form.get("seconds", "")
    if typed not in {str(nap) for nap in NAPS}:
        raise BadInput("Choose one of the times that the page offers.")
    return int(typed)


def _pair(form: dict[str, str]) -> tuple[str, str, str | None]:
    return form.get("name", "").strip(), form.get("value", ""), form.get("description") or None


def _page(call: Call, problem: HubError | None) -> ASGIApp:
    space = read.get(call.m, call.repo)
    return render.page(
        call,
        "space_runtime.html",
        status=problem.status if problem else 200,
        **frame(call, "runtime"),
        space=space,
        look=LOOKS[space.stage],
        flavors=flavors.of_host(call.m),
        naps=NAPS,
        default_nap=call.m.settings.space_sleep_minutes * 60 or NEVER,
        machine=room.here(call.m),
        tiers=data.TIERS,
        tier=data.tier(space.storage_mb),
        used=data.used(call.m, call.repo.id) if space.storage_mb else 0,
        variables=settings.variables(call.m, call.repo),
        secrets=settings.secrets(call.m, call.repo),
        problem=problem,
        done=done(call),
    )


async def ask_copy(call: Call) -> ASGIApp:
    """Ask where the copy shall be."""
    return await in_thread(_copy_page, call, {}, None)


async def make_copy(call: Call) -> ASGIApp:
    """Copy the Space, and go to the copy."""
    form = await fields(call)

    def act() -> str:
        name = parse_repo_name(RepoKind.SPACE, form.get("owner", ""), form.get("name", "").strip())
        made = duplicate.duplicate(
            call.m, call.actor, call.repo, name,
            visibility=form.get("visibility") or None, hardware=form.get("flavor") or None,
        )  # fmt: skip
        return f"/{made.name.path}"

    try:
        onward = await in_thread(act)
    except HubError as problem:
        return await in_thread(_copy_page, call, form, problem)
    return see(onward)


def _copy_page(call: Call, form: dict[str, str], problem: HubError | None) -> ASGIApp:
    return render.page(
        call,
        "space_duplicate.html",
        status=problem.status if problem else 200,
        **frame(call, ""),
        space=read.get(call.m, call.repo),
        owners=owners(call),
        flavors=flavors.of_host(call.m),
        secrets=settings.secrets(call.m, call.repo),
        typed=form,
        problem=problem,
    )


_OPTIONS: dict[str, Any] = {"login": Login.COOKIE, "budget": Budget.PAGES, "kind": RepoKind.SPACE}
ROUTES = [
    Route(("GET", "HEAD"), "/spaces/{account}/{name}/runtime", show, Action.WRITE, **_OPTIONS),
    Route(("POST",), "/spaces/{account}/{name}/runtime/{what}", change, Action.WRITE, **_OPTIONS),
    Route(("GET", "HEAD"), "/spaces/{account}/{name}/duplicate", ask_copy, Action.READ_CONTENT, **_OPTIONS),
    Route(("POST",), "/spaces/{account}/{name}/duplicate", make_copy, Action.READ_CONTENT, **_OPTIONS),
]
