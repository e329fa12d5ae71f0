"""Come in by an invitation: choose a name and a password, or join an organization with the account that one has."""

from __future__ import annotations

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.forms import browser, fields, see, signed_in
from tulou.features.accounts import passwords
from tulou.features.orgs import invitations
from tulou.features.orgs.invitations import Invitation, InvitationSpent
from tulou.kernel.errors import HubError


async def show(call: Call) -> ASGIApp:
    """Say what the invitation is to."""
    invitation = await in_thread(invitations.find, call.m, call.params["secret"])
    return _page(call, invitation, {}, None)


async def accept(call: Call) -> ASGIApp:
    """Make the account, or join."""
    form = await fields(call)
    invitation = await in_thread(invitations.find, call.m, call.params["secret"])
    if not call.actor.is_anonymous:
        await in_thread(invitations.accept, call.m, call.actor, call.params["secret"])
        return see(f"/{invitation.org}")
    try:
        return await in_thread(_accept_new, call, form)
    except InvitationSpent:
        raise
    except HubError as problem:
        return _page(call, invitation, form, problem)


def _accept_new(call: Call, form: dict[str, str]) -> ASGIApp:
    name, fullname = form.get("name", "").strip(), form.get("fullname", "").strip()
    secret = invitations.accept_new(
        call.m, call.actor, call.params["secret"], name, fullname, form.get("password", ""), browser(call)
    )
    return signed_in(call, secret, f"/{name}")


def _page(call: Call, invitation: Invitation, typed: dict[str, str], problem: HubError | None) -> ASGIApp:
    status = problem.status if problem else 200
    return render.page(
        call, "join.html", status=status, invitation=invitation, typed=typed, problem=problem, least=passwords.LEAST
    )


ROUTES = [
    Route(("GET", "HEAD"), "/join/{secret}", show, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/join/{secret}", accept, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
]
