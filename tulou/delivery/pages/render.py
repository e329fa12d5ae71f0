"""Turn a template into a page: escaped, translated, and unable to run anything that is not ours."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import Headers
from starlette.responses import Response

import tulou
from tulou.delivery.kit.call import Call
from tulou.kernel.clock import iso

WEB = Path(tulou.__file__).parent / "web"
LANGUAGES = ("en", "zh")
LANGUAGE_COOKIE = "tulou_lang"

_UNITS = ("B", "kB", "MB", "GB", "TB")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # `no-referrer` would make browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-store",
    "Vary": "Accept-Language, Cookie",
}


def page(call: Call, template: str, *, status: int = 200, **values: Any) -> Response:
    """Answer with a page in the reader's language."""
    language = language_of(call.request.headers, call.query("lang"))
    answer = Response(
        text(template, language, actor=call.actor, base=call.base, **values), status, HEADERS, media_type="text/html"
    )
    if call.query("lang") in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=31_536_000, httponly=True, samesite="lax")
    return answer


def text(template: str, language: str, **values: Any) -> str:
    """Return a rendered template."""
    words = translations(language)

    def translate(message: str, **named: Any) -> str:
        return words.get(message, message).format(**named) if named else words.get(message, message)

    return environment().get_template(template).render(_=translate, language=language, **values)


def language_of(headers: Headers, asked: str | None = None) -> str:
    """Return the first of: what the URL asks for, what was chosen before, what the browser prefers, English."""
    cookie = headers.get("cookie", "")
    chosen = next((part.partition("=")[2] for part in cookie.split("; ") if part.startswith(f"{LANGUAGE_COOKIE}=")), None)
    preferred = [part.partition(";")[0].strip()[:2].lower() for part in headers.get("accept-language", "").split(",")[:20]]
    return next((language for language in (asked, chosen, *preferred) if language in LANGUAGES), "en") or "en"


@cache
def environment() -> Environment:
    """Return the templates, loaded once: they are part of the program."""
    loader = FileSystemLoader(WEB / "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["size"] = size
    made.filters["date"] = date
    return made


@cache
def translations(language: str) -> dict[str, str]:
    """Return the words of a language by their English; English needs none."""
    if language == "en":
        return {}
    words: dict[str, str] = json.loads((WEB / "locale" / f"{language}.json").read_text(encoding="utf-8"))
    return words


def size(count: int) -> str:
    """Format bytes in decimal units, as the Hub does: `1.23 MB`."""
    power = min((len(str(count)) - 1) // 3, len(_UNITS) - 1)
    value = count / 1000**power
    return f"{value:.3g} {_UNITS[power]}" if value < 999.5 else f"{value:.0f} {_UNITS[power]}"


def date(millis: int) -> str:
    """Format Unix milliseconds as a day: `2026-11-24`."""
    return iso(millis)[:10]
