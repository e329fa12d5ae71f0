"""The front page, and what tells a load balancer that the hub is alive."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.lists import TITLES
from tulou.features.cards import spotlight
from tulou.kernel.names import RepoKind

_TRENDING, _RECENT, _YOURS = 6, 9, 6
_SHOWN = (RepoKind.MODEL, RepoKind.DATASET, RepoKind.SPACE)


async def home(call: Call) -> ASGIApp:
    """Show what is used and fresh, what is the reader's, and how to begin."""
    return render.page(call, "home.html", **await in_thread(_home, call))


async def health(call: Call) -> ASGIApp:
    """Answer a load balancer."""
    return answers.json({"status": "ok"})


def _home(call: Call) -> dict[str, Any]:
    reader = (call.actor.user_id, call.actor.name)
    known = call.m.cache.get("home", reader)
    if isinstance(known, dict):
        return known
    mark = call.m.cache.mark()
    recent = spotlight.recent(call.m, call.actor, _RECENT)
    found: dict[str, Any] = {
        "trending": [(kind.plural, TITLES[kind], spotlight.trending(call.m, call.actor, kind, _TRENDING)) for kind in _SHOWN],
        "recent": recent,
        "yours": spotlight.yours(call.m, call.actor, _YOURS),
        "is_empty": not recent,
    }
    call.m.cache.put(mark, "home", reader, found)
    return found


ROUTES = [
    Route(("GET", "HEAD"), "/", home, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
    Route(("GET", "HEAD"), "/healthz", health, Access.PUBLIC, budget=Budget.NONE),
]
