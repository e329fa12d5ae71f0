"""Quick search as the Hub answers it: a few models, datasets, Spaces, users and organizations for some letters."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.hf import avatars
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Route
from tulou.features.accounts.model import AccountKind
from tulou.features.search import find
from tulou.kernel.names import RepoKind

_DEFAULT, _MOST = 3, 20
_KINDS = {RepoKind.MODEL: "model", RepoKind.DATASET: "dataset", RepoKind.SPACE: "space"}


async def quick(call: Call) -> ASGIApp:
    """GET /api/quicksearch?q=…&limit=…&type=…: counts are of what is answered, so that they tell of nothing hidden."""
    return answers.json(await in_thread(_found, call))


def _found(call: Call) -> dict[str, Any]:
    query = call.query("q") or ""
    limit = _limit(call.query("limit"))
    types = set(call.queries("type"))
    answer: dict[str, Any] = {"q": query[: find.QUERY_CHARS]}
    kinds = [kind for kind, word in _KINDS.items() if not types or word in types]
    found = find.repositories(call.m, call.actor, query, kinds).items
    for kind in _KINDS:
        items = [item.repo for item in found if item.repo.name.kind is kind]
        shown = [{"_id": item.id, "id": item.name.full, "private": item.is_private} for item in items[:limit]]
        answer |= {kind.plural: shown, f"{kind.plural}Count": len(items)}
    people = find.people(call.m, query, 2 * _MOST)
    for family, word, name in ((AccountKind.USER, "user", "users"), (AccountKind.ORG, "org", "orgs")):
        accounts = [account for account in people if account.kind is family] if not types or word in types else []
        answer[name] = [
            {
                "_id": account.id, ("user" if word == "user" else "name"): account.name, "fullname": account.fullname,
                "avatarUrl": avatars.url(call.base, account), "type": word,
            }
            for account in accounts[:limit]
        ]  # fmt: skip
        answer[f"{name}Count"] = len(accounts)
    return answer


def _limit(text: str | None) -> int:
    return min(max(1, int(text)), _MOST) if text and text.isascii() and text.isdecimal() and len(text) < 4 else _DEFAULT


ROUTES = [Route(("GET",), "/api/quicksearch", quick, Access.PUBLIC)]
