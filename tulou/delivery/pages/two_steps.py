"""Turn the second step of signing in on and off, with a picture for the app and recovery codes for paper."""

from __future__ import annotations

import io
from base64 import b64encode
from urllib.parse import urlsplit

import segno
from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.forms import done, fields, me, see
from tulou.features.accounts import attempts, twofactor
from tulou.features.accounts.twofactor import Enrolment
from tulou.kernel.errors import HubError


async def show(call: Call) -> ASGIApp:
    """Say whether it is on."""
    return await in_thread(_page, call)


async def begin(call: Call) -> ASGIApp:
    """Show what the app needs, and ask for a first code."""
    return await in_thread(lambda: _page(call, enrolment=_enrolment(call)))


async def enable(call: Call) -> ASGIApp:
    """Turn it on, and show the recovery codes this once."""
    form = await fields(call)
    try:
        codes = await in_thread(lambda: twofactor.enable(call.m, call.actor, me(call), form.get("code", "")))
    except twofactor.WrongCode as problem:
        shown = problem
        return await in_thread(lambda: _page(call, enrolment=_enrolment(call), problem=shown))
    return await in_thread(lambda: _page(call, codes=codes))


async def renew(call: Call) -> ASGIApp:
    """Make new recovery codes in place of the old ones."""
    form = await fields(call)
    try:
        codes = await in_thread(_renew, call, form.get("code", ""))
    except HubError as problem:
        shown = problem
        return await in_thread(lambda: _page(call, problem=shown))
    return await in_thread(lambda: _page(call, codes=codes))


async def disable(call: Call) -> ASGIApp:
    """Turn it off."""
    form = await fields(call)
    try:
        await in_thread(_disable, call, form.get("code", ""))
    except HubError as problem:
        shown = problem
        return await in_thread(lambda: _page(call, problem=shown))
    return see("/settings/two-factor", "off")


def _renew(call: Call, code: str) -> list[str]:
    account = me(call)
    trying = attempts.begin(call.m, f"code {account.id}", call.actor.address)
    codes = twofactor.renew_codes(call.m, call.actor, account, code)
    attempts.succeeded(call.m, trying)
    return codes


def _disable(call: Call, code: str) -> None:
    account = me(call)
    trying = attempts.begin(call.m, f"code {account.id}", call.actor.address)
    twofactor.disable(call.m, call.actor, account, code)
    attempts.succeeded(call.m, trying)


def _enrolment(call: Call) -> Enrolment:
    # Apps list accounts by this word, so it names the hub.
    return twofactor.begin(call.m, call.actor, me(call), f"tulou {urlsplit(call.base).hostname}")


def _page(
    call: Call, *, enrolment: Enrolment | None = None, codes: list[str] | None = None, problem: HubError | None = None
) -> ASGIApp:
    account = me(call)
    return render.page(
        call,
        "settings/two_factor.html",
        status=problem.status if problem else 200,
        tab="two-factor",
        done=done(call),
        problem=problem,
        is_on=twofactor.is_on(call.m, account.id),
        codes_left=twofactor.codes_left(call.m, account.id),
        enrolment=enrolment,
        picture=_picture(enrolment.uri) if enrolment else None,
        codes=codes,
    )


def _picture(uri: str) -> str:
    drawn = io.BytesIO()
    segno.make(uri, error="m", micro=False).save(drawn, kind="svg", border=2, scale=4, xmldecl=False)
    return f"data:image/svg+xml;base64,{b64encode(drawn.getvalue()).decode()}"


ROUTES = [
    Route(("GET", "HEAD"), "/settings/two-factor", show, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/settings/two-factor", begin, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/settings/two-factor/enable", enable, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/settings/two-factor/codes", renew, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/settings/two-factor/disable", disable, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
]
