"""git-lfs over HTTP: the locking API."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.git.lfs import answer
from tulou.delivery.kit.call import Call, in_thread, text
from tulou.delivery.kit.routes import Route, for_kinds
from tulou.features.content import locks
from tulou.features.content.locks import AlreadyLocked, Lock
from tulou.kernel.actor import Action
from tulou.kernel.errors import BadInput
from tulou.kernel.limits import LOCKS_PAGE, PATH_BYTES


async def create(call: Call) -> ASGIApp:
    """POST info/lfs/locks."""
    path = text(await call.json(), "path", limit=PATH_BYTES)
    try:
        lock = await in_thread(locks.create, call.m, call.actor, call.repo, path)
    except AlreadyLocked as problem:
        return answer({"lock": problem.lock.to_json(), "message": problem.message}, 409)
    return answer({"lock": lock.to_json()}, 201)


async def listed(call: Call) -> ASGIApp:
    """GET info/lfs/locks."""
    path, lock_id = call.query("path") or None, call.query("id") or None
    found, cursor = await _page(call, call.query("limit"), call.query("cursor"), path, lock_id)
    return answer({"locks": [lock.to_json() for lock in found], **cursor})


async def verify(call: Call) -> ASGIApp:
    """POST info/lfs/locks/verify: git-lfs asks before each push, to warn about other people's locks."""
    body = await call.json()
    found, cursor = await _page(call, body.get("limit"), body.get("cursor"), None, None)
    ours = [lock.to_json() for lock in found if lock.owner_id == call.actor.user_id]
    theirs = [lock.to_json() for lock in found if lock.owner_id != call.actor.user_id]
    return answer({"ours": ours, "theirs": theirs, **cursor})


async def unlock(call: Call) -> ASGIApp:
    """POST info/lfs/locks/{id}/unlock."""
    force = (await call.json()).get("force", False)
    if not isinstance(force, bool):
        raise BadInput("The field 'force' must be true or false.")

    def release() -> Lock:
        return locks.release(call.m, call.actor, call.repo, call.params["id"], force=force)

    return answer({"lock": (await in_thread(release)).to_json()})


async def _page(call: Call, limit: Any, cursor: Any, path: str | None, lock_id: str | None) -> tuple[list[Lock], dict[str, str]]:
    count = _count(limit)
    if cursor is not None and not isinstance(cursor, str):
        raise BadInput("The field 'cursor' must be a string.")

    def find() -> list[Lock]:
        return locks.listed(call.m, call.repo, path=path, lock_id=lock_id, after=cursor or None, limit=count + 1)

    found = await in_thread(find)
    more = {"next_cursor": found[count - 1].id} if len(found) > count else {}
    return found[:count], more


def _count(limit: Any) -> int:
    """Read the page size, a number or digits. 0 and nothing mean: as many as we give."""
    given = str(limit) if limit else str(LOCKS_PAGE)
    if isinstance(limit, bool) or not given.isascii() or not given.isdigit():
        raise BadInput("The field 'limit' must be a number.")
    return min(int(given[:9]), LOCKS_PAGE) or LOCKS_PAGE


ROUTES: list[Route] = [
    *for_kinds(("POST",), "/{account}/{name}/info/lfs/locks", create, Action.WRITE, git=True),
    *for_kinds(("GET",), "/{account}/{name}/info/lfs/locks", listed, Action.READ_CONTENT, git=True),
    *for_kinds(("POST",), "/{account}/{name}/info/lfs/locks/verify", verify, Action.WRITE, git=True),
    *for_kinds(("POST",), "/{account}/{name}/info/lfs/locks/{id}/unlock", unlock, Action.WRITE, git=True),
]
