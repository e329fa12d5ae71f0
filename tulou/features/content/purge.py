"""List the large files of a repository, and remove some for good: bytes, claims and, if wanted, history."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from tulou.db.engine import Tx
from tulou.db.tables import lfs_object, repo_file, repo_object
from tulou.features.audit import record
from tulou.features.content import revisions, tree
from tulou.features.content.land import RefChange, land
from tulou.features.repos.model import Ref, Repo
from tulou.kernel.actor import Actor
from tulou.kernel.errors import ObjectNotFound
from tulou.kernel.ids import Sha1
from tulou.platform.git.cache import quarantine
from tulou.platform.git.rewrite import HistoryRewriter
from tulou.platform.git.write import TreeWriter
from tulou.platform.machinery import Machinery


@dataclass(frozen=True, slots=True)
class LargeFile:
    """One large file in a repository's history. `path` and `ref` say where it is now; empty if only in old commits."""

    sha256: str
    size: int
    path: str
    ref: str
    pushed_at: int


def large_files(m: Machinery, repo: Repo, *, after: str, limit: int) -> list[LargeFile]:
    """Return up to `limit` committed large files by SHA-256, those greater than `after`."""
    mine = sa.and_(repo_object.c.repo_id == repo.id, repo_object.c.committed.is_(True), repo_object.c.sha256 > after)
    query = sa.select(repo_object).where(mine).order_by(repo_object.c.sha256).limit(limit)
    with m.db.read() as connection:
        rows = connection.execute(query).all()
    places = _places(m, repo) if rows else {}
    return [LargeFile(row.sha256, row.size, *places.get(row.sha256, ("", "")), row.created_at) for row in rows]


def purge(m: Machinery, actor: Actor, repo: Repo, sha256s: set[str], *, rewrite_history: bool) -> None:
    """Remove large files from a repository for good. Raises ObjectNotFound unless it owns every one.

    With `rewrite_history` all branches and tags are written anew without them; else old commits keep dead pointers.
    """

    def let_go(tx: Tx) -> None:
        named = sa.select(lfs_object.c.file_hash).where(lfs_object.c.sha256.in_(sha256s))
        gone = sa.delete(repo_object).where(repo_object.c.repo_id == repo.id, repo_object.c.sha256.in_(sha256s))
        if tx.execute(gone).rowcount != len(sha256s):
            raise ObjectNotFound
        tx.execute(sa.delete(repo_file).where(repo_file.c.repo_id == repo.id, repo_file.c.file_hash.in_(named)))
        record.write(tx, m.clock, actor, "files.purge", repo.id, sha256=sorted(sha256s), rewrite_history=rewrite_history)

    if not rewrite_history:
        with m.db.write() as tx:
            let_go(tx)
        return
    refs = [ref for ref in revisions.refs(m, repo).values() if not ref.name.startswith("refs/convert/")]
    with quarantine(m.git, repo.id, repo.generation) as box:
        for ref in refs:
            m.git.having(repo.id, repo.generation, ref.peeled)
        writer = TreeWriter(box.repository)
        new = HistoryRewriter(writer, m.git.objects, frozenset(sha256s)).rewrite({ref.peeled for ref in refs})
        changes = _changes(refs, new)
        land(m, actor, repo, action="files.purge", changes=changes, pack=box.pack(list(dict.fromkeys(writer.new))), also=let_go)


def _changes(refs: list[Ref], new: dict[str, Sha1]) -> list[RefChange]:
    """Move every ref whose commit changed. An annotated tag becomes a plain one: its text named the old commit."""
    return [RefChange(ref.name, ref.target, new[ref.peeled]) for ref in refs if new[ref.peeled] != ref.peeled]


def _places(m: Machinery, repo: Repo) -> dict[str, tuple[str, str]]:
    """Say where each large file is at the heads of branches; the default branch wins."""
    places: dict[str, tuple[str, str]] = {}
    refs = [ref for name, ref in revisions.refs(m, repo).items() if name.startswith(("refs/heads/", "refs/pr/"))]
    for ref in sorted(refs, key=lambda r: r.name == repo.default_ref):
        for entry in tree.walk(m, repo, Sha1(ref.peeled)):
            if entry.lfs is not None:
                places[entry.lfs.oid] = (entry.path, ref.name)
    return places
