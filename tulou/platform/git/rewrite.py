"""Rewrite history without certain large files: every commit again, minus the entries that point to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import pygit2
from pygit2.enums import FileMode, SortMode

from tulou.kernel.ids import Sha1
from tulou.platform.git.objects import GitObjects
from tulou.platform.git.write import TreeWriter


class HistoryRewriter:
    """Maps old commits and trees to new ones. What did not change keeps its id."""

    def __init__(self, writer: TreeWriter, objects: GitObjects, unwanted: frozenset[str]) -> None:
        self._writer = writer
        self._git: pygit2.Repository = writer.repository
        self._objects = objects
        self._unwanted = unwanted
        self._trees: dict[str, Sha1 | None] = {}
        self._commits: dict[str, Sha1] = {}

    def rewrite(self, heads: Iterable[str]) -> dict[str, Sha1]:
        """Return, for each head, the commit that takes its place."""
        heads = list(heads)
        walker = self._git.walk(None, SortMode.TOPOLOGICAL | SortMode.REVERSE)
        for head in heads:
            walker.push(pygit2.Oid(hex=head))
        for commit in walker:
            self._commits[str(commit.id)] = self._commit(commit)
        return {head: self._commits[head] for head in heads}

    def _commit(self, commit: pygit2.Commit) -> Sha1:
        tree = self._tree(str(commit.tree_id)) or self._writer.apply(None, {})
        parents = [self._commits[str(parent)] for parent in commit.parent_ids]
        if tree == str(commit.tree_id) and parents == [str(p) for p in commit.parent_ids]:
            return Sha1(str(commit.id))
        hexes = [pygit2.Oid(hex=parent) for parent in parents]
        oid = str(self._git.create_commit(None, commit.author, commit.committer, commit.message, pygit2.Oid(hex=tree), hexes))
        self._writer.new.append(oid)
        return Sha1(oid)

    def _tree(self, oid: str) -> Sha1 | None:
        """Return the tree without unwanted files; None when nothing is left of it."""
        if oid in self._trees:
            return self._trees[oid]
        tree = cast("pygit2.Tree", self._git[oid])
        builder = self._git.TreeBuilder(tree)
        for entry in tree:
            self._keep_or_drop(builder, entry)
        result = None
        if len(builder):
            result = Sha1(str(builder.write()))
            if result != oid:
                self._writer.new.append(result)
        self._trees[oid] = result
        return result

    def _keep_or_drop(self, builder: pygit2.TreeBuilder, entry: pygit2.Object) -> None:
        name = str(entry.name)
        if entry.filemode == FileMode.TREE:
            below = self._tree(str(entry.id))
            if below is None:
                builder.remove(name)
            elif below != str(entry.id):
                builder.insert(name, pygit2.Oid(hex=below), FileMode.TREE)
        elif entry.filemode != FileMode.COMMIT:
            pointer = self._objects.blob(self._git, Sha1(str(entry.id))).pointer
            if pointer is not None and pointer.oid in self._unwanted:
                builder.remove(name)
