"""The machines of the hub: how they keep programs apart, what is free, and what runs."""

from __future__ import annotations

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.pages import render
from tulou.delivery.pages.admin.guard import route
from tulou.delivery.pages.forms import done, id_of, see
from tulou.features.admin import machines
from tulou.kernel.errors import HubError


async def show(call: Call) -> ASGIApp:
    """Show them."""
    return await in_thread(_page, call, None)


async def stop(call: Call) -> ASGIApp:
    """End a run."""
    try:
        await in_thread(machines.stop, call.m, call.actor, id_of(call))
    except HubError as problem:
        return await in_thread(_page, call, problem)
    return see("/admin/machines", "saved")


def _page(call: Call, problem: HubError | None) -> ASGIApp:
    return render.page(
        call,
        "admin/machines.html",
        status=problem.status if problem else 200,
        tab="machines",
        nodes=machines.nodes(call.m, call.actor),
        rows=machines.live(call.m, call.actor),
        problem=problem,
        done=done(call),
    )


ROUTES = [route("GET", "/machines", show), route("POST", "/machines/runs/{id}/stop", stop)]
