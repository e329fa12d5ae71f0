"""Remember in which language and theme a reader wants the pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.words import LANGUAGE_COOKIE, LANGUAGES, THEME_COOKIE, THEMES
from tulou.kernel.errors import BadInput

_FORM_BYTES = 1024
_SECONDS = 31_536_000


async def choose(call: Call) -> ASGIApp:
    """Set the cookie of what was chosen, and go back to the page that asked."""
    fields = dict(await call.form(_FORM_BYTES))
    answer = RedirectResponse(_back(call), 303, render.HEADERS)
    language, theme = fields.get("lang"), fields.get("theme")
    if language in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=_SECONDS, path="/", httponly=True, samesite="lax")
    elif theme in THEMES:
        answer.set_cookie(THEME_COOKIE, theme, max_age=_SECONDS, path="/", httponly=True, samesite="lax")
    elif theme == "system":
        answer.delete_cookie(THEME_COOKIE, path="/", httponly=True, samesite="lax")
    else:
        raise BadInput("There is no such language or theme.")
    return answer


def _back(call: Call) -> str:
    """Return the path of the page before, if it was one of ours."""
    came = urlsplit(call.request.headers.get("referer", ""))
    # Browsers take a backslash for a slash, and two of them for the start of a host.
    is_path = came.path.startswith("/") and not came.path.replace("\\", "/").startswith("//")
    is_ours = is_path and f"{came.scheme}://{came.netloc}" == call.base
    query = "&".join(part for part in came.query.split("&") if part and not part.startswith("lang="))
    return came.path + (f"?{query}" if query else "") if is_ours else "/"


ROUTES = [Route(("POST",), "/settings/look", choose, Access.PUBLIC, Login.COOKIE, Budget.PAGES)]
