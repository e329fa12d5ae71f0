"""The front page, an account's page, and the pages that stand in for what is missing."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.features.access import counts
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.model import AccountKind
from tulou.features.orgs import lookup as orgs
from tulou.kernel.errors import AccountNotFound
from tulou.kernel.names import parse_account

_NEWEST = 20


async def home(call: Call) -> ASGIApp:
    """Show what this hub is, how to connect, and what changed last."""
    newest = await in_thread(lambda: counts.newest(call.m, call.actor, _NEWEST))
    return render.page(call, "home.html", newest=newest)


async def account(call: Call) -> ASGIApp:
    """Show a user or an organization with its repositories."""
    return render.page(call, "account.html", **await in_thread(_account, call))


async def health(call: Call) -> ASGIApp:
    """Answer a load balancer."""
    return answers.json({"status": "ok"})


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
