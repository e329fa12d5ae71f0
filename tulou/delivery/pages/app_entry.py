"""The hub's side of the way into an application: who may see it gets a ticket to its host."""

from __future__ import annotations

from starlette.types import ASGIApp

from tulou.delivery.kit.apps import frame_url, safe_onward
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.notices import NoApp
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.features.access import gate
from tulou.features.repos import lookup
from tulou.features.repos.model import Repo
from tulou.features.spaces import read
from tulou.features.spaces.model import Space
from tulou.kernel.actor import Action
from tulou.kernel.errors import HubError
from tulou.kernel.names import RepoKind


async def enter(call: Call) -> ASGIApp:
    """GET /spaces/{account}/{name}/enter?next=/…: go to the application."""
    return await in_thread(lambda: _go(call, call.repo, read.get(call.m, call.repo)))


async def enter_by_host(call: Call) -> ASGIApp:
    """GET /login/app/{slug}?next=/…: the same for somebody who comes from the application's host, after signing in."""
    return await in_thread(_go_by_host, call)


def _go_by_host(call: Call) -> ASGIApp:
    space = read.by_slug(call.m, call.params["slug"])
    if space is None:
        raise NoApp
    try:
        repo = lookup.by_id(call.m, space.repo_id)
        gate.check(call.actor, repo, Action.READ_CONTENT)
    except HubError as cause:  # missing and hidden are one answer
        raise NoApp from cause
    return _go(call, repo, space)


def _go(call: Call, repo: Repo, space: Space) -> ASGIApp:
    url = frame_url(call.m, call.base, call.actor, repo, space, safe_onward(call.query("next")))
    if url is None:
        raise NoApp("This hub has no host names for applications: its administrator can choose them with 'apps_url'.")
    # No redirect: after the sign-in form, whose policy knows this origin only, browsers would not follow it to another.
    return render.page(call, "app_onward.html", url=url, repo=repo)


ROUTES = [
    Route(
        ("GET", "HEAD"), "/spaces/{account}/{name}/enter", enter, Action.READ_CONTENT, Login.COOKIE, Budget.PAGES,
        kind=RepoKind.SPACE,
    ),
    Route(("GET", "HEAD"), "/login/app/{slug}", enter_by_host, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
]  # fmt: skip
