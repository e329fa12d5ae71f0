"""The shapes of answers: JSON, nothing, pages of a list, and the one shape of an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.responses import Response

from tulou.delivery.kit.call import Call
from tulou.delivery.kit.routes import MethodNotAllowed
from tulou.kernel.errors import AlreadyExists, EntryNotFound, HubError, RangeNotSatisfiable, TooManyRequests
from tulou.wire.lfs import MEDIA_TYPE


def json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON."""
    return Response(orjson.dumps(value), status, headers, media_type="application/json; charset=utf-8")


def nothing(status: int = 204) -> Response:
    """Answer with no body."""
    return Response(status_code=status)


def page(call: Call, items: list[Any], cursor: str | None) -> Response:
    """Answer with one page of a list; with a cursor, the `Link` header names the absolute URL of the next."""
    if cursor is None:
        return json(items)
    query = [(k, v) for k, v in call.request.query_params.multi_items() if k != "cursor"] + [("cursor", cursor)]
    path = call.request.scope["raw_path"].decode("ascii")
    return json(items, headers={"Link": f'<{call.base}{path}?{urlencode(query)}>; rel="next"'})


def error(problem: HubError) -> Response:
    """Answer with an error: a JSON object, and the headers from which Hub clients choose their exception."""
    body: dict[str, Any] = {"error": problem.message, "code": problem.code}
    headers = {"X-Error-Message": _header(problem.message)}
    if problem.wire_code:
        headers["X-Error-Code"] = problem.wire_code
    if isinstance(problem, AlreadyExists) and problem.url:
        body["url"] = problem.url
    if isinstance(problem, EntryNotFound) and problem.commit:
        headers["X-Repo-Commit"] = problem.commit
    if isinstance(problem, RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{problem.size}"
    if isinstance(problem, TooManyRequests):
        headers["Retry-After"] = str(problem.retry_after)
    if isinstance(problem, MethodNotAllowed):
        headers["Allow"] = ", ".join(problem.allowed)
    return json(body, problem.status, headers)


def lfs_error(problem: HubError) -> Response:
    """Answer with an error as git-lfs reads it: it shows `message` to its user."""
    return _with_body(error(problem), orjson.dumps({"message": problem.message, "code": problem.code}), MEDIA_TYPE)


def git_error(problem: HubError) -> Response:
    """Answer with an error as git reads it: it shows plain text to its user."""
    return _with_body(error(problem), f"{problem.message}\n".encode(), "text/plain; charset=utf-8")


def _with_body(answer: Response, body: bytes, media_type: str) -> Response:
    answer.body = body
    answer.headers["content-length"] = str(len(body))
    answer.headers["content-type"] = media_type
    return answer


def _header(message: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in message)
    return printable.encode("ascii", "replace").decode("ascii")[:500]
