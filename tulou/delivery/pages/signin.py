"""Signing in by password or one-time link, signing out, and letting a program in by its code."""

from __future__ import annotations

from starlette.types import ASGIApp

from tulou.delivery.kit.auth import SESSION_COOKIE, session_cookie
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.forms import browser, fields, safe_path, see, signed_in, this_session
from tulou.features.accounts import device, enter, links, passwords, sessions
from tulou.features.accounts.device import NoSuchCode
from tulou.features.accounts.enter import CodeNeeded, ProofExpired
from tulou.features.accounts.passwords import WrongPassword
from tulou.features.accounts.twofactor import WrongCode
from tulou.kernel.errors import BadInput, HubError, TooManyRequests


class WaitABit(TooManyRequests):
    """Too many tries. Please wait a few minutes, then try again."""

    code = "too_many_tries"


async def login(call: Call) -> ASGIApp:
    """Ask for name and password; `again` asks somebody who is signed in to prove it once more."""
    again = call.flag("again") and not call.actor.is_anonymous
    name = call.actor.name if again else ""
    return render.page(call, "login.html", problem=None, next=safe_path(call.query("next")), name=name or "", again=again)


async def enter_password(call: Call) -> ASGIApp:
    """Sign in, or ask for the code of those who sign in with two steps."""
    form = await fields(call)
    onward, name = safe_path(form.get("next")), form.get("name", "")[:200]
    try:
        got = await in_thread(enter.by_password, call.m, call.actor, name, form.get("password", ""), browser(call))
    except (WrongPassword, TooManyRequests) as problem:
        shown = _wait(problem)
        return render.page(call, "login.html", status=shown.status, problem=shown, next=onward, name=name, again=False)
    if isinstance(got, CodeNeeded):
        return render.page(call, "login_code.html", problem=None, next=onward, proof=got.proof)
    return await in_thread(signed_in, call, got.secret, onward)


async def enter_code(call: Call) -> ASGIApp:
    """Finish a sign-in in two steps."""
    form = await fields(call)
    onward, proof = safe_path(form.get("next")), form.get("proof", "")
    try:
        got = await in_thread(enter.by_code, call.m, call.actor, proof, form.get("code", ""), browser(call))
    except ProofExpired as problem:
        return render.page(call, "login.html", status=problem.status, problem=problem, next=onward, name="", again=False)
    except (WrongCode, TooManyRequests) as problem:
        shown = _wait(problem)
        return render.page(call, "login_code.html", status=shown.status, problem=shown, next=onward, proof=proof)
    return await in_thread(signed_in, call, got.secret, onward)


async def show_link(call: Call) -> ASGIApp:
    """Show a button. Only pressing it spends the link: mail scanners and previews follow links too."""
    user = await in_thread(links.whose, call.m, call.params["secret"])
    return render.page(call, "one_time.html", user=user)


async def use_link(call: Call) -> ASGIApp:
    """Sign in, with a session secret that did not exist before; somebody without a password is asked to choose one."""
    return await in_thread(_use_link, call)


def _use_link(call: Call) -> ASGIApp:
    user = links.whose(call.m, call.params["secret"])
    secret = links.redeem(call.m, call.actor, call.params["secret"], browser(call))
    return signed_in(call, secret, "/" if passwords.has_one(call.m, user.id) else "/settings/password")


async def logout(call: Call) -> ASGIApp:
    """Close the session here and in the browser."""
    secret = this_session(call)
    if secret is not None:
        await in_thread(sessions.close, call.m, secret)
    answer = see("/")
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
    form = await fields(call)
    if form.get("decision") not in {"approve", "deny"}:
        raise BadInput("The decision is 'approve' or 'deny'.")
    approve = form["decision"] == "approve"
    await in_thread(lambda: device.decide(call.m, call.actor, form.get("code", ""), approve=approve))
    return render.page(call, "device_done.html", approved=approve)


def _wait(problem: HubError) -> HubError:
    return WaitABit(problem.retry_after) if isinstance(problem, TooManyRequests) else problem


ROUTES = [
    Route(("GET", "HEAD"), "/login", login, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/login", enter_password, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/login/code", enter_code, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
    Route(("GET", "HEAD"), "/one-time/{secret}", show_link, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/one-time/{secret}", use_link, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/logout", logout, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
    Route(("GET", "HEAD"), "/device", show_device, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/device", decide_device, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
]
