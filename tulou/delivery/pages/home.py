"""The front page, an account's page, and the pages that stand in for what is missing."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.lists import TITLES
from tulou.features.access import counts
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.model import AccountKind
from tulou.features.cards import spotlight
from tulou.features.orgs import lookup as orgs
from tulou.kernel.errors import AccountNotFound
from tulou.kernel.names import RepoKind, parse_account

_TRENDING, _RECENT, _YOURS = 6, 9, 6
_SHOWN = (RepoKind.MODEL, RepoKind.DATASET, RepoKind.SPACE)


async def home(call: Call) -> ASGIApp:
    """Show what is used and fresh, what is the reader's, and how to begin."""
    return render.page(call, "home.html", **await in_thread(_home, call))


async def account(call: Call) -> ASGIApp:
    """Show a user or an organization with its repositories."""
    return render.page(call, "account.html", **await in_thread(_account, call))


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


def _account(call: Call) -> dict[str, Any]:
    found = accounts.by_name(call.m, parse_account(call.params["account"]))
    if found is None:
        raise AccountNotFound
    is_org = found.kind is AccountKind.ORG
    return {
        "account": found,
        "is_org": is_org,
        "members": orgs.members(call.m, found, limit=50) if is_org else [],
        "memberships": [] if is_org else orgs.memberships(call.m, found.id),
        "repos": counts.newest(call.m, call.actor, 200, account_id=found.id),
    }


ROUTES = [
    Route(("GET", "HEAD"), "/", home, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
    Route(("GET", "HEAD"), "/{account}", account, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
    Route(("GET", "HEAD"), "/healthz", health, Access.PUBLIC, budget=Budget.NONE),
]
