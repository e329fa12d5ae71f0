"""Buckets: make, list and change them, browse their files, and give out tokens for the Xet service."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.hf.xet import token_answer
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread, optional_text
from tulou.delivery.kit.routes import Access, Route
from tulou.features.access import gate
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.model import Account
from tulou.features.buckets import browse, change
from tulou.features.buckets.create import create
from tulou.features.buckets.model import File, Folder, Overview
from tulou.features.content import lifecycle
from tulou.features.content.xet import XetScope, mint_token
from tulou.kernel.actor import Action
from tulou.kernel.clock import iso
from tulou.kernel.errors import AccountNotFound, AlreadyExists, BadInput, NotBuilt, RepoNotFound, SignInNeeded
from tulou.kernel.limits import BUCKET_BATCH_BYTES, LIST_PAGE, NAME_CHARS, PATHS_INFO, TREE_PAGE
from tulou.kernel.names import RepoKind, RepoName, parse_account, parse_repo_name
from tulou.wire import bucket_batch

_SETTINGS = {"visibility", "private"}


async def make(call: Call) -> ASGIApp:
    """POST /api/buckets/{account}/{name}: the account may be the word `me`."""
    name = parse_repo_name(RepoKind.BUCKET, _account_name(call), call.params["name"])
    body = await call.json()
    asked = [key for key in ("resourceGroupId", "region") if body.get(key) is not None]
    if asked:
        raise NotBuilt(f"This server has no regions and no resource groups: leave {' and '.join(asked)} out.")
    visibility = _visibility(body)

    def work() -> str:
        try:
            return call.repo_url(create(call.m, call.actor, name, visibility=visibility))
        except AlreadyExists as problem:
            problem.url = _url_of(call, name)
            raise

    return answers.json({"url": await in_thread(work)})


def _url_of(call: Call, name: RepoName) -> str | None:
    """Return the address of a bucket that is there already; clients with `exist_ok` go on from it."""
    try:
        return call.repo_url(gate.repo(call.m, call.actor, name, Action.READ_INFO))
    except RepoNotFound:
        return None


async def info(call: Call) -> ASGIApp:
    """GET /api/buckets/{account}/{name}."""
    return answers.json(_shape(await in_thread(browse.overview, call.m, call.repo)))


async def list_buckets(call: Call) -> ASGIApp:
    """GET /api/buckets/{account}: those that the caller may see, by name, paged."""
    name = _account_name(call)
    word, after = _plain(call.query("search"))[:NAME_CHARS], _plain(call.query("cursor"))[:NAME_CHARS]

    def work() -> list[Overview]:
        owner = _account(call, name)
        return browse.of_account(call.m, call.actor, owner, word=word, after=after, limit=LIST_PAGE + 1)

    found = await in_thread(work)
    cursor = found[LIST_PAGE - 1].name.name if len(found) > LIST_PAGE else None
    return answers.page(call, [_shape(one) for one in found[:LIST_PAGE]], cursor)


def _account_name(call: Call) -> str:
    name = call.params["account"]
    if name != "me":
        return parse_account(name)
    if call.actor.name is None:
        raise SignInNeeded
    return call.actor.name


def _account(call: Call, name: str) -> Account:
    found = accounts.by_name(call.m, name)
    if found is None:
        raise AccountNotFound
    return found


async def delete(call: Call) -> ASGIApp:
    """DELETE /api/buckets/{account}/{name}."""
    await in_thread(lifecycle.delete, call.m, call.actor, call.repo.name)
    return answers.json({})


async def settings(call: Call) -> ASGIApp:
    """PUT /api/buckets/{account}/{name}/settings: who may see it."""
    body = await call.json()
    if set(body) - _SETTINGS:
        raise NotBuilt("This server changes 'visibility' (or 'private') of a bucket; other settings are not built yet.")
    visibility = _visibility(body)
    await in_thread(lambda: lifecycle.change(call.m, call.actor, call.repo, visibility=visibility))
    return answers.json({})


async def tree(call: Call) -> ASGIApp:
    """GET …/tree[/{prefix}]: all files whose path begins so, or with recursive=false one level of files and folders; paged."""
    prefix, cursor = _plain(call.params.get("prefix")), call.query("cursor")
    start = None if cursor is None else _plain(cursor)
    look: Callable[..., browse.Page] = browse.level if _is_false(call.query("recursive")) else browse.everything
    page = await in_thread(lambda: look(call.m, call.repo, prefix, cursor=start, limit=TREE_PAGE))
    return answers.page(call, [_entry(one) for one in page.entries], page.cursor)


async def paths_info(call: Call) -> ASGIApp:
    """POST …/paths-info: those of the files that exist."""
    paths = (await call.json()).get("paths")
    if not isinstance(paths, list) or len(paths) > PATHS_INFO or not all(isinstance(path, str) for path in paths):
        raise BadInput(f"The field 'paths' must be a list of at most {PATHS_INFO} file paths.")
    found = await in_thread(browse.at_paths, call.m, call.repo, [path for path in paths if "\0" not in path])
    return answers.json([_entry(one) for one in found])


async def batch(call: Call) -> ASGIApp:
    """POST …/batch: add, copy and delete files. What failed is listed; only when everything did is that a 422."""
    body = await call.body(BUCKET_BATCH_BYTES)

    def work() -> tuple[int, list[dict[str, str]]]:
        operations = bucket_batch.parse(BytesIO(body))
        failed = change.change(call.m, call.actor, call.repo, operations)
        return len(operations), [{"path": one.path, "error": one.why} for one in failed]

    count, failed = await in_thread(work)
    done = {"success": not failed, "processed": count, "succeeded": count - len(failed), "failed": failed}
    return answers.json(done, 422 if failed and len(failed) == count else 200)


async def no_such_bucket(_call: Call) -> ASGIApp:
    """DELETE /api/buckets/{account}: buckets have an owner."""
    raise RepoNotFound


def token(scope: XetScope) -> Callable[[Call], Any]:
    """Return the handler that gives out tokens to read or write with. A bucket has no revisions: one in the path is ignored."""

    async def handler(call: Call) -> ASGIApp:
        return token_answer(await in_thread(mint_token, call.m, call.actor, call.repo, scope, call.base))

    return handler


async def events(_call: Call) -> ASGIApp:
    """Refuse to report changes as they happen: clients then list again."""
    raise NotBuilt("This server does not report changes of buckets as they happen: list the bucket again.")


def _plain(text: str | None) -> str:
    if text is not None and "\0" in text:
        raise BadInput("A path has no NUL character.")  # PostgreSQL keeps none, nor compares with one
    return text or ""


def _is_false(text: str | None) -> bool:
    return (text or "").lower() in {"false", "0", "no"}


def _visibility(body: dict[str, Any]) -> str | None:
    if body.get("visibility") is not None:
        return optional_text(body, "visibility")
    private = body.get("private")
    if private is not None and not isinstance(private, bool):
        raise BadInput("The field 'private' must be true or false.")
    return None if private is None else "private" if private else "public"


def _shape(one: Overview) -> dict[str, Any]:
    return {
        "id": one.name.full, "author": one.name.account, "private": one.is_private, "createdAt": iso(one.created_at),
        "updatedAt": iso(one.updated_at), "size": one.bytes, "totalFiles": one.files,
    }  # fmt: skip


def _entry(one: File | Folder) -> dict[str, Any]:
    if isinstance(one, Folder):
        shape: dict[str, Any] = {"type": "directory", "path": one.path}
        return shape if one.uploaded_at is None else shape | {"uploadedAt": iso(one.uploaded_at)}
    shape = {
        "type": "file", "path": one.path, "size": one.size, "xetHash": one.xet_hash, "uploadedAt": iso(one.uploaded_at),
    }  # fmt: skip
    if one.mtime is not None:
        shape["mtime"] = iso(one.mtime)
    if one.content_type is not None:
        shape["contentType"] = one.content_type
    return shape


_BUCKET = "/api/buckets/{account}/{name}"


def _route(method: str, path: str, handler: Callable[[Call], Any], action: Action) -> Route:
    return Route((method,), _BUCKET + path, handler, action, kind=RepoKind.BUCKET)


ROUTES = [
    Route(("GET",), "/api/buckets/{account}", list_buckets, Access.PUBLIC),
    Route(("DELETE",), "/api/buckets/{account}", no_such_bucket, Access.PUBLIC),
    Route(("POST",), _BUCKET, make, Access.SIGNED_IN),
    _route("GET", "", info, Action.READ_INFO),
    _route("DELETE", "", delete, Action.ADMIN),
    _route("PUT", "/settings", settings, Action.ADMIN),
    _route("GET", "/tree", tree, Action.READ_CONTENT),
    _route("GET", "/tree/{prefix*}", tree, Action.READ_CONTENT),
    _route("POST", "/paths-info", paths_info, Action.READ_CONTENT),
    _route("POST", "/batch", batch, Action.WRITE),
    _route("GET", "/events", events, Action.READ_CONTENT),
    _route("GET", "/xet-read-token", token("read"), Action.READ_CONTENT),
    _route("GET", "/xet-read-token/{rev}", token("read"), Action.READ_CONTENT),
    _route("GET", "/xet-write-token", token("write"), Action.WRITE),
    _route("GET", "/xet-write-token/{rev}", token("write"), Action.WRITE),
]
