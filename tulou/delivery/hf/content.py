"""Read files: resolve, raw, tree, paths-info."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp

from tulou.delivery.hf import shapes
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Budget, Login, Route, for_kinds
from tulou.delivery.kit.streams import FileAnswer
from tulou.features.content import downloads, resolve, revisions, tree
from tulou.features.content.resolve import Location
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Action
from tulou.kernel.errors import BadInput
from tulou.kernel.limits import PATHS_INFO, TREE_PAGE
from tulou.platform.machinery import Machinery
from tulou.wire.headers import content_type, disposition

EXPOSED = "ETag, Link, Content-Range, X-Repo-Commit, X-Linked-Size, X-Linked-ETag, X-Xet-Hash, X-Error-Code, X-Error-Message"
XET_FILE_INFO = "application/vnd.xet-fileinfo+json"


async def resolve_file(call: Call) -> ASGIApp:
    """GET|HEAD /{repo}/resolve/{rev}/{path}: the bytes, or where a xet client finds them."""
    answer = await _file(call, raw=False)
    if call.request.method == "GET" and "range" not in call.request.headers:
        downloads.count(call.m, call.repo, call.params["path"])
    return answer


async def raw_file(call: Call) -> ASGIApp:
    """GET|HEAD /{repo}/raw/{rev}/{path}: what git holds, which for a large file is its pointer."""
    return await _file(call, raw=True)


@dataclass(frozen=True, slots=True)
class _Found:
    """Where a file is, and the answer to all who ask for it, unless that differs: links of large files name the host asked."""

    location: Location
    answer: FileAnswer | None


async def _file(call: Call, *, raw: bool) -> ASGIApp:
    repo, m = call.repo, call.m
    key = (repo.id, call.params["rev"], call.params["path"], raw)
    found = m.cache.get("resolve", key)
    if not isinstance(found, _Found):
        mark = m.cache.mark()
        location = await in_thread(_locate, call, repo, raw)
        found = _Found(location, _whole(m, repo, location, _headers(location)) if location.stored is None else None)
        m.cache.put(mark, "resolve", key, found)
    if found.answer is None:
        return _large(call, repo, found.location)
    if call.request.method != "GET":
        return found.answer
    content = m.git.objects.kept(found.location.blob)
    if content is None:
        content = await in_thread(resolve.content, m, repo, found.location)
    return found.answer.holding(content)


def _locate(call: Call, repo: Repo, raw: bool) -> Location:  # noqa: FBT001 - passed through in_thread
    commit = revisions.commit_of(call.m, repo, call.params["rev"])
    return resolve.locate(call.m, repo, commit, call.params["path"], raw=raw)


def _headers(location: Location) -> dict[str, str]:
    return {
        "X-Repo-Commit": location.commit,
        "Content-Disposition": disposition(location.path),
        "Cache-Control": "private, no-cache",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": EXPOSED,
    }


def _large(call: Call, repo: Repo, location: Location) -> ASGIApp:
    headers = _headers(location) | {"X-Linked-Size": str(location.size), "X-Linked-ETag": f'"{location.etag}"'}
    xet_hash = location.stored.xet_hash if location.stored is not None else None
    if xet_hash is not None:
        token = f"{call.base}/api/{repo.name.kind.plural}/{repo.name.full}/xet-read-token/{location.commit}"
        headers["X-Xet-Hash"] = xet_hash
        terms = f"{call.base}/cas/e1/v1/reconstructions/{xet_hash}"
        headers["Link"] = f'<{token}>; rel="xet-auth", <{terms}>; rel="xet-reconstruction-info"'
        if call.request.method == "GET" and XET_FILE_INFO in call.request.headers.get("accept", ""):
            return _file_info(location, headers)
    return _whole(call.m, repo, location, headers)


def _whole(m: Machinery, repo: Repo, location: Location, headers: dict[str, str]) -> FileAnswer:
    def read(start: int, end: int) -> Iterator[bytes]:
        return resolve.read(m, repo, location, start, end)

    return FileAnswer(
        size=location.size, etag=location.etag, media_type=content_type(location.path), headers=headers, read=read
    )


def _file_info(location: Location, headers: dict[str, str]) -> Response:
    body = {"hash": headers["X-Xet-Hash"], "size": location.size, "etag": location.etag}
    answer = answers.json(body, headers={**headers, "ETag": f'"{location.etag}"'})
    answer.headers["content-type"] = XET_FILE_INFO
    return answer


async def list_tree(call: Call) -> ASGIApp:
    """GET /api/{kind}/{repo}/tree/{rev}[/{path}]: entries, paged."""
    expand = call.flag("expand")
    limit = _limit(call, 100 if expand else TREE_PAGE)

    def find() -> tree.Page:
        commit = revisions.commit_of(call.m, call.repo, call.params["rev"])
        path = call.params.get("path", "").strip("/")
        return tree.listing(
            call.m,
            call.repo,
            commit,
            path,
            recursive=call.flag("recursive"),
            expand=expand,
            limit=limit,
            cursor=call.query("cursor"),
        )

    page = await in_thread(find)
    return answers.page(call, [shapes.entry(item, expand=expand) for item in page.entries], page.cursor)


async def paths_info(call: Call) -> ASGIApp:
    """POST /api/{kind}/{repo}/paths-info/{rev}: those of the paths that exist. Takes a form or JSON."""
    if call.request.headers.get("content-type", "").startswith("application/json"):
        body = await call.json()
        paths, expand = body.get("paths"), body.get("expand") in (True, "true")
        paths = [paths] if isinstance(paths, str) else paths
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            raise BadInput("The field 'paths' must be a list of file paths.")
    else:
        form = await call.form()
        paths = [value for name, value in form if name == "paths"]
        expand = any(name == "expand" and value.lower() == "true" for name, value in form)
    if len(paths) > PATHS_INFO:
        raise BadInput(f"At most {PATHS_INFO} paths can be asked for at once.")

    def find() -> list[tree.Entry]:
        commit = revisions.commit_of(call.m, call.repo, call.params["rev"])
        return tree.at_paths(call.m, call.repo, commit, paths, expand=expand)

    return answers.json([shapes.entry(item, expand=expand) for item in await in_thread(find)])


def _limit(call: Call, most: int) -> int:
    asked = call.query("limit") or ""
    return min(int(asked), most) if asked.isascii() and asked.isdigit() and 0 < len(asked) < 9 and int(asked) > 0 else most


_READ = ("GET", "HEAD")
_FILES: dict[str, Any] = {"login": Login.EITHER, "budget": Budget.RESOLVE}
ROUTES = [
    *for_kinds(_READ, "/{account}/{name}/resolve/{rev}/{path*}", resolve_file, Action.READ_CONTENT, **_FILES),
    *for_kinds(_READ, "/{account}/{name}/raw/{rev}/{path*}", raw_file, Action.READ_CONTENT, **_FILES),
    Route(("GET",), "/api/{kind}/{account}/{name}/tree/{rev}", list_tree, Action.READ_CONTENT),
    Route(("GET",), "/api/{kind}/{account}/{name}/tree/{rev}/{path*}", list_tree, Action.READ_CONTENT),
    Route(("POST",), "/api/{kind}/{account}/{name}/paths-info/{rev}", paths_info, Action.READ_CONTENT),
]
