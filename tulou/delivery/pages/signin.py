"""Signing in by a one-time link, signing out, and letting a program in by its code."""

from __future__ import annotations

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp

from tulou.delivery.kit.auth import SESSION_COOKIE, session_cookie, session_secret
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.features.accounts import device, links, sessions
from tulou.features.accounts.device import NoSuchCode
from tulou.kernel.errors import BadInput

_FORM_BYTES = 16 * 1024


async def login(call: Call) -> ASGIApp:
    """Say how to get in."""
    return render.page(call, "login.html")


async def show_link(call: Call) -> ASGIApp:
    """Show a button. Only pressing it spends the link: mail scanners and previews follow links too."""
    user = await in_thread(links.whose, call.m, call.params["secret"])
    return render.page(call, "one_time.html", user=user)


async def use_link(call: Call) -> ASGIApp:
    """Sign in, with a session secret that did not exist before."""
    secret = await in_thread(links.redeem, call.m, call.actor, call.params["secret"])
    answer = RedirectResponse("/settings/tokens", 303, render.HEADERS)
    answer.set_cookie(
        session_cookie(call.base), secret, max_age=sessions.SESSION_SECONDS, path="/",
        secure=call.base.startswith("https:"), httponly=True, samesite="lax",
    )
    return answer


async def logout(call: Call) -> ASGIApp:
    """Close the session here and in the browser."""
    secret = session_secret(call.m, call.request.headers)
    if secret is not None:
        await in_thread(sessions.close, call.m, secret)
    answer = RedirectResponse("/", 303, render.HEADERS)
    for name in {SESSION_COOKIE, session_cookie(call.base)}:
        answer.delete_cookie(name, path="/", secure=name.startswith("__Host-"), httponly=True, samesite="lax")
    return answer


async def show_device(call: Call) -> ASGIApp:
    """Ask for the code that the program shows; with one in the URL, ask whether to let that program in."""
    typed = call.query("code")
    if typed is None:
        return render.page(call, "device.html", waiting=None, problem=None)
    try:
        waiting = await in_thread(device.find, call.m, typed)
    except NoSuchCode as problem:
        return render.page(call, "device.html", status=problem.status, waiting=None, problem=problem.message)
    return render.page(call, "device.html", waiting=waiting, shown=device.shown(waiting.user_code), problem=None)


async def decide_device(call: Call) -> ASGIApp:
    """Let the program in, or refuse it."""
    fields = dict(await call.form(_FORM_BYTES))
    if fields.get("decision") not in {"approve", "deny"}:
        raise BadInput("The decision is 'approve' or 'deny'.")
    approve = fields["decision"] == "approve"
    await in_thread(lambda: device.decide(call.m, call.actor, fields.get("code", ""), approve=approve))
    return render.page(call, "device_done.html", approved=approve)


ROUTES = [
    Route(("GET", "HEAD"), "/login", login, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
    Route(("GET", "HEAD"), "/one-time/{secret}", show_link, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/one-time/{secret}", use_link, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/logout", logout, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
    Route(("GET", "HEAD"), "/device", show_device, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/device", decide_device, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
]
