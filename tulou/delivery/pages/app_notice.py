"""What a visitor of an application sees when it cannot answer. The page stands on the application's host, not on ours."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import Response

from tulou.delivery.kit import answers
from tulou.delivery.kit.notices import Notice
from tulou.delivery.pages import render
from tulou.delivery.pages.render import Reader
from tulou.delivery.pages.words import language_of
from tulou.kernel.actor import Actor

_TITLES = {
    "app_waking": "Waking up",
    "app_building": "Being built",
    "app_paused": "Paused",
    "app_failed": "Not running",
    "app_gone": "No answer",
    "app_silent": "No answer",
    "app_crowded": "Full house",
    "compute_off": "Not running",
}
_NOT_FOUND = "Nothing here"


def page(notice: Notice, headers: Headers) -> Response:
    """Return a notice as a page in the reader's language. It may be framed: the pages of Spaces show applications so."""
    reader = Reader(Actor(), language_of(headers), None, base=notice.hub, here="", now=0)
    code = notice.problem.code
    title = _TITLES.get(code, _NOT_FOUND if notice.problem.status == 404 else "That did not work")
    body = render.text("app_notice.html", reader, notice=notice, title=title)
    plain = answers.error(notice.problem)
    kept = {name: value for name, value in plain.headers.items() if name not in {"content-length", "content-type"}}
    policy = {
        "Content-Security-Policy": f"default-src 'none'; style-src {notice.hub}; img-src {notice.hub}; base-uri 'none'; "
        "form-action 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept, Accept-Language, Cookie",
        "X-Robots-Tag": "noindex",
    }
    if notice.retry_seconds is not None:
        policy["Refresh"] = str(notice.retry_seconds)  # the page holds nothing that could be lost, and works without scripts
    return Response(body, plain.status_code, {**kept, **policy}, media_type="text/html")
