"""What the Hub's API has and this server not yet: each address answers 501 and says so."""

from __future__ import annotations

from starlette.types import ASGIApp

from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread, text
from tulou.delivery.kit.routes import Access, Handler, Route
from tulou.features.access import gate
from tulou.features.content import pulls
from tulou.kernel.actor import Action
from tulou.kernel.errors import NotBuilt, RepoNotFound, SignInNeeded

_ALL = ("GET", "POST", "PUT", "PATCH", "DELETE")

_REPO = {
    "discussions/{num}": "Discussions and the review of pull requests are not built yet.",
    "discussions/{num}/{rest*}": "Discussions and the review of pull requests are not built yet.",
    "like": "Likes are not built yet.",
    "likers": "Likes are not built yet.",
    "user-access-request/{rest*}": "Access requests are not built yet: add people to the organization instead.",
    "sql-console/embed": "Saved queries are not built: the address of a query's page says all of it.",
    "sql-console/embed/{id}": "Saved queries are not built: the address of a query's page says all of it.",
}

_SITE = {
    "/api/collections": "Collections are not built yet.",
    "/api/collections/{rest*}": "Collections are not built yet.",
    "/api/settings/webhooks": "Webhooks are not built yet.",
    "/api/settings/webhooks/{rest*}": "Webhooks are not built yet.",
    "/api/users/{user}/likes": "Likes are not built yet.",
    "/api/users/{user}/followers": "Following people is not built.",
    "/api/users/{user}/following": "Following people is not built.",
    "/api/organizations/{org}/followers": "Following people is not built.",
    "/api/papers/{rest*}": "Papers are not built.",
    "/api/daily_papers": "Papers are not built.",
    "/uploads": "Attachments are not built yet.",
}


def _refuse(reason: str) -> Handler:
    async def handler(_call: Call) -> ASGIApp:
        raise NotBuilt(reason)

    return handler


async def no_such_repo(_call: Call) -> ASGIApp:
    """POST|DELETE /api/{kind}/{account}/like: repositories here have an owner."""
    raise RepoNotFound


async def open_discussion(call: Call) -> ASGIApp:
    """POST …/discussions: opens an empty pull request, which `upload_folder(create_pr=True)` then commits to."""
    body = await call.json()
    if body.get("pullRequest") is not True:
        raise NotBuilt("Discussions are not built yet; pull requests can be opened.")
    if call.actor.user_id is None:
        raise SignInNeeded
    gate.check_token_writes(call.actor, call.repo)
    title, description = text(body, "title", limit=500), text(body, "description", default="", limit=60_000)
    number = await in_thread(pulls.open_pull, call.m, call.actor, call.repo, title, description)
    return answers.json({"num": number, "url": f"{call.repo_url(call.repo)}/discussions/{number}"})


ROUTES = [
    *(
        Route(_ALL, f"/api/{{kind}}/{{account}}/{{name}}/{path}", _refuse(reason), Action.READ_INFO)
        for path, reason in _REPO.items()
    ),
    *(Route(_ALL, path, _refuse(reason), Access.PUBLIC) for path, reason in _SITE.items()),
    Route(("POST", "DELETE"), "/api/{kind}/{account}/like", no_such_repo, Access.PUBLIC),
    Route(("POST",), "/api/{kind}/{account}/{name}/discussions", open_discussion, Action.READ_CONTENT),
    Route(
        ("GET",), "/api/{kind}/{account}/{name}/discussions", _refuse("Listing discussions is not built yet."), Action.READ_INFO
    ),
]
