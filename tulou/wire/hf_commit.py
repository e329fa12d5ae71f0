"""The Hub's commit body: one JSON object a line, a header first, then operations."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from tulou.kernel.errors import InvalidName, WireError
from tulou.kernel.ids import Sha256
from tulou.kernel.limits import COMMIT_FILES, COMMIT_MESSAGE, NDJSON_LINE
from tulou.kernel.names import parse_path, parse_sha256


@dataclass(frozen=True, slots=True)
class Header:
    """What the commit says about itself. `parent` is the commit it was made against, if the client insists."""

    summary: str
    description: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class File:
    """A small file with its bytes."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class LargeFile:
    """A file whose bytes were uploaded before. `size` is absent when the client copies one."""

    path: str
    sha256: Sha256
    size: int | None


@dataclass(frozen=True, slots=True)
class DeletedFile:
    """A file to remove."""

    path: str


@dataclass(frozen=True, slots=True)
class DeletedFolder:
    """A folder to remove with everything in it."""

    path: str


Operation = File | LargeFile | DeletedFile | DeletedFolder


def parse(lines: Iterable[bytes]) -> tuple[Header, Iterator[Operation]]:
    """Return the header, and the operations as they are read. Raises WireError, and InvalidPath for a bad path."""
    values = _values(lines)
    key, value = next(values, ("", {}))
    if key != "header":
        raise WireError("The first line of a commit must be its header.")
    return header(value), _operations(values)


def _values(lines: Iterable[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    for line in lines:
        if len(line) > NDJSON_LINE:
            raise WireError("A line of the commit is too long: upload that file to large-file storage.")
        if not line.strip():
            continue
        try:
            item = orjson.loads(line)
        except orjson.JSONDecodeError as cause:
            raise WireError("A line of the commit is not valid JSON.") from cause
        if not isinstance(item, dict) or not isinstance(item.get("key"), str) or not isinstance(item.get("value"), dict):
            raise WireError("A line of the commit must be an object with 'key' and 'value'.")
        yield item["key"], item["value"]


def header(value: dict[str, Any]) -> Header:
    """Read `summary`, `description` and `parentCommit`. Raises WireError."""
    summary, description, parent = value.get("summary", ""), value.get("description") or "", value.get("parentCommit") or None
    if not isinstance(summary, str) or not isinstance(description, str) or not isinstance(parent, str | None):
        raise WireError("The header of a commit has a text 'summary' and 'description'.")
    if len(summary) + len(description) > COMMIT_MESSAGE:
        raise WireError("The message of the commit is too long.")
    if "\0" in summary or "\0" in description:
        raise WireError("The message of the commit has a NUL character.")
    return Header(summary, description, parent)


def _operations(values: Iterator[tuple[str, dict[str, Any]]]) -> Iterator[Operation]:
    for number, (key, value) in enumerate(values):
        if number >= COMMIT_FILES:
            raise WireError(f"A commit can have at most {COMMIT_FILES} files: split it, or push with git.")
        path = value.get("path")
        if not isinstance(path, str):
            raise WireError("An operation of the commit needs a 'path'.")
        yield _operation(key, parse_path(path.removesuffix("/") if key == "deletedFolder" else path), value)


def _operation(key: str, path: str, value: dict[str, Any]) -> Operation:
    if key == "file":
        return File(path, _content(value))
    if key == "lfsFile":
        return _large_file(path, value)
    if key == "deletedFile":
        return DeletedFile(path)
    if key == "deletedFolder":
        return DeletedFolder(path)
    raise WireError("The commit has an operation that this server does not know.")


def _content(value: dict[str, Any]) -> bytes:
    content, encoding = value.get("content", ""), value.get("encoding", "utf-8")
    if not isinstance(content, str):
        raise WireError("The content of a file must be text or base64.")
    if encoding != "base64":
        return content.encode("utf-8")
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as cause:
        raise WireError("The content of a file is not valid base64.") from cause


def _large_file(path: str, value: dict[str, Any]) -> LargeFile:
    oid, size = value.get("oid"), value.get("size")
    if value.get("algo", "sha256") != "sha256" or not isinstance(oid, str):
        raise WireError("A large file is named by its SHA-256.")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise WireError("The size of a large file must be a number of bytes.")
    try:
        return LargeFile(path, parse_sha256(oid), size)
    except InvalidName as cause:
        raise WireError("A large file is named by its SHA-256.") from cause
