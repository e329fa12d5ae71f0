"""The page of a user or an organization: who they are, their repositories, and who belongs together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.lists import TITLES
from tulou.features.access import counts
from tulou.features.access.rules import may_create
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.model import Account, AccountKind
from tulou.features.cards import listing
from tulou.features.orgs import lookup as orgs
from tulou.kernel.actor import Role
from tulou.kernel.errors import AccountNotFound
from tulou.kernel.names import GIT_KINDS, RepoKind, parse_account

_PAGE = 60
_FACES = 48
SORTS = {"lastModified": "Changed last", "createdAt": "Newest", "downloads": "Most downloads"}


@dataclass(frozen=True, slots=True)
class Tab:
    """One kind of repository, how many there are, and where they are listed."""

    title: str
    count: int
    url: str
    is_here: bool


async def show(call: Call) -> ASGIApp:
    """Show an account."""
    return render.page(call, "account.html", **await in_thread(_shown, call))


def _shown(call: Call) -> dict[str, Any]:
    found = accounts.by_name(call.m, parse_account(call.params["account"]))
    if found is None:
        raise AccountNotFound
    is_org = found.kind is AccountKind.ORG
    role = call.actor.memberships.get(found.id)
    return {
        "account": found,
        "is_org": is_org,
        "members": orgs.members(call.m, found, limit=_FACES) if is_org else [],
        "member_count": orgs.count_members(call.m, found) if is_org else 0,
        "memberships": [] if is_org else orgs.memberships(call.m, found.id),
        "is_mine": call.actor.user_id == found.id,
        "may_govern": is_org and (role is Role.ADMIN or call.actor.is_admin),
        "may_create": may_create(call.actor, found.id) and not call.actor.is_anonymous,
        **_repositories(call, found),
    }


def _repositories(call: Call, owner: Account) -> dict[str, Any]:
    found = counts.by_kind(call.m, call.actor, owner.id)
    first = next((kind for kind in GIT_KINDS if found[kind]), RepoKind.MODEL)
    asked = call.query("kind")
    kind = RepoKind(asked) if asked in GIT_KINDS else first
    sort = call.query("sort") if call.query("sort") in SORTS else "lastModified"
    cursor = call.query("cursor") or None
    wanted = listing.Filter(kind, author=owner.name, sort=sort or "lastModified", limit=_PAGE, cursor=cursor)
    page = listing.page(call.m, call.actor, wanted)
    shown = [one for one in GIT_KINDS if found[one] or one is not RepoKind.KERNEL]
    return {
        "kind": kind,
        "bucket_count": found[RepoKind.BUCKET],
        "tabs": [Tab(TITLES[one], found[one], _url(owner, kind=one.value, sort=sort), one is kind) for one in shown],
        "sorts": [(title, _url(owner, kind=kind.value, sort=key), key == sort) for key, title in SORTS.items()],
        "repos": page.items,
        "next": _url(owner, kind=kind.value, sort=sort, cursor=page.cursor) if page.cursor else None,
    }


def _url(owner: Account, **chosen: str | None) -> str:
    return f"/{owner.name}?{urlencode({key: value for key, value in chosen.items() if value})}"


ROUTES = [Route(("GET", "HEAD"), "/{account}", show, Access.PUBLIC, Login.COOKIE, Budget.PAGES)]
