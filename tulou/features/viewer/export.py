"""Publish a dataset as Parquet on a ref of its own, `refs/convert/parquet`, which clients read like any other revision."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tulou.features.content import objects as large
from tulou.features.content import revisions, tree
from tulou.features.content.commit import Target, commit, commit_to_new_ref
from tulou.features.content.lfs_claims import Claim, Holder
from tulou.features.content.lfs_upload import publish as publish_object
from tulou.features.repos.model import Repo
from tulou.features.viewer import queries, shelf
from tulou.features.viewer.source import Source
from tulou.features.viewer.state import ConfigState, SplitState, Trouble, View
from tulou.fsio import atomic
from tulou.kernel.actor import SYSTEM
from tulou.kernel.errors import EntryNotFound, InvalidPath, QuotaExceeded, StorageFull
from tulou.kernel.ids import Sha1, Sha256
from tulou.kernel.names import parse_path
from tulou.platform.machinery import Machinery
from tulou.wire.hf_commit import DeletedFile, File, Header, LargeFile, Operation
from tulou.wire.lfs import LfsPointer

REF = "refs/convert/parquet"
_ATTRIBUTES = File(".gitattributes", b"*.parquet filter=lfs diff=lfs merge=lfs -text\n")
_FULL = Trouble("QuotaExceededError", "The Parquet files of this dataset do not fit into the storage quota of its owner.")
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class _Export:
    """The files of one split in the ref: name in its folder, and the large file."""

    config: ConfigState
    split: SplitState
    files: tuple[tuple[str, LfsPointer], ...]

    def paths(self) -> Iterator[tuple[str, LfsPointer]]:
        for name, pointer in self.files:
            yield parse_path(f"{self.config.name}/{self.split.name}/{name}"), pointer


@dataclass(frozen=True, slots=True)
class _Finished:
    """A file whose hash is known; who publishes it takes it away."""

    path: Path
    size: int
    sha256: str


def publish(m: Machinery, found: Source, view: View | None) -> Trouble | None:
    """Bring the ref in step with every split that is ready. Returns why it could not, for its owner to read.

    # 1 each file an object of the repository   2 one landing: commit, ref, event   3 rows: the files of each split
    # Crash before 2: objects that no commit refers to, let go after a week. Before 3: the next run finds the ref as it should be.
    """
    ready = [(c, s) for c in (view.configs if view else ()) for s in c.splits or () if s.state == "ready"]
    try:
        exports = [_Export(config, split, tuple(_files(m, found, config, split))) for config, split in ready]
        _commit(m, found.repo, dict(pair for each in exports for pair in each.paths()))
    except InvalidPath:
        return Trouble("ConfigNamesError", "A configuration has a name that cannot be the name of a folder.")
    except (QuotaExceeded, StorageFull):
        return _FULL
    with m.db.write() as tx:
        for each in exports:
            listed = [[name, pointer.size] for name, pointer in each.files]
            queries.change_split(tx, found.repo.id, found.commit, each.config.number, each.split.name, parquet=listed)
    return None


def _files(m: Machinery, found: Source, config: ConfigState, split: SplitState) -> Iterator[tuple[str, LfsPointer]]:
    """Yield the files of a split: the very ones that were pushed, if they are Parquet, else what the pass has written."""
    pushed = [found.of_path(m, path).stored for path in split.sources]
    if pushed and all(pushed):
        for number, stored in enumerate(pushed):
            if stored is not None:
                yield f"{number:04}.parquet", LfsPointer(stored.sha256, stored.size)
        return
    written = shelf.find(m, found.repo, found.commit, config.name, split.name)
    for part in written.parts if written else ():
        yield part.path.name, _owned(m, found.repo, part.path)


def _owned(m: Machinery, repo: Repo, path: Path) -> LfsPointer:
    """Make a file of the cache an object of the repository: the same bytes on the disk, by a second name."""
    with path.open("rb") as file:
        pointer = LfsPointer(Sha256(_digest(file)), path.stat().st_size)
    if pointer.oid in large.find_many(m, repo, [pointer.oid]):
        return pointer
    named = atomic.temporary_file(m.work, "parquet")
    atomic.link(path, named)
    try:
        publish_object(m, Holder(SYSTEM, repo, Claim("put", pointer)), _Finished(named, pointer.size, pointer.oid))
    finally:
        atomic.remove(named)
    return pointer


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _commit(m: Machinery, repo: Repo, wanted: dict[str, LfsPointer]) -> None:
    ref = revisions.refs(m, repo).get(REF)
    there = _there(m, repo, Sha1(ref.peeled)) if ref is not None else {}
    changed = [LargeFile(path, p.oid, p.size) for path, p in wanted.items() if there.get(path) != p.oid]
    gone = [DeletedFile(path) for path in there if path not in wanted]
    operations: list[Operation] = [*gone, *changed]
    if not operations:
        return
    header = Header("Update parquet files", "", None)
    if ref is None:
        first = Target(REF, None, None)
        commit_to_new_ref(m, SYSTEM, repo, first, header, [_ATTRIBUTES, *operations], lambda _tx: None)
    else:
        commit(m, SYSTEM, repo, REF, header, operations)


def _there(m: Machinery, repo: Repo, at: Sha1) -> dict[str, str]:
    try:
        entries = list(tree.walk(m, repo, at))
    except EntryNotFound:
        return {}
    return {entry.path: entry.lfs.oid if entry.lfs else entry.oid for entry in entries if entry.path != _ATTRIBUTES.path}
