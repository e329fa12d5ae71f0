"""Spaces: runtime, variables and secrets, hardware, sleep, storage, volumes, and what is done with the application."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.hf import job_shapes, space_shapes
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread, objects, optional_text, text
from tulou.delivery.kit.routes import Access, Handler, Route
from tulou.features.access.rules import Decision, decide
from tulou.features.runs import flavors
from tulou.features.spaces import control, read, settings, templates
from tulou.features.spaces.model import Space
from tulou.kernel.actor import Action
from tulou.kernel.errors import BadInput, NotBuilt
from tulou.kernel.limits import SPACE_VALUE, SPACE_VOLUMES
from tulou.kernel.names import RepoKind

_NAME = 200


async def runtime(call: Call) -> ASGIApp:
    """GET …/runtime."""
    space = await in_thread(read.get, call.m, call.repo)
    can_write = decide(call.actor, call.repo, Action.WRITE) is Decision.ALLOW
    return answers.json(space_shapes.runtime(call.m, space, can_write=can_write))


async def host(call: Call) -> ASGIApp:
    """GET …/host: where the application is."""
    space = await in_thread(read.get, call.m, call.repo)
    return answers.json(space_shapes.place(call.m, call.base, call.repo, space))


async def restart(call: Call) -> ASGIApp:
    """POST …/restart?factory=true."""
    act = partial(control.restart, call.m, call.actor, call.repo, factory=call.flag("factory"))
    return _runtime(call, await in_thread(act))


async def pause(call: Call) -> ASGIApp:
    """POST …/pause."""
    return _runtime(call, await in_thread(control.pause, call.m, call.actor, call.repo))


async def set_hardware(call: Call) -> ASGIApp:
    """POST …/hardware."""
    body = await call.json()
    flavor, seconds = text(body, "flavor", limit=40), integer(body, "sleepTimeSeconds")
    return _runtime(call, await in_thread(control.set_hardware, call.m, call.actor, call.repo, flavor, seconds))


async def set_sleep(call: Call) -> ASGIApp:
    """POST …/sleeptime."""
    seconds = integer(await call.json(), "seconds")
    if seconds is None:
        raise BadInput("The field 'seconds' is a number of seconds, or -1 for never.")
    return _runtime(call, await in_thread(control.set_sleep, call.m, call.actor, call.repo, seconds))


async def set_storage(call: Call) -> ASGIApp:
    """POST …/storage."""
    tier = text(await call.json(), "tier", limit=40)
    return _runtime(call, await in_thread(control.set_storage, call.m, call.actor, call.repo, tier))


async def delete_storage(call: Call) -> ASGIApp:
    """DELETE …/storage: with everything in it."""
    return _runtime(call, await in_thread(control.set_storage, call.m, call.actor, call.repo, None))


async def set_volumes(call: Call) -> ASGIApp:
    """PUT …/volumes."""
    wanted = objects(await call.json(), "volumes", limit=SPACE_VOLUMES)
    return _runtime(call, await in_thread(control.set_volumes, call.m, call.actor, call.repo, wanted))


async def delete_volumes(call: Call) -> ASGIApp:
    """DELETE …/volumes."""
    return _runtime(call, await in_thread(control.delete_volumes, call.m, call.actor, call.repo))


async def dev_mode(call: Call) -> ASGIApp:
    """POST …/dev-mode: not built, except for switching off what is off."""
    if (await call.json()).get("enabled") is not False:
        raise NotBuilt("Dev mode is not built yet: push to the Space, and it is deployed again.")
    return _runtime(call, await in_thread(read.get, call.m, call.repo))


async def variables(call: Call) -> ASGIApp:
    """GET …/variables."""
    return answers.json(space_shapes.variables(await in_thread(settings.variables, call.m, call.repo)))


async def set_variable(call: Call) -> ASGIApp:
    """POST …/variables."""
    await in_thread(settings.set_variable, call.m, call.actor, call.repo, *_pair(await call.json()))
    return await variables(call)


async def delete_variable(call: Call) -> ASGIApp:
    """DELETE …/variables."""
    await in_thread(settings.delete_variable, call.m, call.actor, call.repo, text(await call.json(), "key", limit=_NAME))
    return await variables(call)


async def secrets(call: Call) -> ASGIApp:
    """GET …/secrets: names, never values."""
    return answers.json(space_shapes.secrets(await in_thread(settings.secrets, call.m, call.repo)))


async def set_secret(call: Call) -> ASGIApp:
    """POST …/secrets."""
    await in_thread(settings.set_secret, call.m, call.actor, call.repo, *_pair(await call.json()))
    return await secrets(call)


async def delete_secret(call: Call) -> ASGIApp:
    """DELETE …/secrets."""
    await in_thread(settings.delete_secret, call.m, call.actor, call.repo, text(await call.json(), "key", limit=_NAME))
    return await secrets(call)


async def hardware(call: Call) -> ASGIApp:
    """GET /api/spaces/hardware: what this hub has."""
    return answers.json([job_shapes.hardware(flavor) for flavor in await in_thread(flavors.of_host, call.m)])


async def list_templates(_call: Call) -> ASGIApp:
    """GET /api/spaces/templates."""
    found = [
        {"name": each.title, "repoId": each.repo_id, "sdk": each.sdk, "preferredPrivate": False}
        for each in templates.everything()
    ]
    return answers.json({"templates": found})


async def no_zero_gpu(_call: Call) -> ASGIApp:
    """GET /api/spaces/zero-gpu/quota."""
    raise NotBuilt("This hub shares no GPUs between Spaces: there is no such quota.")


async def no_semantic_search(_call: Call) -> ASGIApp:
    """GET /api/spaces/semantic-search."""
    raise NotBuilt("Searching Spaces by meaning is not built: list them with a search word.")


def integer(body: dict[str, Any], name: str) -> int | None:
    """Take a whole number or null out of a JSON object. Raises BadInput."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**31:
        raise BadInput(f"The field {name!r} must be a whole number.")
    return value


