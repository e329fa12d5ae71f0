"""Make a repository on the website: whose, called what, seen by whom, and with which card."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.forms import fields, me, owners, queried, see
from tulou.features.accounts import lookup as accounts
from tulou.features.cards.vocabulary import LICENSES
from tulou.features.content import lifecycle
from tulou.features.content.lifecycle import SDKS
from tulou.kernel.errors import BadInput, HubError
from tulou.kernel.names import GIT_KINDS, RepoKind, RepoName, parse_repo_name

_COMMON = ("apache-2.0", "mit", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc0-1.0", "gpl-3.0", "openrail", "llama3", "gemma")


async def ask(call: Call) -> ASGIApp:
    """Ask what to make."""
    asked = {key: queried(call, key) for key in ("kind", "owner", "name")}
    return await in_thread(_page, call, asked, None)


async def make(call: Call) -> ASGIApp:
    """Make it, and go there."""
    form = await fields(call)
    try:
        name = await in_thread(_make, call, form)
    except HubError as problem:
        return await in_thread(_page, call, form, problem)
    return see(f"/{name.path}")


def _make(call: Call, form: dict[str, str]) -> RepoName:
    try:
        kind = RepoKind(form.get("kind", ""))
    except ValueError as cause:
        raise BadInput("A repository is a model, a dataset, a Space or a kernel.") from cause
    name = parse_repo_name(kind, form.get("owner", ""), form.get("name", "").strip())
    license_id = form.get("license") or None
    if license_id is not None and license_id not in LICENSES:
        raise BadInput("That is not the name of a license.")
    sdk = form.get("sdk") or None if kind is RepoKind.SPACE else None
    visibility = form.get("visibility") or None
    return lifecycle.create(call.m, call.actor, name, visibility=visibility, sdk=sdk, license_id=license_id).name


def _page(call: Call, form: dict[str, str], problem: HubError | None) -> ASGIApp:
    account = me(call)
    chosen = accounts.by_name(call.m, form["owner"]) if form.get("owner") else account
    values: dict[str, Any] = {
        "kinds": [kind.value for kind in GIT_KINDS],
        "owners": owners(call),
        "sdks": sorted(SDKS),
        "licenses": [(key, LICENSES[key]) for key in _COMMON if key in LICENSES],
        "other_licenses": sorted((key, label) for key, label in LICENSES.items() if key not in _COMMON),
        "visibility": form.get("visibility") or (chosen.default_visibility if chosen else "public"),
    }
    status = problem.status if problem else 200
    return render.page(call, "repo_new.html", status=status, typed=form, problem=problem, **values)


ROUTES = [
    Route(("GET", "HEAD"), "/new", ask, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/new", make, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
]
