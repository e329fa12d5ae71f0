"""Which names of branches and tags can stand side by side."""

from __future__ import annotations

from collections.abc import Iterable

from tulou.kernel.errors import AlreadyExists, Unprocessable
from tulou.kernel.limits import REFS_PER_REPO

PULLS = "refs/pr/"


class RefNames:
    """The refs of a repository: none may be a folder of another, or differ from another only in letter case.

    Clones keep refs as files: many disks could not hold such pairs.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._folded: set[str] = set()
        self._folders: set[str] = set()
        self._pulls = 0
        for name in names:
            self._keep(name)

    def add(self, name: str) -> None:
        """Make room for a new ref. Raises AlreadyExists, or Unprocessable when there are too many."""
        if name in self._names:
            raise AlreadyExists(f"Reference {name} already exists")
        # Apart: whoever may read can open pull requests, but not use up the room of those who write.
        is_pull = name.startswith(PULLS)
        if (self._pulls if is_pull else len(self._names) - self._pulls) >= REFS_PER_REPO:
            what = "pull requests" if is_pull else "branches and tags"
            raise Unprocessable(f"A repository can have at most {REFS_PER_REPO} {what}.")
        if name.lower() in self._folded or name in self._folders or not self._names.isdisjoint(_folders_of(name)):
            raise AlreadyExists("A branch or tag with a conflicting name already exists.")
        self._keep(name)

    def _keep(self, name: str) -> None:
        self._names.add(name)
        self._pulls += name.startswith(PULLS)
        self._folded.add(name.lower())
        self._folders.update(_folders_of(name))


def _folders_of(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]
