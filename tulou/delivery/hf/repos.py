"""Make, rename, close, copy and delete repositories."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.hf.spaces import integer
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread, objects, optional_text, text
from tulou.delivery.kit.routes import Access, Route
from tulou.features.access import gate
from tulou.features.content import lifecycle
from tulou.features.repos.model import Repo
from tulou.features.spaces import options
from tulou.features.spaces.create import create as create_space
from tulou.features.spaces.duplicate import duplicate as duplicate_space
from tulou.features.spaces.options import Options
from tulou.kernel.actor import Action
from tulou.kernel.errors import AlreadyExists, BadInput, NotBuilt, NotFound, RepoNotFound
from tulou.kernel.limits import SPACE_SETTINGS, SPACE_VOLUMES
from tulou.kernel.names import GIT_KINDS, RepoKind, RepoName, parse_repo_id, parse_repo_name

_KINDS = {kind.value: kind for kind in GIT_KINDS}


async def create(call: Call) -> ASGIApp:
    """POST /api/repos/create."""
    body = await call.json()
    name = _named(call, body)
    sdk = optional_text(body, "sdk", limit=40)
    _refuse(body, name.kind)
    visibility = _visibility(body)
    if name.kind is RepoKind.SPACE:
        template = optional_text(body, "template", limit=200)
        chosen = await in_thread(_options, call, body)
        make = partial(create_space, call.m, call.actor, name, visibility=visibility, sdk=sdk, template=template, chosen=chosen)
    else:
        make = partial(lifecycle.create, call.m, call.actor, name, visibility=visibility, sdk=sdk)
    made = await _or_existing(call, name, make)
    return answers.json({"url": call.repo_url(made), "name": made.name.full, "id": made.id})


async def delete(call: Call) -> ASGIApp:
    """DELETE /api/repos/delete."""
    await in_thread(lifecycle.delete, call.m, call.actor, _named(call, await call.json()))
    return answers.json({})


async def move(call: Call) -> ASGIApp:
    """POST /api/repos/move."""
    body = await call.json()
    kind = RepoKind.BUCKET if body.get("type") == "bucket" else _kind(body)
    old, new = parse_repo_id(kind, text(body, "fromRepo")), parse_repo_id(kind, text(body, "toRepo"))
    moved = await in_thread(lifecycle.move, call.m, call.actor, old, new)
    return answers.json({"url": call.repo_url(moved)})


async def settings(call: Call) -> ASGIApp:
    """PUT /api/{kind}/{repo}/settings."""
    body = await call.json()
    unknown = set(body) - {"private", "visibility", "gated"}
    if unknown:
        raise NotBuilt("This server changes 'visibility' (or 'private') and 'gated' here; other settings are not built yet.")
    gated = _gated(body)
    visibility = _visibility(body)
    await in_thread(lambda: lifecycle.change(call.m, call.actor, call.repo, visibility=visibility, gated=gated))
    return answers.json({})


async def duplicate(call: Call) -> ASGIApp:
    """POST /api/{kind}/{repo}/duplicate."""
    body = await call.json()
    new = parse_repo_id(call.repo.name.kind, text(body, "repository"))
    _refuse(body, new.kind)
    visibility = _visibility(body)
    if new.kind is RepoKind.SPACE:
        chosen = await in_thread(_options, call, body)
        copy = partial(duplicate_space, call.m, call.actor, call.repo, new, visibility=visibility, chosen=chosen)
    else:
        copy = partial(lifecycle.duplicate, call.m, call.actor, call.repo, new, visibility=visibility)
    made = await _or_existing(call, new, copy)
    return answers.json({"url": call.repo_url(made)})


async def _or_existing(call: Call, name: RepoName, make: Callable[[], Repo]) -> Repo:
    """Make a repository; if it is there, the 409 carries its URL, from which clients with `exist_ok` go on."""
    try:
        made = await in_thread(make)
    except AlreadyExists as problem:
        try:
            found = await in_thread(gate.repo, call.m, call.actor, name, Action.READ_INFO)
        except RepoNotFound:
            raise problem from None
        problem.url = call.repo_url(found)
        raise
    return made


def _named(call: Call, body: dict[str, Any]) -> RepoName:
    account = optional_text(body, "organization") or call.actor.name or ""
    name = text(body, "name")
    if "/" in name:
        account, _, name = name.partition("/")
    return parse_repo_name(_kind(body), account, name)


def _kind(body: dict[str, Any]) -> RepoKind:
    kind = body.get("type") or "model"
    if kind == "bucket":
        raise BadInput("Buckets are made and deleted at /api/buckets/{namespace}/{name}.")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise NotFound("The field 'type' must be model, dataset, space or kernel.")
    return _KINDS[kind]


def _visibility(body: dict[str, Any]) -> str | None:
    if body.get("visibility") is not None:
        visibility = text(body, "visibility")
        if visibility == "protected":
            raise NotBuilt("Protected Spaces are not built yet: choose public or private.")
        return visibility
    private = body.get("private")
    if private is None:
        return None
    if not isinstance(private, bool):
        raise BadInput("The field 'private' must be true or false.")
    return "private" if private else "public"


def _gated(body: dict[str, Any]) -> str | None:
    if "gated" not in body:
        return None
    gated = body["gated"]
    return "" if gated is False else text(body, "gated")


def _options(call: Call, body: dict[str, Any]) -> Options:
    """Return what a body says about a Space to be made. Raises BadInput."""
    return options.check(
        call.m,
        call.actor,
        hardware=optional_text(body, "hardware", limit=40),
        sleep_seconds=integer(body, "sleepTimeSeconds"),
        secrets=_objects(body, "secrets", SPACE_SETTINGS),
        variables=_objects(body, "variables", SPACE_SETTINGS),
        wanted_volumes=_objects(body, "volumes", SPACE_VOLUMES),
    )


def _objects(body: dict[str, Any], name: str, limit: int) -> list[dict[str, Any]]:
    return objects(body, name, limit=limit) if body.get(name) is not None else []


def _refuse(body: dict[str, Any], kind: RepoKind) -> None:
    asked = [key for key in ("resourceGroupId", "region") if body.get(key)]
    if asked:
        raise NotBuilt(f"This server cannot honour {', '.join(asked)} yet: leave it out.")
    of_spaces = [key for key in _OF_SPACES if body.get(key)]
    if of_spaces and kind is not RepoKind.SPACE:
        raise BadInput(f"Only a Space has {', '.join(of_spaces)}.")


_OF_SPACES = ("hardware", "sleepTimeSeconds", "secrets", "variables", "volumes", "template")


ROUTES = [
    Route(("POST",), "/api/repos/create", create, Access.SIGNED_IN),
    Route(("DELETE",), "/api/repos/delete", delete, Access.SIGNED_IN),
    Route(("POST",), "/api/repos/move", move, Access.SIGNED_IN),
    Route(("PUT",), "/api/{kind}/{account}/{name}/settings", settings, Action.ADMIN),
    Route(("POST",), "/api/{kind}/{account}/{name}/duplicate", duplicate, Action.READ_CONTENT),
]
