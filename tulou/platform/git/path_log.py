"""The history of one file or folder."""

from __future__ import annotations

import time

import pygit2
from pygit2.enums import SortMode

from tulou.kernel.ids import Sha1
from tulou.platform.git.history import Commit, commit
from tulou.platform.git.touches import Touches

SECONDS = 5.0


def path_log(
    repository: pygit2.Repository, touches: Touches, start: Sha1, path: str, *, skip: int, limit: int
) -> tuple[list[Commit], bool]:
    """Return commits that gave `path` a new content, newest first, and whether the search ended for lack of time.

    Looks back for `SECONDS` at most; what was learned is kept, so that asking again gets further.
    """
    folder, _, name = path.rpartition("/")
    found: list[Commit] = []
    deadline = time.monotonic() + SECONDS
    for current in repository.walk(pygit2.Oid(hex=start), SortMode.TOPOLOGICAL | SortMode.TIME):
        if touches.touched(repository, current, folder, {name}) and (current.parent_ids or path in current.tree):
            if skip > 0:
                skip -= 1
            else:
                found.append(commit(repository, Sha1(str(current.id))))
        if len(found) == limit:
            return found, False
        if time.monotonic() > deadline:
            return found, True
    return found, False
