"""Judge new git objects: what stock git takes, but a checkout, another disk or our own pages would suffer from.

git's fsck has seen the objects before (receive.py); this adds what it lets through, as measured on a corpus of hostile trees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import pygit2

from tulou.kernel.errors import Unprocessable, WireError
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import (
    MIB,
    PATH_BYTES,
    PATH_DEPTH,
    PUSH_BLOB,
    PUSH_PARENTS,
    PUSH_TREE_FILES,
)
from tulou.kernel.names import path_part_problem
from tulou.wire import gitobj
from tulou.wire.lfs import LfsPointer, looks_like_pointer, parse_pointer

LAST_SECOND = 253_402_300_799
"""The end of the year 9999: later times have no date on the wire."""
_NEVER_A_LINK = frozenset({".gitattributes", ".gitmodules", ".gitignore", ".lfsconfig"})


class Refused(Unprocessable):
    """The push contains something that this hub does not take."""

    code = "refused_content"


@dataclass(frozen=True, slots=True)
class NewObjects:
    """The objects of a pack by kind. `large` are blobs over the limit with their sizes, `small` may be LFS pointers."""

    count: int
    commits: tuple[Sha1, ...] = ()
    trees: frozenset[Sha1] = frozenset()
    tags: tuple[Sha1, ...] = ()
    large: Mapping[Sha1, int] = field(default_factory=dict)
    small: tuple[Sha1, ...] = ()


def judge(repository: pygit2.Repository, new: NewObjects) -> dict[LfsPointer, str]:
    """Return the large files that new blobs stand for, each with one path where it is used.

    Raises Refused with a sentence for the person who pushes.
    """
    walk = _Walk(repository, new)
    for oid in new.commits:
        walk.visit(judge_commit(walk.read(oid)).tree, 0, "")
    for oid in new.trees:
        walk.visit(oid, 0, "")
    for oid, size in new.large.items():
        _refuse_large("", size, oid)
    return walk.pointers()


def judge_commit(raw: bytes) -> gitobj.CommitHead:
    """Return the head of a commit object, or raise Refused."""
    try:
        head = gitobj.parse_commit(raw)
    except WireError as cause:
        raise Refused(cause.message) from cause
    if len(head.parents) > PUSH_PARENTS:
        raise Refused(f"A commit may have at most {PUSH_PARENTS} parents.")
    if any(seconds > LAST_SECOND for seconds in head.times):
        raise Refused("A commit is dated after the year 9999.")
    return head


def judge_tree_entries(entries: Iterable[gitobj.TreeEntry]) -> None:
    """Raise Refused if a folder may not hold these entries side by side."""
    seen: set[str] = set()
    for entry in entries:
        name = _name(entry)
        folded = name.casefold()
        if folded in seen:
            raise Refused("Two names in one folder may not differ only in letter case: many disks cannot hold both.")
        seen.add(folded)
        if entry.mode not in gitobj.MODES:
            raise Refused("A folder has an entry that is no file, folder, link or submodule.")
        if entry.mode == gitobj.LINK and folded in _NEVER_A_LINK:
            raise Refused("Files that configure git may not be symbolic links.")


def _name(entry: gitobj.TreeEntry) -> str:
    try:
        name = entry.name.decode("utf-8")
    except UnicodeDecodeError as cause:
        raise Refused("File names must be UTF-8.") from cause
    problem = path_part_problem(name)
    if problem:
        raise Refused(problem)
    return name


@dataclass(frozen=True, slots=True)
class _Shape:
    """How far a tree reaches below itself: parts and bytes of its longest path, and its files, counted at every place."""

    depth: int
    bytes: int
    files: int


class _Walk:
    """Visits every tree once, however often it is used, so that a tree of nested copies costs nothing."""

    def __init__(self, repository: pygit2.Repository, new: NewObjects) -> None:
        self._repository = repository
        self._new = new
        self._shapes: dict[Sha1, _Shape] = {}
        self._paths: dict[Sha1, str] = {}
        self._pointers: dict[Sha1, LfsPointer] = {}
        self._malformed: set[Sha1] = set()
        for oid in new.small:
            blob = self.read(oid)
            pointer = parse_pointer(blob)
            if pointer is not None:
                self._pointers[oid] = pointer
            elif looks_like_pointer(blob):
                self._malformed.add(oid)

    def read(self, oid: Sha1) -> bytes:
        """Return the content of an object."""
        return bytes(self._repository.read(pygit2.Oid(hex=oid))[1])

    def pointers(self) -> dict[LfsPointer, str]:
        """Return every pointer with one path where it is used; the path is empty for a blob that no tree names.

        A malformed one that some tree names was refused there, with its path.
        """
        if self._malformed:
            raise Refused("A file looks like a git-lfs pointer but does not follow its format.")
        return {pointer: self._paths.get(oid, "") for oid, pointer in self._pointers.items()}

    def visit(self, oid: Sha1, depth: int, prefix: str) -> _Shape:
        """Judge a tree at a place and everything below it."""
        if depth > PATH_DEPTH:
            raise Refused(f"Folders may be nested {PATH_DEPTH} deep at most.")
        shape = self._shapes.get(oid)
        if shape is None:
            shape = self._shapes[oid] = self._judge(oid, depth, prefix)
        if depth + shape.depth > PATH_DEPTH:
            raise Refused(f"Folders may be nested {PATH_DEPTH} deep at most.")
        if len(prefix.encode()) + shape.bytes > PATH_BYTES:
            raise Refused(f"A file path may have {PATH_BYTES} bytes at most.")
        if shape.files > PUSH_TREE_FILES:
            raise Refused(f"A commit may hold {PUSH_TREE_FILES} files at most.")
        return shape

    def _judge(self, oid: Sha1, depth: int, prefix: str) -> _Shape:
        entries = self._entries(oid)
        if oid in self._new.trees:
            _judge_at(prefix, entries)
        deepest = longest = files = 0
        for entry in entries:
            below = _Shape(0, -1, 1)
            path = prefix + entry.name.decode("utf-8", "replace")
            if entry.mode == gitobj.TREE:
                below = self.visit(entry.oid, depth + 1, path + "/")
            elif entry.mode != gitobj.SUBMODULE:
                self._note(entry, path)
            deepest = max(deepest, 1 + below.depth)
            longest = max(longest, len(entry.name) + 1 + below.bytes)
            files += below.files
        return _Shape(deepest, longest, files)

    def _entries(self, oid: Sha1) -> list[gitobj.TreeEntry]:
        try:
            return list(gitobj.parse_tree(self.read(oid)))
        except WireError as cause:
            raise Refused(cause.message) from cause

    def _note(self, entry: gitobj.TreeEntry, path: str) -> None:
        size = self._new.large.get(entry.oid)
        if size is not None:
            _refuse_large(path, size, entry.oid)
        if entry.mode == gitobj.LINK:
            return
        if entry.oid in self._malformed:
            raise Refused(f"{path} looks like a git-lfs pointer but does not follow its format.")
        if entry.oid in self._pointers:
            self._paths.setdefault(entry.oid, path)


def _judge_at(prefix: str, entries: list[gitobj.TreeEntry]) -> None:
    try:
        judge_tree_entries(entries)
    except Refused as problem:
        where = f" (in the folder {prefix.rstrip('/')})" if prefix else ""
        raise Refused(problem.message + where) from problem


def _refuse_large(path: str, size: int, oid: Sha1) -> NoReturn:
    raise Refused(
        f"{path or 'blob ' + oid} has {size / MIB:.1f} MiB, and a plain git file may have {PUSH_BLOB // MIB} MiB. "
        "Track it with git-lfs: git lfs migrate import --include=... --everything"
    )
