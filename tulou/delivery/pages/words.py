"""Which language a reader gets, and its words. Every string of a page goes through `_()`; the key is the English string.

A page family keeps its words in a file of its own: `locale/zh-files.json` beside the common `locale/zh.json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from tulou.delivery.pages.assets import WEB

LANGUAGES = ("en", "zh")
THEMES = ("light", "dark")
LANGUAGE_COOKIE = "tulou_lang"
THEME_COOKIE = "tulou_theme"

Translate = Callable[..., str]


@cache
def translations(language: str) -> dict[str, str]:
    """Return the words of a language by their English; English needs none."""
    found: dict[str, str] = {}
    if language != "en":
        for path in sorted((WEB / "locale").glob(f"{language}*.json")):
            found.update(json.loads(path.read_text(encoding="utf-8")))
    return found


def translator(language: str) -> Translate:
    """Return `_`: it translates a string and fills in `{names}`."""
    words = translations(language)

    def translate(message: str, **named: object) -> str:
        said = words.get(message, message)
        return said.format(**named) if named else said

    return translate


def language_of(headers: Headers, asked: str | None = None) -> str:
    """Return the first of: what the URL asks for, what was chosen before, what the browser prefers, English."""
    chosen = cookie_parser(headers.get("cookie", "")).get(LANGUAGE_COOKIE)
    preferred = [part.partition(";")[0].strip()[:2].lower() for part in headers.get("accept-language", "").split(",")[:20]]
    return next((language for language in (asked, chosen, *preferred) if language in LANGUAGES), "en") or "en"


def theme_of(headers: Headers) -> str | None:
    """Return the chosen theme, or None: as the reader's system has it."""
    chosen = cookie_parser(headers.get("cookie", "")).get(THEME_COOKIE)
    return chosen if chosen in THEMES else None
