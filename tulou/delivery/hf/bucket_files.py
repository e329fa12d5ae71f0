"""Send the files of buckets: HEAD, ranges, and where a xet client finds them."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import formatdate

from starlette.responses import Response
from starlette.types import ASGIApp

from tulou.delivery.hf.content import EXPOSED, XET_FILE_INFO
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Budget, Login, Route
from tulou.delivery.kit.streams import FileAnswer
from tulou.features.buckets import browse
from tulou.features.buckets.model import File
from tulou.features.content.xet import EPOCH
from tulou.kernel.actor import Action
from tulou.kernel.errors import EntryNotFound
from tulou.kernel.names import RepoKind
from tulou.wire.headers import declared_type, disposition


async def resolve(call: Call) -> ASGIApp:
    """GET|HEAD /buckets/{account}/{name}/resolve/{path}."""
    path, m = call.params["path"], call.m
    if "\0" in path:
        raise EntryNotFound
    key = (call.repo.id, path)
    known = m.cache.get("bucket-file", key)
    if isinstance(known, File):
        return _answer(call, known)
    mark = m.cache.mark()
    found = await in_thread(browse.file, m, call.repo, path)
    m.cache.put(mark, "bucket-file", key, found)
    return _answer(call, found)


def _answer(call: Call, found: File) -> ASGIApp:
    headers = _headers(call, found)
    if call.request.method == "GET" and XET_FILE_INFO in call.request.headers.get("accept", ""):
        return _file_info(found, headers)

    def read(start: int, end: int) -> Iterator[bytes]:
        return browse.read(call.m, found, start, end)

    media_type = declared_type(found.content_type, found.path)
    return FileAnswer(size=found.size, etag=found.xet_hash, media_type=media_type, headers=headers, read=read)


def _headers(call: Call, found: File) -> dict[str, str]:
    token = f"{call.base}/api/buckets/{call.repo.name.full}/xet-read-token"
    terms = f"{call.base}/cas/{EPOCH}/v1/reconstructions/{found.xet_hash}"
    return {
        "X-Xet-Hash": found.xet_hash,
        "Link": f'<{token}>; rel="xet-auth", <{terms}>; rel="xet-reconstruction-info"',
        "X-Linked-Size": str(found.size),
        "X-Linked-ETag": f'"{found.xet_hash}"',
        "Last-Modified": formatdate((found.mtime or found.uploaded_at) / 1000, usegmt=True),
        "Content-Disposition": disposition(found.path),
        "Cache-Control": "private, no-cache",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": EXPOSED,
    }


def _file_info(found: File, headers: dict[str, str]) -> Response:
    body = {"hash": found.xet_hash, "size": found.size, "etag": found.xet_hash}
    answer = answers.json(body, headers={**headers, "ETag": f'"{found.xet_hash}"'})
    answer.headers["content-type"] = XET_FILE_INFO
    return answer


ROUTES = [
    Route(
        ("GET", "HEAD"), "/buckets/{account}/{name}/resolve/{path*}", resolve, Action.READ_CONTENT, Login.EITHER, Budget.RESOLVE,
        kind=RepoKind.BUCKET,
    )
]  # fmt: skip
