"""Walk history: the log of a revision, and the last commit that touched each entry of a folder."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice
from typing import cast

import pygit2
from pygit2.enums import SortMode

from tulou.kernel.ids import Sha1
from tulou.platform.git.touches import Touches

SECONDS = 5.0


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


def last_commits(repository: pygit2.Repository, touches: Touches, start: Sha1, paths: list[str]) -> dict[str, Commit]:
    """Return, for each path, the newest commit after which it had its present content.

    Follows all parents in time order: a commit is the one if no parent has the same entry. Looks back for `SECONDS` at
    most, so that nobody can keep a thread busy with a long history; what was learned is kept, and asking again gets further.
    """
    wanted: dict[str, set[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        wanted.setdefault(folder, set()).add(name)
    found: dict[str, Commit] = {}
    deadline = time.monotonic() + SECONDS
    for current in repository.walk(pygit2.Oid(hex=start), SortMode.TOPOLOGICAL | SortMode.TIME):
        for folder, names in list(wanted.items()):
            hits = touches.touched(repository, current, folder, names)
            if hits:
                described = commit(repository, Sha1(str(current.id)))
                found |= {f"{folder}/{name}" if folder else name: described for name in hits}
                wanted[folder] = names - hits
            if not wanted[folder]:
                del wanted[folder]
        if not wanted or time.monotonic() > deadline:
            break
    return found
