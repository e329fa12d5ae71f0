"""Make a commit from operations: what the API, the web editor, jobs and the demo all call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

import pygit2

from tulou.db.engine import Tx
from tulou.features.content import objects as large
from tulou.features.content.land import RefChange, land
from tulou.features.content.resolve import read_file
from tulou.features.content.revisions import refs
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Actor
from tulou.kernel.errors import BadInput, EntryNotFound, ObjectNotFound, RevisionNotFound, StaleParent
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import MIB
from tulou.kernel.names import is_sha1_prefix
from tulou.platform.git.cache import Quarantine, quarantine
from tulou.platform.git.write import Edits, Put, TreeWriter
from tulou.platform.machinery import Machinery
from tulou.wire import gitattributes
from tulou.wire.hf_commit import DeletedFile, DeletedFolder, File, Header, LargeFile, Operation
from tulou.wire.lfs import LfsPointer, format_pointer, looks_like_pointer, parse_pointer

RETRIES = 8


@dataclass(frozen=True, slots=True)
class Target:
    """Where a commit goes: it moves the ref `name`, which is at `old` (None: the ref is made), onto a child of `parent`."""

    name: str
    old: Sha1 | None
    parent: Sha1 | None


def commit(m: Machinery, actor: Actor, repo: Repo, revision: str, header: Header, operations: Iterable[Operation]) -> Sha1:
    """Commit to a branch and return the new commit.

    Without `header.parent` a commit that lost a race is made again on the new head; with it, StaleParent is raised.
    Raises RevisionNotFound, EntryNotFound for a deletion of nothing, ObjectNotFound for a large file never uploaded.
    """
    return _commit(m, actor, repo, lambda: branch_target(m, repo, revision), header, operations, None)


def commit_to_new_ref(
    m: Machinery,
    actor: Actor,
    repo: Repo,
    target: Target,
    header: Header,
    operations: Iterable[Operation],
    also: Callable[[Tx], None],
) -> Sha1:
    """Commit to a ref that does not exist yet; `also` runs in the same transaction."""
    return _commit(m, actor, repo, lambda: target, header, operations, also)


def branch_target(m: Machinery, repo: Repo, revision: str) -> Target:
    """Return the branch or pull request that a commit to `revision` moves. Raises RevisionNotFound."""
    known = refs(m, repo)
    name = revision if revision.startswith("refs/") else f"refs/heads/{revision}"
    found = known.get(name)
    if found is None or name.startswith("refs/tags/"):
        if f"refs/tags/{revision}" in known or is_sha1_prefix(revision):
            raise BadInput("A commit can only be made to a branch.")
        raise RevisionNotFound
    return Target(name, Sha1(found.target), Sha1(found.peeled))


def _commit(
    m: Machinery, actor: Actor, repo: Repo, find: Callable[[], Target], header: Header,
    operations: Iterable[Operation], also: Callable[[Tx], None] | None,
) -> Sha1:  # fmt: skip
    with quarantine(m.git, repo.id, repo.generation) as box:
        draft = Draft(m, repo, box)
        for operation in operations:
            draft.add(operation)
        for attempt in range(RETRIES):
            target = find()
            if header.parent is not None and header.parent != target.parent:
                raise StaleParent
            oid = draft.finish(actor, target, header)
            try:
                land(
                    m,
                    actor,
                    repo,
                    action="repo.commit",
                    changes=[RefChange(target.name, target.old, oid)],
                    pack=box.pack(draft.take_new(), attempt),
                    objects=draft.sha256s,
                    also=also,
                )
            except StaleParent:
                if header.parent is not None or attempt == RETRIES - 1:
                    raise
                continue
            return oid
    raise StaleParent


class Draft:
    """A commit in the making. Blobs go to the quarantine as they come, so that memory holds one file at a time."""

    def __init__(self, m: Machinery, repo: Repo, box: Quarantine) -> None:
        self._m = m
        self._repo = repo
        self._writer = TreeWriter(box.repository)
        self._edits: Edits = {}
        self._must_exist: list[DeletedFile | DeletedFolder] = []
        self._pointers: dict[str, LfsPointer] = {}

    @property
    def sha256s(self) -> set[str]:
        """The large files that the commit refers to."""
        return {pointer.oid for pointer in self._pointers.values()}

    def add(self, operation: Operation) -> None:
        """Take in one operation. Raises ObjectNotFound for a large file that the repository does not own."""
        self._pointers.pop(operation.path, None)
        if isinstance(operation, File):
            self._own_what_it_points_to(operation)
            self._edits[operation.path] = Put(self._writer.blob(operation.content))
        elif isinstance(operation, LargeFile):
            self._edits[operation.path] = Put(self._writer.blob(format_pointer(self._pointer(operation))))
        else:
            self._edits[operation.path] = None
            self._must_exist.append(operation)

    def finish(self, actor: Actor, target: Target, header: Header) -> Sha1:
        """Store the tree and the commit on top of `target`, and return the commit."""
        git = self._writer.repository
        if target.parent is not None:
            self._m.git.having(self._repo.id, self._repo.generation, target.parent)
        base = Sha1(str(git[target.parent].tree.id)) if target.parent is not None else None
        self._refuse_deleting_nothing(target.parent)
        edits = dict(self._edits)
        attributes = self._attributes(target.parent)
        if attributes is not None:
            edits[".gitattributes"] = Put(self._writer.blob(attributes))
        tree = self._writer.apply(base, edits)
        message = f"{header.summary}\n\n{header.description}" if header.description else header.summary
        return self._writer.commit(tree, [target.parent] if target.parent else [], signature(self._m, actor), message)

    def take_new(self) -> list[str]:
        """Return every object made so far, each once."""
        return list(dict.fromkeys(self._writer.new))

    def _own_what_it_points_to(self, file: File) -> None:
        """A pointer sent as text refers to a large file like any other: the repository must own it, as in a push."""
        pointer = parse_pointer(file.content)
        if pointer is not None:
            self._pointer(LargeFile(file.path, pointer.oid, pointer.size))
        elif looks_like_pointer(file.content):
            raise BadInput("A file looks like a git-lfs pointer but does not follow its format.")

    def _pointer(self, operation: LargeFile) -> LfsPointer:
        try:
            stored = large.find(self._m, self._repo, operation.sha256)
        except ObjectNotFound as cause:
            raise ObjectNotFound("The commit refers to a large file that was never uploaded to this repository.") from cause
        if operation.size is not None and operation.size != stored.size:
            raise BadInput("The size of a large file differs from what was uploaded.")
        pointer = LfsPointer(stored.sha256, stored.size)
        self._pointers[operation.path] = pointer
        return pointer

    def _refuse_deleting_nothing(self, parent: Sha1 | None) -> None:
        for operation in self._must_exist:
            found = self._m.git.objects.at(self._writer.repository, parent, operation.path) if parent else None
            if found is None:
                raise EntryNotFound("A file with this name doesn't exist", commit=parent)

    def _attributes(self, parent: Sha1 | None) -> bytes | None:
        """Return a `.gitattributes` that covers every large file of this commit, if the present one does not.

        Without it a clone would leave pointers where files should be.
        """
        if not self._pointers:
            return None
        text = self._attributes_now(parent)
        known = gitattributes.parse(text)
        missing = [path for path in sorted(self._pointers) if not known.is_lfs(path)]
        if not missing:
            return None
        lines = [gitattributes.lfs_line(path) for path in missing]
        return (text.rstrip("\n") + "\n" + "\n".join(lines) + "\n").lstrip("\n").encode()

    def _attributes_now(self, parent: Sha1 | None) -> str:
        edit = self._edits.get(".gitattributes", ...)
        if isinstance(edit, Put):
            return bytes(cast("pygit2.Blob", self._writer.repository[edit.oid]).data).decode("utf-8", "replace")
        if edit is None or parent is None:
            return ""
        return attributes_text(self._m, self._repo, parent)


def attributes_text(m: Machinery, repo: Repo, commit: Sha1) -> str:
    """Return the root `.gitattributes` at a commit, or an empty text."""
    try:
        return read_file(m, repo, commit, ".gitattributes", MIB).decode("utf-8", "replace")
    except EntryNotFound:
        return ""


def signature(m: Machinery, actor: Actor) -> pygit2.Signature:
    """Return the author line of a commit that `actor` makes here."""
    name = actor.name or "anonymous"
    return pygit2.Signature(name, f"{name}@users.noreply.tulou.local", m.clock.now() // 1000, 0)
