"""One request on its way through a handler: who asks, what for, and how to read the body within limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import anyio.to_thread
import orjson
from starlette.requests import Request

from tulou.features.repos.model import Repo
from tulou.kernel.actor import Actor
from tulou.kernel.errors import BadInput, TooLarge
from tulou.kernel.limits import JSON_BYTES
from tulou.platform.machinery import Machinery

T = TypeVar("T")


@dataclass(slots=True)
class Call:
    """What a handler gets. `repo` is set on routes whose access is an Action."""

    request: Request
    m: Machinery
    actor: Actor
    params: dict[str, str]
    base: str
    """Scheme and host that the client used, without a slash: the start of every absolute URL in an answer."""
    found_repo: Repo | None = None

    @property
    def repo(self) -> Repo:
        """The repository of this route."""
        if self.found_repo is None:
            raise RuntimeError("this route has no repository")
        return self.found_repo

    def repo_url(self, repo: Repo) -> str:
        """Return the absolute URL of a repository's page."""
        return f"{self.base}/{repo.name.path}"

    async def body(self, limit: int = JSON_BYTES) -> bytes:
        """Read the whole body. Raises TooLarge past `limit` bytes, before they are kept."""
        _refuse_declared(self.request, limit)
        content = bytearray()
        async for chunk in self.request.stream():
            content += chunk
            if len(content) > limit:
                raise TooLarge
        return bytes(content)

    async def json(self, limit: int = JSON_BYTES) -> dict[str, Any]:
        """Read the body as one JSON object; an empty body is an empty object. Raises BadInput."""
        content = await self.body(limit)
        if not content:
            return {}
        try:
            value = orjson.loads(content)
        except orjson.JSONDecodeError as cause:
            raise BadInput("The body must be valid JSON in UTF-8.") from cause
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise BadInput("The body must be a JSON object.")
        return value

    async def form(self, limit: int = JSON_BYTES) -> list[tuple[str, str]]:
        """Read a URL-encoded form as pairs, in order. Raises BadInput."""
        content = await self.body(limit)
        try:
            return parse_qsl(content.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=20_000)
        except (UnicodeDecodeError, ValueError) as cause:
            raise BadInput("The body must be a URL-encoded form.") from cause

    @asynccontextmanager
    async def spool(self, limit: int) -> AsyncIterator[SpooledTemporaryFile[bytes]]:
        """Receive the whole body into memory, past 1 MiB into a file without a name. Raises TooLarge past `limit`."""
        _refuse_declared(self.request, limit)
        self.m.store.require_space(_declared(self.request))
        received = 0
        with SpooledTemporaryFile(max_size=1 << 20, dir=str(self.m.work)) as file:
            async for chunk in self.request.stream():
                received += len(chunk)
                if received > limit:
                    raise TooLarge
                file.write(chunk)
            file.seek(0)
            yield file

    def stream(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives. The caller counts."""
        return self.request.stream()

    def query(self, name: str) -> str | None:
        """Return the last value of a query parameter."""
        return self.request.query_params.get(name)

    def queries(self, *names: str) -> list[str]:
        """Return every value of a repeated query parameter, under any of its spellings."""
        return [value for name in names for value in self.request.query_params.getlist(name)]

    def flag(self, name: str) -> bool:
        """Return a boolean query parameter."""
        return (self.query(name) or "").lower() in {"1", "true", "yes"}


def _declared(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else 0


def _refuse_declared(request: Request, limit: int) -> None:
    if _declared(request) > limit:
        raise TooLarge


async def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """Run blocking work in the bounded pool and wait for it."""
    return await anyio.to_thread.run_sync(lambda: function(*arguments))


def text(body: dict[str, Any], name: str, *, default: str | None = None, limit: int = 10_000) -> str:
    """Take a string out of a JSON object. Raises BadInput when it is missing, of another type, too long, or has a NUL."""
    value = body.get(name, default)
    if not isinstance(value, str) or len(value) > limit:
        raise BadInput(f"The field {name!r} must be a string of at most {limit} characters.")
    if "\0" in value:
        raise BadInput(f"The field {name!r} has a NUL character.")  # PostgreSQL keeps none, nor compares with one
    return value


def optional_text(body: dict[str, Any], name: str, *, limit: int = 10_000) -> str | None:
    """Take a string or null out of a JSON object. Raises BadInput."""
    return None if body.get(name) is None else text(body, name, limit=limit)


def objects(body: dict[str, Any], name: str, *, limit: int) -> list[dict[str, Any]]:
    """Take a list of objects out of a JSON object. Raises BadInput."""
    value = body.get(name)
    if not isinstance(value, list) or len(value) > limit or not all(isinstance(item, dict) for item in value):
        raise BadInput(f"The field {name!r} must be a list of at most {limit} objects.")
    return value
