"""Branches, tags, history."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.hf import shapes
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread, optional_text, text
from tulou.delivery.kit.routes import Route
from tulou.features.content import branches, log, revisions
from tulou.features.content.log import Commit
from tulou.kernel.actor import Action
from tulou.kernel.clock import iso
from tulou.kernel.limits import COMMITS_PAGE


async def list_refs(call: Call) -> ASGIApp:
    """GET …/refs: every branch, tag and converted ref; pull requests on request."""
    known = (await in_thread(revisions.refs, call.m, call.repo)).values()

    def below(prefix: str) -> list[dict[str, str]]:
        return [shapes.ref(item, prefix) for item in known if item.name.startswith(prefix)]

    body = {"branches": below("refs/heads/"), "converts": below("refs/convert/"), "tags": below("refs/tags/")}
    if call.flag("include_prs") or call.flag("include_pull_requests"):
        body["pullRequests"] = [shapes.ref(item, "refs/") for item in known if item.name.startswith("refs/pr/")]
    return answers.json(body)


async def list_commits(call: Call) -> ASGIApp:
    """GET …/commits/{rev}: the log, newest first, paged."""
    formatted = "formatted" in call.queries("expand[]", "expand")
    skip = _number(call.query("cursor"), 0)
    limit = min(_number(call.query("limit"), COMMITS_PAGE) or COMMITS_PAGE, 1000)
    if call.query("p"):
        skip = _number(call.query("p"), 0) * limit
    found = await in_thread(log.commits, call.m, call.repo, call.params["rev"], skip, limit + 1)
    cursor = str(skip + limit) if len(found) > limit else None
    return answers.page(call, [_commit(c, formatted=formatted) for c in found[:limit]], cursor)


def _commit(item: Commit, *, formatted: bool) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "id": item.oid, "title": item.title, "message": item.message, "authors": [{"user": item.author}], "date": iso(item.at),
    }  # fmt: skip
    if formatted:
        shape["formatted"] = {"title": shapes.escape(item.title), "message": shapes.escape(item.message)}
    return shape


async def create_branch(call: Call) -> ASGIApp:
    """POST …/branch/{branch}."""
    body = await call.json()
    start = optional_text(body, "startingPoint")
    overwrite = body.get("overwrite") is True
    await in_thread(
        lambda: branches.create_branch(call.m, call.actor, call.repo, call.params["branch"], start, overwrite=overwrite)
    )
    return answers.json({})


async def delete_branch(call: Call) -> ASGIApp:
    """DELETE …/branch/{branch}."""
    await in_thread(branches.delete_branch, call.m, call.actor, call.repo, call.params["branch"])
    return answers.json({})


async def create_tag(call: Call) -> ASGIApp:
    """POST …/tag/{rev}."""
    body = await call.json()
    message = optional_text(body, "message", limit=60_000)
    await in_thread(branches.create_tag, call.m, call.actor, call.repo, text(body, "tag"), call.params["rev"], message)
    return answers.json({})


async def delete_tag(call: Call) -> ASGIApp:
    """DELETE …/tag/{tag}."""
    await in_thread(branches.delete_tag, call.m, call.actor, call.repo, call.params["tag"])
    return answers.json({})


async def super_squash(call: Call) -> ASGIApp:
    """POST …/super-squash/{branch}."""
    body = await call.json()
    message = text(body, "message", default=f"Super-squash branch '{call.params['branch'][:100]}'", limit=60_000)
    await in_thread(branches.squash, call.m, call.actor, call.repo, call.params["branch"], message)
    return answers.json({})


def _number(value: str | None, default: int) -> int:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 10 else default


_BASE = "/api/{kind}/{account}/{name}"
ROUTES = [
    Route(("GET",), f"{_BASE}/refs", list_refs, Action.READ_INFO),
    Route(("GET",), f"{_BASE}/commits/{{rev}}", list_commits, Action.READ_INFO),
    Route(("POST",), f"{_BASE}/branch/{{branch}}", create_branch, Action.WRITE),
    Route(("DELETE",), f"{_BASE}/branch/{{branch}}", delete_branch, Action.WRITE),
    Route(("POST",), f"{_BASE}/tag/{{rev}}", create_tag, Action.WRITE),
    Route(("DELETE",), f"{_BASE}/tag/{{tag}}", delete_tag, Action.WRITE),
    Route(("POST",), f"{_BASE}/super-squash/{{branch}}", super_squash, Action.ADMIN),
]
