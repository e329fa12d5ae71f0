"""Show what a commit changed, within bounds that keep the page readable and the server responsive."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pygit2

from tulou.features.content.revisions import commit_of
from tulou.features.repos.model import Repo
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import DIFF_BYTES, DIFF_FILE_BYTES, DIFF_FILE_LINES, DIFF_FILES, DIFF_LINES, DIFF_SECONDS
from tulou.platform.git import diff, history
from tulou.platform.git.diff import Change, Hunk, Line, Status
from tulou.platform.git.history import Commit
from tulou.platform.git.objects import Blob
from tulou.platform.machinery import Machinery

__all__ = ["CommitDiff", "FileDiff", "Hunk", "Line", "Side", "compare", "of_commit"]


@dataclass(frozen=True, slots=True)
class Side:
    """A file before or after: its real size in bytes, and whether it is in large-file storage."""

    size: int
    is_large: bool


@dataclass(frozen=True, slots=True)
class FileDiff:
    """How one file changed. Without hunks it is binary, in large-file storage, only moved, or `is_folded`: too long to show."""

    status: Status
    path: str
    old_path: str | None
    old: Side | None
    new: Side | None
    hunks: tuple[Hunk, ...] = ()
    is_binary: bool = False
    is_folded: bool = False

    @property
    def added(self) -> int:
        """Lines that came."""
        return self._count("+")

    @property
    def removed(self) -> int:
        """Lines that went."""
        return self._count("-")

    def _count(self, mark: str) -> int:
        return sum(line.mark == mark for hunk in self.hunks for line in hunk.lines)


@dataclass(frozen=True, slots=True)
class CommitDiff:
    """A commit and the files it changed against its first parent. `total` counts those beyond the first `DIFF_FILES` too."""

    commit: Commit
    files: list[FileDiff]
    total: int


def of_commit(m: Machinery, repo: Repo, revision: str) -> CommitDiff:
    """Compare a commit with its first parent. Raises RevisionNotFound."""
    oid = commit_of(m, repo, revision)
    repository = m.git.having(repo.id, repo.generation, oid)
    commit = history.commit(repository, oid)
    changes, total = diff.changes(repository, oid, commit.parents[0] if commit.parents else None, DIFF_FILES)
    budget = _Budget(DIFF_BYTES, DIFF_LINES, time.monotonic() + DIFF_SECONDS)
    return CommitDiff(commit, [_file(m, repository, change, budget) for change in changes], total)


def compare(old: bytes, new: bytes) -> tuple[Hunk, ...] | None:
    """Compare two texts of one file, for a preview of an edit. None: too much changed to show it."""
    if max(old.count(b"\n"), new.count(b"\n")) > DIFF_FILE_LINES:
        return None
    return diff.hunks_of(old, new, DIFF_LINES)


@dataclass(slots=True)
class _Budget:
    """What of a page is left."""

    bytes: int
    lines: int
    end: float

    def spend(self, hunks: tuple[Hunk, ...]) -> bool:
        """Take the hunks of one file. False: they do not fit."""
        lines = sum(len(hunk.lines) for hunk in hunks)
        size = sum(len(line.text) for hunk in hunks for line in hunk.lines)
        if lines > self.lines or size > self.bytes:
            return False
        self.lines -= lines
        self.bytes -= size
        return True


def _file(m: Machinery, repository: pygit2.Repository, change: Change, budget: _Budget) -> FileDiff:
    old, new = _blob(m, repository, change.old), _blob(m, repository, change.new)
    shown = FileDiff(change.status, change.path, change.old_path, _side(old), _side(new))
    blobs = [blob for blob in (old, new) if blob is not None]
    if any(blob.pointer for blob in blobs) or change.old == change.new:
        return shown
    if time.monotonic() > budget.end or any(blob.git_size > DIFF_FILE_BYTES for blob in blobs):
        return _with(shown, is_folded=True)
    contents = [m.git.objects.content(repository, blob.oid) for blob in blobs]
    if any(b"\0" in content[:8192] for content in contents):
        return _with(shown, is_binary=True)
    if any(content.count(b"\n") > DIFF_FILE_LINES for content in contents):
        return _with(shown, is_folded=True)
    hunks = diff.hunks(repository, change.old, change.new, budget.lines)
    return _with(shown, hunks) if hunks is not None and budget.spend(hunks) else _with(shown, is_folded=True)


def _with(shown: FileDiff, hunks: tuple[Hunk, ...] = (), *, is_binary: bool = False, is_folded: bool = False) -> FileDiff:
    return FileDiff(shown.status, shown.path, shown.old_path, shown.old, shown.new, hunks, is_binary, is_folded)


def _blob(m: Machinery, repository: pygit2.Repository, oid: Sha1 | None) -> Blob | None:
    return None if oid is None else m.git.objects.blob(repository, oid)


def _side(blob: Blob | None) -> Side | None:
    return None if blob is None else Side(blob.size, blob.pointer is not None)