def _runtime(call: Call, space: Space) -> ASGIApp:
    return answers.json(space_shapes.runtime(call.m, space))


def _pair(body: dict[str, Any]) -> tuple[str, str, str | None]:
    return text(body, "key", limit=_NAME), text(body, "value", limit=SPACE_VALUE), optional_text(body, "description", limit=2000)


def _route(method: str, path: str, handler: Handler, action: Action) -> Route:
    return Route((method,), f"/api/spaces/{{account}}/{{name}}/{path}", handler, action, kind=RepoKind.SPACE)


ROUTES = [
    Route(("GET",), "/api/spaces/hardware", hardware, Access.PUBLIC),
    Route(("GET",), "/api/spaces/templates", list_templates, Access.PUBLIC),
    Route(("GET",), "/api/spaces/zero-gpu/quota", no_zero_gpu, Access.PUBLIC),
    Route(("GET",), "/api/spaces/semantic-search", no_semantic_search, Access.PUBLIC),
    _route("GET", "runtime", runtime, Action.READ_INFO),
    _route("GET", "host", host, Action.READ_INFO),
    _route("POST", "restart", restart, Action.WRITE),
    _route("POST", "pause", pause, Action.WRITE),
    _route("POST", "hardware", set_hardware, Action.WRITE),
    _route("POST", "sleeptime", set_sleep, Action.WRITE),
    _route("POST", "storage", set_storage, Action.WRITE),
    _route("DELETE", "storage", delete_storage, Action.WRITE),
    _route("PUT", "volumes", set_volumes, Action.WRITE),
    _route("DELETE", "volumes", delete_volumes, Action.WRITE),
    _route("POST", "dev-mode", dev_mode, Action.WRITE),
    _route("GET", "variables", variables, Action.WRITE),
    _route("POST", "variables", set_variable, Action.WRITE),
    _route("DELETE", "variables", delete_variable, Action.WRITE),
    _route("GET", "secrets", secrets, Action.WRITE),
    _route("POST", "secrets", set_secret, Action.WRITE),
    _route("DELETE", "secrets", delete_secret, Action.WRITE),
]
