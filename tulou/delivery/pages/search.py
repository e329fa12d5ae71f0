"""Search for repositories by what their cards say, and for people by name."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.lists import TITLES
from tulou.delivery.pages.words import language_of
from tulou.features.docs import manual
from tulou.features.search import find
from tulou.kernel.names import GIT_KINDS, KIND_BY_PLURAL, RepoKind

PAGE = 20
_PEOPLE, _PEOPLE_BESIDE = 60, 6
_TABS = (RepoKind.MODEL, RepoKind.DATASET, RepoKind.SPACE)


async def show(call: Call) -> ASGIApp:
    """Show one page of what was found."""
    return render.page(call, "search.html", **await in_thread(_found, call))


def _found(call: Call) -> dict[str, Any]:
    query = (call.query("q") or "").strip()[: find.QUERY_CHARS]
    asked = call.query("kind") or ""
    kind = KIND_BY_PLURAL.get(asked)
    wants_people = asked == "people"
    number = _number(call)
    kinds = [kind] if kind else list(GIT_KINDS)
    answer = find.repositories(call.m, call.actor, query, kinds) if query and not wants_people else None
    items = answer.items[(number - 1) * PAGE : number * PAGE] if answer else []
    people = find.people(call.m, query, _PEOPLE if wants_people else _PEOPLE_BESIDE) if kind is None and number == 1 else []
    has_more = answer is not None and len(answer.items) > number * PAGE
    tabs = [("All", ""), *((TITLES[known], known.plural) for known in _TABS), ("People", "people")]
    return {
        "query": query,
        "asked": asked if kind or wants_people else "",
        "tabs": [(title, word, _url(query, word)) for title, word in tabs],
        "items": items,
        "people": people,
        "is_ready": answer is None or answer.is_ready,
        "manual": f"{manual.BASE}/{language_of(call.request.headers)}?{urlencode({'q': query})}" if manual.is_here() else None,
        "previous": _url(query, asked, number - 1) if number > 1 else None,
        "next": _url(query, asked, number + 1) if has_more else None,
    }


def _number(call: Call) -> int:
    text = call.query("page") or "1"
    last = find.HITS // PAGE
    return min(max(1, int(text)), last) if text.isascii() and text.isdecimal() and len(text) < 4 else 1


def _url(query: str, kind: str, number: int = 1) -> str:
    pairs = {"q": query, "kind": kind, "page": str(number) if number > 1 else ""}
    return "/search?" + urlencode({name: value for name, value in pairs.items() if value})


ROUTES = [Route(("GET", "HEAD"), "/search", show, Access.PUBLIC, Login.COOKIE, Budget.PAGES)]
