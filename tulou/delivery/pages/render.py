"""Turn a template into a page: escaped, translated, and unable to run anything that is not ours."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import Headers
from starlette.responses import Response

from tulou.delivery.kit.call import Call
from tulou.delivery.pages import assets, formats
from tulou.delivery.pages.assets import WEB
from tulou.delivery.pages.formats import date, size
from tulou.delivery.pages.words import LANGUAGE_COOKIE, LANGUAGES, language_of, theme_of, translator
from tulou.kernel.actor import Actor
from tulou.kernel.clock import iso

__all__ = ["HEADERS", "WEB", "Reader", "date", "page", "reader_of", "size", "text"]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; "
        "worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # `no-referrer` would make browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-store",
    "Vary": "Accept-Language, Accept-Encoding, Cookie",
}
_COMPRESS_FROM = 2048


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a page, and how: what every template may use."""

    actor: Actor
    language: str
    theme: str | None
    base: str
    here: str
    """The path of the page."""
    now: int
    """Unix milliseconds, for "3 days ago"."""


def page(call: Call, template: str, *, status: int = 200, frame_source: str | None = None, **values: Any) -> Response:
    """Answer with a page in the reader's language. `frame_source` is an origin that it may show in a frame."""
    reader = reader_of(call)
    body = text(template, reader, **values).encode()
    headers = dict(HEADERS)
    if frame_source is not None:
        headers["Content-Security-Policy"] += f"; frame-src {frame_source}"
    # Only what was merely looked at: an answer to a form may hold a secret next to what somebody else wrote (BREACH).
    if call.request.method == "GET" and _takes_gzip(call.request.headers) and len(body) >= _COMPRESS_FROM:
        body = gzip.compress(body, 4, mtime=0)
        headers["Content-Encoding"] = "gzip"
    answer = Response(body, status, headers, media_type="text/html")
    if call.query("lang") in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, reader.language, max_age=31_536_000, httponly=True, samesite="lax")
    return answer


def reader_of(call: Call) -> Reader:
    """Return the reader of a request."""
    headers = call.request.headers
    language = language_of(headers, call.query("lang"))
    return Reader(call.actor, language, theme_of(headers), call.base, call.request.url.path, call.m.clock.now())


def text(template: str, reader: Reader, **values: Any) -> str:
    """Return a rendered template. Beside `values` it knows `_`, `moment`, `actor`, `language`, `theme`, `base`, `here`, `now`."""
    translate = translator(reader.language)
    return environment().get_template(template).render(
        _=translate,
        moment=lambda millis: formats.moment(millis, reader.now, translate),
        actor=reader.actor,
        language=reader.language,
        theme=reader.theme,
        base=reader.base,
        here=reader.here,
        now=reader.now,
        **values,
    )


@cache
def environment() -> Environment:
    """Return the templates, loaded once: they are part of the program."""
    loader = FileSystemLoader(WEB / "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters.update(size=size, date=date, short=formats.short, task=formats.task, clock=iso)
    made.globals["asset"] = assets.url
    return made


def _takes_gzip(headers: Headers) -> bool:
    return "gzip" in headers.get("accept-encoding", "")
