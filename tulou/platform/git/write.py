"""Build trees and commits in a quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pygit2
from pygit2.enums import FileMode, ObjectType

from tulou.kernel.errors import Unprocessable
from tulou.kernel.ids import Sha1


@dataclass(frozen=True, slots=True)
class Put:
    """A file to be at a path afterwards: the id of its blob, which is in the quarantine or the history already."""

    oid: Sha1
    executable: bool = False


Edits = dict[str, "Put | None"]
"""Path → the new file, or None to delete the file or folder there."""


class TreeWriter:
    """Applies edits to a tree and remembers every object that it made."""

    def __init__(self, repository: pygit2.Repository) -> None:
        self.repository = repository
        self.new: list[str] = []

    def blob(self, content: bytes) -> Sha1:
        """Store a blob and return its id."""
        oid = str(self.repository.create_blob(content))
        self.new.append(oid)
        return Sha1(oid)

    def apply(self, base: Sha1 | None, edits: Edits) -> Sha1:
        """Return the tree that `base` becomes by `edits`. Raises Unprocessable where a file would be a folder as well."""
        root = self._apply(base, _nest(edits))
        if root is not None:
            return root
        empty = str(self.repository.TreeBuilder().write())
        self.new.append(empty)
        return Sha1(empty)

    def _apply(self, base: Sha1 | None, edits: dict[str, object]) -> Sha1 | None:
        tree = cast("pygit2.Tree", self.repository[base]) if base is not None else None
        builder = self.repository.TreeBuilder(tree) if tree is not None else self.repository.TreeBuilder()
        added: list[str] = []
        for name, edit in edits.items():
            before = builder.get(name)
            if isinstance(edit, dict):
                self._descend(builder, name, before, edit)
            elif edit is None:
                if before is not None:
                    builder.remove(name)
            elif isinstance(edit, Put):
                if before is not None and before.type == ObjectType.TREE:
                    raise Unprocessable("A file cannot take the place of a folder in the same commit: delete the folder first.")
                mode = FileMode.BLOB_EXECUTABLE if edit.executable else FileMode.BLOB
                builder.insert(name, pygit2.Oid(hex=edit.oid), mode)
                if before is None:
                    added.append(name)
        if len(builder) == 0:
            return None
        oid = Sha1(str(builder.write()))
        self.new.append(oid)
        if added or any(isinstance(e, dict) for e in edits.values()):
            _refuse_case_collisions(
                cast("pygit2.Tree", self.repository[oid]), [*added, *(n for n, e in edits.items() if isinstance(e, dict))]
            )
        return oid

    def _descend(self, builder: pygit2.TreeBuilder, name: str, before: pygit2.Object | None, edits: dict[str, object]) -> None:
        if before is not None and before.type != ObjectType.TREE:
            if all(edit is None for edit in edits.values()):
                return
            raise Unprocessable("A folder cannot take the place of a file in the same commit: delete the file first.")
        subtree = self._apply(Sha1(str(before.id)) if before is not None else None, edits)
        if subtree is not None:
            builder.insert(name, pygit2.Oid(hex=subtree), FileMode.TREE)
        elif before is not None:
            builder.remove(name)

    def commit(self, tree: Sha1, parents: list[Sha1], author: pygit2.Signature, message: str) -> Sha1:
        """Store a commit and return its id."""
        hexes = [pygit2.Oid(hex=parent) for parent in parents]
        oid = str(self.repository.create_commit(None, author, author, message, pygit2.Oid(hex=tree), hexes))
        self.new.append(oid)
        return Sha1(oid)

    def tag(self, name: str, commit: Sha1, tagger: pygit2.Signature, message: str) -> Sha1:
        """Store an annotated tag object, without a ref, and return its id."""
        who = f"{tagger.name} <{tagger.email}> {tagger.time} +0000"
        text = f"object {commit}\ntype commit\ntag {name}\ntagger {who}\n\n{message}\n"
        oid = str(self.repository.odb.write(ObjectType.TAG, text.encode()))
        self.new.append(oid)
        return Sha1(oid)


def _nest(edits: Edits) -> dict[str, object]:
    """Turn paths into nested folders. Raises Unprocessable if one path is a folder of another."""
    root: dict[str, object] = {}
    for path, edit in edits.items():
        *folders, name = path.split("/")
        node = root
        for folder in folders:
            step = node.setdefault(folder, {})
            if step is None:
                # The folder is deleted and something is put into it: only what is put remains.
                raise Unprocessable("A commit cannot delete a folder and write into it at once.")
            if not isinstance(step, dict):
                raise Unprocessable("A path cannot be a file and a folder at once.")
            node = step
        if isinstance(node.get(name), dict) and node[name]:
            if edit is None:
                raise Unprocessable("A commit cannot delete a folder and write into it at once.")
            raise Unprocessable("A path cannot be a file and a folder at once.")
        node[name] = edit
    return root


def _refuse_case_collisions(tree: pygit2.Tree, names: list[str]) -> None:
    """Refuse new names that differ from another only in letter case: many disks cannot hold both."""
    wanted = {name.casefold() for name in names}
    seen: dict[str, str] = {}
    for entry in tree:
        name = str(entry.name)
        folded = name.casefold()
        if folded in wanted and seen.setdefault(folded, name) != name:
            raise Unprocessable("Two names in one folder may not differ only in letter case: many disks cannot hold both.")
