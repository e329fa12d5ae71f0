"""Which entries of a folder each commit changed, remembered: the last commits of a page are then found without reading trees."""

from __future__ import annotations

import re

import pygit2

from tulou.kernel.ids import Sha1
from tulou.platform.git.objects import Lru

_RECORD = re.compile(rb"[0-7]+ [^\0]+\0.{20}", re.DOTALL)
_NOTHING: frozenset[str] = frozenset()


class Touches:
    """Answers by commit and folder, which never grow old."""

    def __init__(self) -> None:
        self._changed: Lru[tuple[str, str], frozenset[str]] = Lru(400_000)
        # The folders of two neighbours in history, if they are huge: the older one is the newer one of the next pair.
        self._records: Lru[str, frozenset[bytes]] = Lru(250_000)

    def touched(self, repository: pygit2.Repository, commit: pygit2.Commit, folder: str, names: set[str]) -> set[str]:
        """Return those of the names that the commit gave a content which no parent of it has. `folder` is '' for the root."""
        if not commit.parent_ids:
            return set(names) if _folder(commit, folder) is not None else set()
        key = (str(commit.id), folder)
        changed = self._changed.get(key)
        if changed is None:
            changed = self._compare(repository, commit, folder)
            self._changed.put(key, changed, 1 + len(changed))
        return names & changed

    def _compare(self, repository: pygit2.Repository, commit: pygit2.Commit, folder: str) -> frozenset[str]:
        here = _folder(commit, folder)
        parents = [_folder(parent, folder) for parent in commit.parents]
        if here is None or here in parents:
            return _NOTHING
        records = self._of_tree(repository, here)
        for parent in parents:
            records -= self._of_tree(repository, parent) if parent is not None else frozenset()
        return frozenset(_name(record) for record in records)

    def _of_tree(self, repository: pygit2.Repository, tree: Sha1) -> frozenset[bytes]:
        """Return the entries of a folder as git writes them: mode, name and id. A set of them is compared in one step."""
        known = self._records.get(tree)
        if known is None:
            known = frozenset(_RECORD.findall(repository.read(pygit2.Oid(hex=tree))[1]))
            self._records.put(tree, known, 1 + len(known))
        return known


def _folder(commit: pygit2.Commit, folder: str) -> Sha1 | None:
    if folder == "":
        return Sha1(str(commit.tree_id))
    try:
        found = commit.tree[folder]
    except KeyError:
        return None
    return Sha1(str(found.id)) if isinstance(found, pygit2.Tree) else None


def _name(record: bytes) -> str:
    return record[record.index(b" ") + 1 : -21].decode("utf-8", "replace")
