"""Who may see the pages of the administration: administrators, who proved within half a day that they are."""

from __future__ import annotations

from functools import wraps
from urllib.parse import quote

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Handler, Login, Route
from tulou.delivery.pages.forms import see, this_session
from tulou.features.accounts import sessions
from tulou.kernel.errors import NotFound

RECENT_MS = 12 * 3_600_000


def route(method: str, path: str, handler: Handler) -> Route:
    """Make a route that only administrators find."""
    methods = ("GET", "HEAD") if method == "GET" else (method,)
    return Route(methods, f"/admin{path}", _guarded(handler), Access.PUBLIC, Login.COOKIE, Budget.PAGES)


def _guarded(handler: Handler) -> Handler:
    @wraps(handler)
    async def guarded(call: Call) -> ASGIApp:
        if call.actor.is_anonymous or not call.actor.is_admin:
            raise NotFound("There is no such address on this hub.")  # the very words for an address that does not exist
        opened = await in_thread(sessions.opened_at, call.m, this_session(call))
        if opened <= call.m.clock.now() - RECENT_MS:
            onward = call.request.url.path if call.request.method in {"GET", "HEAD"} else "/admin"
            return see(f"/login?again=1&next={quote(onward, safe='')}")
        return await handler(call)

    return guarded
