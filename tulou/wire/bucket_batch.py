"""The body that changes the files of a bucket: one JSON object a line, each one operation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from tulou.kernel.errors import InvalidName, InvalidPath, WireError
from tulou.kernel.ids import XetHash
from tulou.kernel.limits import BUCKET_BATCH
from tulou.kernel.names import RepoKind, RepoName, parse_path, parse_repo_id

_HASH = re.compile(r"[0-9a-f]{64}")
_CONTENT_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+-]{1,80}(?:; ?charset=[A-Za-z0-9_-]{1,40})?")
_LAST_MILLISECOND = 253_402_300_799_999  # of the year 9999: dates on the wire have four digits for the year


@dataclass(frozen=True, slots=True)
class AddFile:
    """A file that was uploaded before. `mtime` is that of the uploader's file, in Unix milliseconds."""

    path: str
    xet_hash: XetHash
    mtime: int | None
    content_type: str | None


@dataclass(frozen=True, slots=True)
class CopyFile:
    """A file that another repository or bucket has, named by its content."""

    path: str
    xet_hash: XetHash
    mtime: int | None
    source: RepoName


@dataclass(frozen=True, slots=True)
class DeleteFile:
    """A file to remove."""

    path: str


@dataclass(frozen=True, slots=True)
class Refused:
    """An operation that cannot be meant: the others are carried out."""

    path: str
    why: str


Operation = AddFile | CopyFile | DeleteFile | Refused


def parse(lines: Iterable[bytes]) -> list[Operation]:
    """Read the operations. Raises WireError when a line is none, or there are too many.

    An operation whose path or source breaks the grammar of names comes back as Refused.
    """
    operations: list[Operation] = []
    for value in _values(lines):
        if len(operations) >= BUCKET_BATCH:
            raise WireError(f"A batch can have at most {BUCKET_BATCH} operations: send several.")
        operations.append(_operation(value))
    return operations


def _values(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines):
        if number >= 2 * BUCKET_BATCH:
            raise WireError("The batch has too many empty lines.")
        if not line.strip():
            continue
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as cause:
            raise WireError("A line of the batch is not valid JSON.") from cause
        if not isinstance(value, dict) or not isinstance(value.get("path"), str):
            raise WireError("A line of the batch must be an object with 'type' and 'path'.")
        yield value


def _operation(value: dict[str, Any]) -> Operation:
    kind = value.get("type")
    if kind not in ("addFile", "copyFile", "deleteFile"):  # a list in its place has no hash
        raise WireError("The 'type' of an operation must be addFile, copyFile or deleteFile.")
    content = None if kind == "deleteFile" else _hash(value)
    try:
        path = parse_path(value["path"])
        if content is None:
            return DeleteFile(path)
        if kind == "addFile":
            return AddFile(path, content, _mtime(value), _content_type(value))
        return CopyFile(path, content, _mtime(value), _source(value))
    except (InvalidPath, InvalidName) as problem:
        return Refused(value["path"], problem.message)


def _hash(value: dict[str, Any]) -> XetHash:
    text = value.get("xetHash")
    if not isinstance(text, str) or not _HASH.fullmatch(text):
        raise WireError("An operation that adds or copies a file needs its 'xetHash': 64 lower-case hex characters.")
    return XetHash(text)


def _mtime(value: dict[str, Any]) -> int | None:
    mtime = value.get("mtime")
    if mtime is None:
        return None
    if isinstance(mtime, bool) or not isinstance(mtime, int | float) or not abs(mtime) <= _LAST_MILLISECOND:
        raise WireError("The 'mtime' of a file must be a number of milliseconds since 1970.")
    return max(int(mtime), 0)  # older files exist, dates before 1970 on the wire do not


def _content_type(value: dict[str, Any]) -> str | None:
    text = value.get("contentType")
    if text is None:
        return None
    if not isinstance(text, str) or not _CONTENT_TYPE.fullmatch(text):
        raise WireError("The 'contentType' of a file must look like type/subtype.")
    return text


def _source(value: dict[str, Any]) -> RepoName:
    kind, full = value.get("sourceRepoType"), value.get("sourceRepoId")
    if not isinstance(kind, str) or kind not in set(RepoKind) or not isinstance(full, str):
        raise WireError("A copy needs 'sourceRepoType' (model, dataset, space, kernel or bucket) and 'sourceRepoId'.")
    return parse_repo_id(RepoKind(kind), full)
