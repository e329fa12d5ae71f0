"""Compare a commit with what was before it: which files changed, and which lines of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Literal, cast

import pygit2
from pygit2.enums import DiffFind, FileMode

from tulou.kernel.ids import Sha1

Status = Literal["added", "deleted", "changed", "moved"]
RENAMES_AMONG = 2_000
_STATUS: dict[str, Status] = {"A": "added", "D": "deleted", "R": "moved", "C": "added"}


@dataclass(frozen=True, slots=True)
class Change:
    """One file that differs. `old` and `new` are its blobs, None where there is none; `old_path` is set when it moved."""

    status: Status
    path: str
    old_path: str | None
    old: Sha1 | None
    new: Sha1 | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a comparison: `mark` is ' ', '+' or '-'; numbers count from 1, None on the side that lacks it."""

    mark: str
    old: int | None
    new: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Hunk:
    """Neighbouring lines that changed, with three lines around them."""

    old_start: int
    new_start: int
    lines: tuple[Line, ...]


def changes(repository: pygit2.Repository, commit: Sha1, parent: Sha1 | None, limit: int) -> tuple[list[Change], int]:
    """Return the first `limit` files that differ between two commits, by path, and how many differ.

    Without a parent everything is new. A file that moved unchanged is one change.
    """
    tree = cast("pygit2.Commit", repository[commit]).tree
    before = cast("pygit2.Commit", repository[parent]).tree if parent is not None else None
    diff = before.diff_to_tree(tree) if before is not None else tree.diff_to_tree(swap=True)
    if parent is not None and len(diff) <= RENAMES_AMONG:
        diff.find_similar(flags=DiffFind.FIND_RENAMES | DiffFind.FIND_EXACT_MATCH_ONLY)
    return [_change(delta) for delta in islice(diff.deltas, limit)], len(diff)


def hunks(repository: pygit2.Repository, old: Sha1 | None, new: Sha1 | None, most: int) -> tuple[Hunk, ...] | None:
    """Compare two blobs, of which None stands for an empty file, as `hunks_of` does."""
    return hunks_of(_data(repository, old), _data(repository, new), most)


def hunks_of(old: bytes, new: bytes, most: int) -> tuple[Hunk, ...] | None:
    """Compare two texts line by line; None when more than `most` lines would be shown. Bytes that are not UTF-8 are replaced."""
    patch = pygit2.Patch.create_from(old, new)
    if sum(patch.line_stats) > most:
        return None
    return tuple(
        Hunk(hunk.old_start, hunk.new_start, tuple(_line(line) for line in hunk.lines if line.origin in " +-"))
        for hunk in patch.hunks
    )


def _change(delta: pygit2.DiffDelta) -> Change:
    status = _STATUS.get(delta.status_char(), "changed")
    old_path, path = _path(delta.old_file), _path(delta.new_file)
    return Change(
        status=status,
        path=old_path if status == "deleted" else path,
        old_path=old_path if status == "moved" else None,
        old=None if status == "added" else _blob(delta.old_file),
        new=None if status == "deleted" else _blob(delta.new_file),
    )


def _path(file: pygit2.DiffFile) -> str:
    return file.raw_path.decode("utf-8", "replace")


def _blob(file: pygit2.DiffFile) -> Sha1 | None:
    """A submodule has no blob here: its commit lives elsewhere."""
    return None if file.mode == FileMode.COMMIT else Sha1(str(file.id))


def _data(repository: pygit2.Repository, oid: Sha1 | None) -> bytes:
    return b"" if oid is None else bytes(cast("pygit2.Blob", repository[oid]).data)


def _line(line: pygit2.DiffLine) -> Line:
    old = line.old_lineno if line.old_lineno > 0 else None
    new = line.new_lineno if line.new_lineno > 0 else None
    return Line(line.origin, old, new, line.raw_content.decode("utf-8", "replace").rstrip("\r\n"))
