"""Walk history: the log of a revision, and the last commit that touched each entry of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import cast

import pygit2
from pygit2.enums import SortMode

from tulou.kernel.ids import Sha1


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit. `at` is the committer's time in Unix milliseconds; `title` the first line of its message."""

    oid: Sha1
    title: str
    message: str
    author: str
    email: str
    at: int
    parents: tuple[Sha1, ...]


def commit(repository: pygit2.Repository, oid: Sha1) -> Commit:
    """Read one commit. Bytes that are not UTF-8 are replaced."""
    found = cast("pygit2.Commit", repository[oid])
    message = found.raw_message.decode("utf-8", "replace")
    title, _, rest = message.partition("\n")
    return Commit(
        oid=Sha1(str(found.id)),
        title=title.strip(),
        message=rest.strip(),
        author=found.author.raw_name.decode("utf-8", "replace"),
        email=found.author.raw_email.decode("utf-8", "replace"),
        at=max(0, min(found.commit_time, 253_402_300_799)) * 1000,
        parents=tuple(Sha1(str(p)) for p in found.parent_ids),
    )


def log(repository: pygit2.Repository, start: Sha1, *, skip: int, limit: int) -> list[Commit]:
    """Return commits reachable from `start`, newest first and parents never before children."""
    walker = repository.walk(pygit2.Oid(hex=start), SortMode.TOPOLOGICAL | SortMode.TIME)
    return [commit(repository, Sha1(str(c.id))) for c in islice(walker, skip, skip + limit)]


def last_commits(repository: pygit2.Repository, start: Sha1, paths: list[str]) -> dict[str, Commit]:
    """Return, for each path, the newest commit after which it had its present content.

    Follows all parents in time order: a commit is the one if no parent has the same entry.
    """
    wanted = set(paths)
    found: dict[str, Commit] = {}
    for current in _walk(repository, start):
        if not wanted:
            break
        parents = [p.tree for p in current.parents]
        for path in list(wanted):
            here = _entry(current.tree, path)
            if here is not None and all(_entry(tree, path) != here for tree in parents):
                found[path] = commit(repository, Sha1(str(current.id)))
                wanted.discard(path)
    return found


def _walk(repository: pygit2.Repository, start: Sha1) -> Iterator[pygit2.Commit]:
    return iter(repository.walk(pygit2.Oid(hex=start), SortMode.TOPOLOGICAL | SortMode.TIME))


def _entry(tree: pygit2.Tree, path: str) -> pygit2.Oid | None:
    try:
        return tree[path].id
    except KeyError:
        return None
