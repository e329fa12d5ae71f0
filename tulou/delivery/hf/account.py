"""Who am I, who are they: `whoami-v2`, overviews, members, access checks, and what an account stores."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp

from tulou.delivery.hf import avatars
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Route
from tulou.features.access import counts, scopes
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts import tokens
from tulou.features.accounts.model import Account
from tulou.features.orgs import lookup as orgs
from tulou.features.orgs.model import Membership
from tulou.features.quota import holdings
from tulou.kernel.actor import Action, Token, TokenRole
from tulou.kernel.clock import iso
from tulou.kernel.errors import AccountNotFound, BadInput, SignInNeeded
from tulou.kernel.limits import LIST_PAGE
from tulou.kernel.names import RepoKind, parse_account


async def whoami(call: Call) -> ASGIApp:
    """Answer `GET /api/whoami-v2`: the person behind the token, and what the token may do."""
    return answers.json(await in_thread(_whoami, call))


async def may_read(call: Call) -> ASGIApp:
    """Answer `GET …/auth-check`: the gate has let the caller through already."""
    return answers.nothing(200)


async def user_overview(call: Call) -> ASGIApp:
    """Answer `GET /api/users/{user}/overview`."""
    return answers.json(await in_thread(_user_overview, call))


async def org_overview(call: Call) -> ASGIApp:
    """Answer `GET /api/organizations/{org}/overview`."""
    return answers.json(await in_thread(_org_overview, call))


async def org_members(call: Call) -> ASGIApp:
    """Answer `GET /api/organizations/{org}/members`, a page at a time."""
    items, cursor = await in_thread(_org_members, call)
    return answers.page(call, items, cursor)


async def my_repositories(call: Call) -> ASGIApp:
    """Answer `GET /api/settings/repositories`."""
    items, cursor = await in_thread(_holdings, call, await in_thread(_me, call))
    return answers.page(call, items, cursor)


async def org_repositories(call: Call) -> ASGIApp:
    """Answer `GET /api/organizations/{org}/settings/repositories`."""
    items, cursor = await in_thread(_holdings, call, await in_thread(accounts.org, call.m, call.params["org"]))
    return answers.page(call, items, cursor)


async def harnesses(call: Call) -> ASGIApp:
    """Answer `GET /api/agent-harnesses` at once: each new process of the client waits for it."""
    return answers.json({"standardEnvVars": [], "harnesses": {}})


async def telemetry(call: Call) -> ASGIApp:
    """Answer `HEAD /api/telemetry/…`: we count nothing."""
    return answers.nothing()


async def user_avatar(call: Call) -> ASGIApp:
    """Answer `GET /api/users/{user}/avatar` with a drawing of the first letter."""
    return _drawing(await in_thread(accounts.user, call.m, call.params["user"]))


async def org_avatar(call: Call) -> ASGIApp:
    """Answer `GET /api/organizations/{org}/avatar` with a drawing of the first letter."""
    return _drawing(await in_thread(accounts.org, call.m, call.params["org"]))


def _whoami(call: Call) -> dict[str, Any]:
    me = _me(call)
    token = call.actor.token
    if token is None:
        raise SignInNeeded
    return {
        "type": "user",
        "id": me.id,
        "name": me.name,
        "fullname": me.fullname or me.name,
        "email": me.email,
        "emailVerified": False,
        "canPay": False,
        "billingMode": None,
        "periodEnd": None,
        "isPro": False,
        "avatarUrl": avatars.url(call.base, me),
        "orgs": [_org_in_whoami(call, membership) for membership in orgs.memberships(call.m, me.id)],
        "auth": {"type": "access_token", "accessToken": _access_token(call, token)},
    }


def _org_in_whoami(call: Call, membership: Membership) -> dict[str, Any]:
    return {
        "type": "org",
        "id": membership.org.id,
        "name": membership.org.name,
        "fullname": membership.org.fullname or membership.org.name,
        "email": None,
        "canPay": False,
        "periodEnd": None,
        "isEnterprise": False,
        "avatarUrl": avatars.url(call.base, membership.org),
        "roleInOrg": membership.role.value,
    }


def _access_token(call: Call, token: Token) -> dict[str, Any]:
    info = tokens.by_id(call.m, token.id)
    answer: dict[str, Any] = {
        "displayName": token.name,
        "role": token.role.value,
        "createdAt": iso(info.created_at if info else call.m.clock.now()),
    }
    if token.role is TokenRole.FINE_GRAINED:
        answer["fineGrained"] = {
            "canReadGatedRepos": False,
            "global": [],
            "scoped": [
                {"entity": {"_id": e.id, "type": e.kind, "name": e.name}, "permissions": sorted(e.permissions)}
                for e in scopes.describe(call.m, token.scopes)
            ],
        }
    return answer


def _me(call: Call) -> Account:
    me = accounts.by_id(call.m, call.actor.user_id or "")
    if me is None:
        raise AccountNotFound
    return me


def _user_overview(call: Call) -> dict[str, Any]:
    user = accounts.user(call.m, call.params["user"])
    return {
        **_user(call, user),
        "_id": user.id,
        "details": None,
        "isFollowing": False,
        "createdAt": iso(user.created_at),
        **_repo_counts(call, user),
        "numDiscussions": 0,
        "numPapers": 0,
        "numUpvotes": 0,
        "numLikes": 0,
        "numFollowing": 0,
        "numFollowers": 0,
        "orgs": [_org(call, membership.org) for membership in orgs.memberships(call.m, user.id)],
    }


def _org_overview(call: Call) -> dict[str, Any]:
    org = accounts.org(call.m, call.params["org"])
    return {
        **_org(call, org),
        "_id": org.id,
        "type": "org",
        "details": None,
        "isVerified": False,
        "isFollowing": False,
        "createdAt": iso(org.created_at),
        "numUsers": orgs.count_members(call.m, org),
        **_repo_counts(call, org),
        "numFollowers": 0,
        "numPapers": 0,
        "plan": None,
    }


def _org_members(call: Call) -> tuple[list[dict[str, Any]], str | None]:
    org = accounts.org(call.m, call.params["org"])
    size = _page_size(call)
    cursor = call.query("cursor")
    found = orgs.members(call.m, org, after=parse_account(cursor) if cursor else "", limit=size + 1)
    items = [{**_user(call, member.user), "role": member.role.value} for member in found[:size]]
    return items, found[size - 1].user.name if len(found) > size else None


def _holdings(call: Call, owner: Account) -> tuple[list[dict[str, Any]], str | None]:
    size = _page_size(call)
    found = holdings.of_account(call.m, call.actor, owner, after=_id_cursor(call), limit=size + 1)
    items = [
        {
            "id": h.name.full, "type": h.name.kind.value, "updatedAt": iso(h.updated_at), "visibility": h.visibility,
            "storage": h.bytes, "storagePercent": h.percent,
        }
        for h in found[:size]
    ]
    return items, found[size - 1].id if len(found) > size else None


def _page_size(call: Call) -> int:
    asked = call.query("limit")
    if asked is None:
        return LIST_PAGE
    if not (asked.isascii() and asked.isdigit() and 1 <= int(asked[:6]) <= LIST_PAGE):
        raise BadInput(f"The limit must be a number between 1 and {LIST_PAGE}.")
    return int(asked)


def _id_cursor(call: Call) -> str | None:
    cursor = call.query("cursor")
    if cursor is not None and not (len(cursor) == ID_CHARS and cursor.isascii() and cursor.isalnum()):
        raise BadInput("That cursor is not one of ours.")
    return cursor


def _user(call: Call, user: Account) -> dict[str, Any]:
    return {
        "type": "user", "user": user.name, "fullname": user.fullname or user.name,
        "avatarUrl": avatars.url(call.base, user), "isPro": False,
    }


def _org(call: Call, org: Account) -> dict[str, Any]:
    return {"name": org.name, "fullname": org.fullname or org.name, "avatarUrl": avatars.url(call.base, org)}


def _repo_counts(call: Call, owner: Account) -> dict[str, int]:
    found = counts.by_kind(call.m, call.actor, owner.id)
    return {
        "numModels": found[RepoKind.MODEL], "numDatasets": found[RepoKind.DATASET],
        "numSpaces": found[RepoKind.SPACE], "numKernels": found[RepoKind.KERNEL],
    }


def _drawing(account: Account) -> Response:
    return Response(avatars.draw(account.name), headers=avatars.HEADERS, media_type="image/svg+xml")


ID_CHARS = 24
_REPO = "/api/{kind}/{account}/{name}"
_ORG = "/api/organizations/{org}"
ROUTES = [
    Route(("GET",), "/api/whoami-v2", whoami, Access.SIGNED_IN),
    Route(("GET", "HEAD"), f"{_REPO}/auth-check", may_read, Action.READ_CONTENT),
    Route(("GET", "HEAD"), f"{_REPO}/auth-check/write", may_read, Action.WRITE),
    Route(("GET",), "/api/users/{user}/overview", user_overview, Access.PUBLIC),
    Route(("GET",), "/api/users/{user}/avatar", user_avatar, Access.PUBLIC),
    Route(("GET",), f"{_ORG}/overview", org_overview, Access.PUBLIC),
    Route(("GET",), f"{_ORG}/members", org_members, Access.PUBLIC),
    Route(("GET",), f"{_ORG}/avatar", org_avatar, Access.PUBLIC),
    Route(("GET",), f"{_ORG}/settings/repositories", org_repositories, Access.SIGNED_IN),
    Route(("GET",), "/api/settings/repositories", my_repositories, Access.SIGNED_IN),
    Route(("GET",), "/api/agent-harnesses", harnesses, Access.PUBLIC, budget=Budget.NONE),
    Route(("HEAD",), "/api/telemetry/{path*}", telemetry, Access.PUBLIC, budget=Budget.NONE),
]
