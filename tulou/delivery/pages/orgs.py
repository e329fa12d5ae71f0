"""Organizations: the ones somebody belongs to, making one, and governing it."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.forms import done, fields, id_of, me, see
from tulou.features.accounts.model import Account
from tulou.features.orgs import create, invitations
from tulou.features.orgs import lookup as orgs
from tulou.features.quota import use
from tulou.kernel.actor import Role
from tulou.kernel.errors import BadInput, HubError

_DAYS = 7


async def mine(call: Call) -> ASGIApp:
    """List the organizations of whoever asks."""
    return await in_thread(_mine, call, None)


async def leave(call: Call) -> ASGIApp:
    """Leave one."""
    try:
        await in_thread(create.leave, call.m, call.actor, call.params["org"])
    except HubError as problem:
        return await in_thread(_mine, call, problem)
    return see("/settings/organizations", "left")


async def ask_new(call: Call) -> ASGIApp:
    """Ask for the name of a new organization."""
    return render.page(call, "orgs/new.html", typed={}, problem=None)


async def make(call: Call) -> ASGIApp:
    """Make it."""
    form = await fields(call)
    name, fullname = form.get("name", "").strip(), form.get("fullname", "").strip()
    visibility = form.get("visibility", "public")
    try:
        org = await in_thread(
            lambda: create.create_org(call.m, call.actor, name, fullname=fullname, default_visibility=visibility)
        )
    except HubError as problem:
        return render.page(call, "orgs/new.html", status=problem.status, typed=form, problem=problem)
    return see(_home(org))


async def govern(call: Call) -> ASGIApp:
    """Show members, invitations and settings to those who govern an organization."""
    return await in_thread(_govern, call)


async def change(call: Call) -> ASGIApp:
    """Change its full name or the visibility of its new repositories."""
    form = await fields(call)
    org = call.params["org"]
    return await in_thread(
        _do, call, "saved",
        lambda: create.change_org(
            call.m, call.actor, org, fullname=form.get("fullname", "").strip(), default_visibility=form.get("visibility")
        ),
    )  # fmt: skip


async def set_member(call: Call) -> ASGIApp:
    """Add somebody, or give a member another role."""
    form = await fields(call)

    def act() -> None:
        create.set_member(call.m, call.actor, call.params["org"], form.get("name", "").strip(), _role(form))

    return await in_thread(_do, call, "saved", act)


async def remove_member(call: Call) -> ASGIApp:
    """End a membership."""
    form = await fields(call)
    return await in_thread(
        _do, call, "removed", lambda: create.remove_member(call.m, call.actor, call.params["org"], form.get("name", ""))
    )


async def invite(call: Call) -> ASGIApp:
    """Make an invitation and show its link, this once."""
    form = await fields(call)

    def act() -> ASGIApp:
        secret = invitations.make(call.m, call.actor, org_name=call.params["org"], role=_role(form), days=_DAYS)
        return _govern(call, link=f"{call.base}/join/{secret}")

    return await in_thread(act)


async def withdraw(call: Call) -> ASGIApp:
    """End an invitation."""

    def act() -> None:
        org = create.governed(call.m, call.actor, call.params["org"])
        invitations.withdraw(call.m, call.actor, org, id_of(call))

    return await in_thread(_do, call, "withdrawn", act)


def _do(call: Call, said: str, act: Any) -> ASGIApp:
    """Carry something out and come back, with what was wrong if it was refused."""
    org = create.governed(call.m, call.actor, call.params["org"])
    try:
        act()
    except HubError as problem:
        return _govern(call, problem=problem)
    return see(_home(org), said)


def _mine(call: Call, problem: HubError | None) -> ASGIApp:
    found = orgs.memberships(call.m, me(call).id)
    status = problem.status if problem else 200
    return render.page(
        call, "settings/organizations.html", status=status, tab="organizations", problem=problem, done=done(call),
        memberships=found,
    )  # fmt: skip


def _govern(call: Call, *, link: str | None = None, problem: HubError | None = None) -> ASGIApp:
    org = create.governed(call.m, call.actor, call.params["org"])
    return render.page(
        call,
        "orgs/settings.html",
        status=problem.status if problem else 200,
        org=org,
        members=orgs.members(call.m, org),
        roles=list(Role),
        invitations=invitations.open_ones(call.m, call.actor, org),
        use=use.of(call.m, org.id),
        link=link,
        problem=problem,
        done=done(call),
    )


def _role(form: dict[str, str]) -> Role:
    try:
        return Role(form.get("role", ""))
    except ValueError as cause:
        raise BadInput("A role is read, contributor, write or admin.") from cause


def _home(org: Account) -> str:
    return f"/organizations/{org.name}/settings"


def _routes() -> list[Route]:
    table = (
        (("GET", "HEAD"), "/settings/organizations", mine),
        (("POST",), "/settings/organizations/{org}/leave", leave),
        (("GET", "HEAD"), "/organizations/new", ask_new),
        (("POST",), "/organizations/new", make),
        (("GET", "HEAD"), "/organizations/{org}/settings", govern),
        (("POST",), "/organizations/{org}/settings", change),
        (("POST",), "/organizations/{org}/settings/members", set_member),
        (("POST",), "/organizations/{org}/settings/members/remove", remove_member),
        (("POST",), "/organizations/{org}/settings/invitations", invite),
        (("POST",), "/organizations/{org}/settings/invitations/{id}/withdraw", withdraw),
    )
    return [Route(methods, path, handler, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES) for methods, path, handler in table]


ROUTES = _routes()
