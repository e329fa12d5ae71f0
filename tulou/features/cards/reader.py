"""Read files of one commit within limits, and note what could not be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson

from tulou.features.content import resolve
from tulou.features.repos.model import Repo
from tulou.kernel.errors import HubError, WireError
from tulou.kernel.ids import Sha1
from tulou.platform.machinery import Machinery

T = TypeVar("T")


@dataclass(slots=True)
class Reader:
    """The files of one commit, and a list of what went wrong with them."""

    m: Machinery
    repo: Repo
    commit: Sha1
    paths: tuple[str, ...]
    problems: dict[str, str] = field(default_factory=dict)

    def start_of(self, path: str, limit: int) -> bytes:
        """Return the first `limit` bytes of a file. Raises EntryNotFound."""
        location = resolve.locate(self.m, self.repo, self.commit, path)
        return b"".join(resolve.read(self.m, self.repo, location, 0, min(limit, location.size)))

    def attempt(self, path: str, read: Callable[[], T]) -> T | None:
        """Call `read` if the file is there; note the problem when that fails."""
        if path not in self.paths:
            return None
        try:
            return read()
        except HubError as problem:
            self.problems[path] = problem.message
            return None

    def json(self, path: str, limit: int) -> dict[str, Any]:
        """Return the JSON object in a file; empty when it is missing or not one."""

        def read() -> dict[str, Any]:
            try:
                value = orjson.loads(resolve.read_file(self.m, self.repo, self.commit, path, limit))
            except orjson.JSONDecodeError as cause:
                raise WireError("The file is not valid JSON.") from cause
            if not isinstance(value, dict):
                raise WireError("The file is not a JSON object.")
            return value

        return self.attempt(path, read) or {}
