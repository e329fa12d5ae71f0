"""What people set about themselves: profile, password and the browsers that they are signed in with."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.forms import browser, done, fields, id_of, keep, me, see, this_session
from tulou.features.accounts import create, passwords, sessions
from tulou.features.accounts.model import Account
from tulou.kernel.errors import HubError

FRESH_MS = 15 * 60_000
"""Whoever signed in so recently need not type the present password to change it: a link may be all that they have."""


async def start(call: Call) -> ASGIApp:
    """Lead to the first of the settings."""
    return see("/settings/profile")


async def profile(call: Call) -> ASGIApp:
    """Show what others see."""
    return render.page(call, "settings/profile.html", **_page(call, "profile"), account=await in_thread(me, call))


async def save_profile(call: Call) -> ASGIApp:
    """Change it."""
    form = await fields(call)
    try:
        await in_thread(
            lambda: create.change_self(
                call.m, call.actor, fullname=form.get("fullname", "").strip(), email=form.get("email", "").strip() or None
            )
        )
    except HubError as problem:
        account = await in_thread(me, call)
        page = _page(call, "profile", problem)
        return render.page(call, "settings/profile.html", status=problem.status, **page, account=account)
    return see("/settings/profile", "saved")


async def password(call: Call) -> ASGIApp:
    """Ask for a new password."""
    return await in_thread(_password, call, None)


def _password(call: Call, problem: HubError | None) -> ASGIApp:
    account = me(call)
    return render.page(
        call,
        "settings/password.html",
        status=problem.status if problem else 200,
        **_page(call, "password", problem),
        account=account,
        has_one=passwords.has_one(call.m, account.id),
        needs_old=_needs_old(call, account),
        least=passwords.LEAST,
    )


async def save_password(call: Call) -> ASGIApp:
    """Change it, sign every other browser out, and give this one a new secret."""
    form = await fields(call)
    try:
        return await in_thread(_save_password, call, form)
    except HubError as problem:
        return await in_thread(_password, call, problem)


def _save_password(call: Call, form: dict[str, str]) -> ASGIApp:
    account = me(call)
    old = form.get("old", "") if _needs_old(call, account) else None
    passwords.set_own(call.m, call.actor, account, form.get("new", ""), old=old)
    answer = see("/settings/password", "password")
    secret = this_session(call)
    if secret is not None:
        fresh = sessions.renew(call.m, secret, browser(call))
        sessions.close_all(call.m, call.actor, account.id, but=fresh)
        keep(call, answer, fresh)
    return answer


def _needs_old(call: Call, account: Account) -> bool:
    is_fresh = sessions.opened_at(call.m, this_session(call)) > call.m.clock.now() - FRESH_MS
    return passwords.has_one(call.m, account.id) and not is_fresh


async def browsers(call: Call) -> ASGIApp:
    """List the browsers that are signed in."""
    account = await in_thread(me, call)
    found = await in_thread(sessions.of_account, call.m, account.id, this_session(call))
    return render.page(call, "settings/sessions.html", **_page(call, "sessions"), sessions=found)


async def close_browser(call: Call) -> ASGIApp:
    """Sign one of them out."""
    account = await in_thread(me, call)
    await in_thread(sessions.close_one, call.m, call.actor, account.id, id_of(call))
    return see("/settings/sessions", "closed")


async def close_others(call: Call) -> ASGIApp:
    """Sign all of them out but this one."""
    account = await in_thread(me, call)
    await in_thread(lambda: sessions.close_all(call.m, call.actor, account.id, but=this_session(call)))
    return see("/settings/sessions", "everywhere")


def _page(call: Call, tab: str, problem: HubError | None = None) -> dict[str, Any]:
    return {"tab": tab, "problem": problem, "done": done(call)}


def _routes() -> list[Route]:
    table = (
        (("GET", "HEAD"), "", start),
        (("GET", "HEAD"), "/profile", profile),
        (("POST",), "/profile", save_profile),
        (("GET", "HEAD"), "/password", password),
        (("POST",), "/password", save_password),
        (("GET", "HEAD"), "/sessions", browsers),
        (("POST",), "/sessions/close-others", close_others),
        (("POST",), "/sessions/{id}/close", close_browser),
    )
    return [
        Route(methods, f"/settings{path}", handler, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES)
        for methods, path, handler in table
    ]


ROUTES = _routes()
