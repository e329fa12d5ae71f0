"""Users and organizations: found, made, invited, and changed one by one."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Handler
from tulou.delivery.pages import render
from tulou.delivery.pages.admin.guard import route
from tulou.delivery.pages.forms import done, fields, id_of, queried, see
from tulou.features.accounts import create, links, twofactor
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.model import Account, AccountKind
from tulou.features.admin import people
from tulou.features.admin.people import PAGE
from tulou.features.orgs import invitations
from tulou.features.orgs import lookup as orgs
from tulou.features.quota import limit, use
from tulou.kernel.errors import AccountNotFound, BadInput, HubError, InvalidName
from tulou.kernel.limits import GIB
from tulou.kernel.names import parse_account

_DAYS = 7


def lister(kind: AccountKind) -> Handler:
    """Make the handler of the list of users, or of organizations."""

    async def show(call: Call) -> ASGIApp:
        """List accounts."""
        return await in_thread(_list, call, kind)

    return show


async def make_user(call: Call) -> ASGIApp:
    """Make a user, and show the link by which they come in."""
    form = await fields(call)

    def act() -> ASGIApp:
        try:
            user = create.create_user(
                call.m, call.actor, form.get("name", "").strip(), fullname=form.get("fullname", "").strip(),
                is_admin=form.get("admin") == "on",
            )  # fmt: skip
        except HubError as problem:
            return _list(call, AccountKind.USER, problem=problem, typed=form)
        return _one(call, user, link=f"{call.base}/one-time/{links.make(call.m, call.actor, user)}")

    return await in_thread(act)


async def invite(call: Call) -> ASGIApp:
    """Make an invitation to this hub, and show its link."""

    def act() -> ASGIApp:
        secret = invitations.make(call.m, call.actor, org_name=None, role=None, days=_DAYS)
        return _list(call, AccountKind.USER, link=f"{call.base}/join/{secret}")

    return await in_thread(act)


async def withdraw(call: Call) -> ASGIApp:
    """End an invitation."""
    await in_thread(invitations.withdraw, call.m, call.actor, None, id_of(call))
    return see("/admin/users", "withdrawn")


async def show_one(call: Call) -> ASGIApp:
    """Show an account with what can be done to it."""
    return await in_thread(lambda: _one(call, _found(call)))


async def make_link(call: Call) -> ASGIApp:
    """Make a link that signs a user in once, and show it."""

    def act() -> ASGIApp:
        user = accounts.user(call.m, call.params["name"])
        return _one(call, user, link=f"{call.base}/one-time/{links.make(call.m, call.actor, user)}")

    return await in_thread(act)


async def set_limit(call: Call) -> ASGIApp:
    """Set what an account may store."""
    form = await fields(call)

    def act(account: Account) -> None:
        typed = form.get("gigabytes", "").strip()
        if typed and not (typed.isascii() and typed.isdigit() and len(typed) < 8):
            raise BadInput("The limit is a whole number of gigabytes, or nothing.")
        limit.set_limit(call.m, call.actor, account.name, int(typed) if typed else None)

    return await in_thread(_do, call, act)


def changer(change: Callable[[Call, Account], None]) -> Handler:
    """Make the handler of a button that does one thing to a user."""

    async def press(call: Call) -> ASGIApp:
        """Do it, and come back."""
        return await in_thread(_do, call, lambda account: change(call, account))

    return press


def _do(call: Call, act: Callable[[Account], None]) -> ASGIApp:
    found = _found(call)
    try:
        act(found)
    except HubError as problem:
        return _one(call, found, problem=problem)
    return see(f"/admin/accounts/{found.name}", "saved")


def _found(call: Call) -> Account:
    try:
        found = accounts.by_name(call.m, parse_account(call.params["name"]))
    except InvalidName as cause:
        raise AccountNotFound from cause
    if found is None:
        raise AccountNotFound
    return found


def _list(
    call: Call, kind: AccountKind, *, problem: HubError | None = None, link: str | None = None,
    typed: dict[str, str] | None = None,
) -> ASGIApp:  # fmt: skip
    text, after = queried(call, "q"), queried(call, "after")
    found = people.search(call.m, call.actor, kind, text, after)
    is_users = kind is AccountKind.USER
    return render.page(
        call,
        "admin/accounts.html",
        status=problem.status if problem else 200,
        tab="users" if is_users else "organizations",
        is_users=is_users,
        q=text,
        rows=found[:PAGE],
        next=found[PAGE - 1].account.name if len(found) > PAGE else None,
        invitations=invitations.open_ones(call.m, call.actor, None) if is_users else [],
        problem=problem,
        done=done(call),
        link=link,
        typed=typed or {},
    )


def _one(call: Call, account: Account, *, problem: HubError | None = None, link: str | None = None) -> ASGIApp:
    is_user = account.kind is AccountKind.USER
    return render.page(
        call,
        "admin/account.html",
        status=problem.status if problem else 200,
        tab="users" if is_user else "organizations",
        account=account,
        is_user=is_user,
        state=people.sign_in_state(call.m, call.actor, account) if is_user else None,
        memberships=orgs.memberships(call.m, account.id) if is_user else [],
        members=0 if is_user else orgs.count_members(call.m, account),
        use=use.of(call.m, account.id),
        own_limit=None if account.quota_bytes is None else account.quota_bytes // GIB,
        problem=problem,
        done=done(call),
        link=link,
    )


ROUTES = [
    route("GET", "/users", lister(AccountKind.USER)),
    route("POST", "/users", make_user),
    route("POST", "/users/invitations", invite),
    route("POST", "/users/invitations/{id}/withdraw", withdraw),
    route("GET", "/organizations", lister(AccountKind.ORG)),
    route("GET", "/accounts/{name}", show_one),
    route("POST", "/accounts/{name}/limit", set_limit),
    route("POST", "/accounts/{name}/link", make_link),
    route("POST", "/accounts/{name}/promote", changer(lambda c, a: people.set_admin(c.m, c.actor, a, is_admin=True))),
    route("POST", "/accounts/{name}/demote", changer(lambda c, a: people.set_admin(c.m, c.actor, a, is_admin=False))),
    route("POST", "/accounts/{name}/disable", changer(lambda c, a: people.set_disabled(c.m, c.actor, a, disabled=True))),
    route("POST", "/accounts/{name}/enable", changer(lambda c, a: people.set_disabled(c.m, c.actor, a, disabled=False))),
    route("POST", "/accounts/{name}/sign-out", changer(lambda c, a: people.sign_out(c.m, c.actor, a))),
    route("POST", "/accounts/{name}/reset-second-factor", changer(lambda c, a: twofactor.reset(c.m, c.actor, a))),
]
