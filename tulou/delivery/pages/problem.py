"""What a browser sees when something is wrong."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import Response

from tulou.delivery.kit import answers
from tulou.delivery.pages import render
from tulou.delivery.pages.render import Reader
from tulou.delivery.pages.words import language_of, theme_of
from tulou.kernel.actor import Actor
from tulou.kernel.errors import HubError, SignInNeeded


def page(problem: HubError, headers: Headers, actor: Actor, here: str) -> Response:
    """Return an error as a page; status and headers are those that programs get."""
    plain = answers.error(problem)
    template = "login.html" if isinstance(problem, SignInNeeded) else "problem.html"
    reader = Reader(actor, language_of(headers), theme_of(headers), base="", here=here, now=0)
    body = render.text(template, reader, problem=problem, next=here, name="", again=False)
    kept = {name: value for name, value in plain.headers.items() if name not in {"content-length", "content-type"}}
    return Response(body, plain.status_code, {**kept, **render.HEADERS}, media_type="text/html")
