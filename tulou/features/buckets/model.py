"""What a bucket holds, as everybody else sees it. The bucket itself is a repository of kind `bucket`."""

from __future__ import annotations

from dataclasses import dataclass

from tulou.kernel.ids import XetHash
from tulou.kernel.names import RepoName


@dataclass(frozen=True, slots=True)
class Overview:
    """A live bucket with the number and bytes of its files, the same content counted as often as it is there."""

    name: RepoName
    is_private: bool
    created_at: int
    updated_at: int
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class File:
    """One file. Times are Unix milliseconds; `content_type` and `mtime` are what its uploader says, if anything."""

    path: str
    xet_hash: XetHash
    size: int
    content_type: str | None
    mtime: int | None
    uploaded_at: int


@dataclass(frozen=True, slots=True)
class Folder:
    """The common beginning of some files' paths, and when the last of these came, unless they are too many to tell."""

    path: str
    uploaded_at: int | None
