"""The one write path to a repository: commit API, git push, branches, tags and squashes all end here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from tulou.db.engine import Tx, insert_or_ignore
from tulou.db.tables import doomed, pack, ref, repo_object
from tulou.db.tables import repo as repo_table
from tulou.features.audit import record
from tulou.features.content.ref_names import RefNames
from tulou.features.quota import use
from tulou.features.repos.model import Repo
from tulou.fsio.faults import point
from tulou.kernel.actor import Actor
from tulou.kernel.errors import AlreadyExists, ObjectNotFound, RepoNotFound, StaleParent
from tulou.kernel.events import RefMove, RefsMoved
from tulou.platform.blobs.store import pack_key
from tulou.platform.events import outbox
from tulou.platform.git.cache import NewPack
from tulou.platform.machinery import Machinery


@dataclass(frozen=True, slots=True)
class RefChange:
    """Move the ref `name` from `old` to `new`. `old` None: it must not exist yet; `new` None: delete it.

    `peeled` is the commit behind `new` when `new` is an annotated tag.
    """

    name: str
    old: str | None
    new: str | None
    peeled: str | None = None


def land(
    m: Machinery,
    actor: Actor,
    repo: Repo,
    *,
    action: str,
    changes: list[RefChange],
    pack: NewPack | None = None,
    objects: Iterable[str] = (),
    also: Callable[[Tx], None] | None = None,
) -> None:
    """Publish a pack and move refs, as one step.

    `objects` are the SHA-256 names of large files that the new commits refer to; the repository must own each.
    `also` runs in the same transaction, before the refs move.
    Raises StaleParent if a ref is not where `changes` say, ObjectNotFound for a large file that was never uploaded.

    # 1 pack and index published   2 one transaction: refs + pack row + large files + quota + event + audit   3 answer
    # Crash before 2: an unreferenced pack, collected later. After 2: everything is there.
    """
    with m.turnstile.publishing():
        if pack is not None:
            publish_pack(m, pack)
        point("land.published")
        _transact(m, actor, repo, action, changes, pack, set(objects), also)
    point("land.committed")


def publish_pack(m: Machinery, pack: NewPack) -> None:
    """Put a pack and its index into the object store. Call it inside `m.turnstile.publishing()`."""
    m.store.require_space(pack.size)
    m.store.put(pack_key(pack.hash), pack.pack)
    m.store.put(pack_key(pack.hash)[:-5] + ".idx", pack.index)


def _transact(
    m: Machinery, actor: Actor, repo: Repo, action: str, changes: list[RefChange], pack: NewPack | None,
    objects: set[str], also: Callable[[Tx], None] | None,
) -> None:  # fmt: skip
    with m.db.write() as tx:
        if also is not None:
            also(tx)
        _lock(tx, repo)
        _move_all(tx, m.clock.now(), repo, changes)
        if pack is not None:
            _own_pack(tx, m.clock.now(), repo, pack)
        grown = _commit_objects(tx, repo, objects) + (pack.size if pack else 0)
        use.require(tx, m, repo.account_id, grown)
        _touch(tx, m.clock.now(), repo, grown)
        moves = tuple(RefMove(c.name, c.old, c.new) for c in changes)
        outbox.append(tx, m.clock, RefsMoved(repo.id, actor.user_id, moves))
        record.write(tx, m.clock, actor, action, repo.id, refs=[[c.name, c.old, c.new] for c in changes])
        tx.on_commit(m.wake)


def _lock(tx: Tx, repo: Repo) -> None:
    """Take the repository's row, so that two landings on it queue up, and make sure it is still there."""
    row = tx.execute(
        sa.select(repo_table.c.id).where(repo_table.c.id == repo.id, repo_table.c.deleted_at.is_(None)).with_for_update()
    )
    if row.first() is None:
        raise RepoNotFound


def _move_all(tx: Tx, now: int, repo: Repo, changes: list[RefChange]) -> None:
    """Deletions go first: a push may put the branch `a/b` where the branch `a` was."""
    for change in changes:
        if change.old is not None:
            _move(tx, now, repo, change)
    made = [change for change in changes if change.old is None]
    if made:
        names = RefNames(tx.execute(sa.select(ref.c.name).where(ref.c.repo_id == repo.id)).scalars())
        for change in made:
            names.add(change.name)
            _make(tx, now, repo, change)


def _make(tx: Tx, now: int, repo: Repo, change: RefChange) -> None:
    values = {
        "repo_id": repo.id,
        "name": change.name,
        "target": change.new,
        "peeled": change.peeled or change.new,
        "updated_at": now,
    }
    if insert_or_ignore(tx, ref, values) != 1:
        raise AlreadyExists(f"Reference {change.name} already exists")


def _move(tx: Tx, now: int, repo: Repo, change: RefChange) -> None:
    mine = sa.and_(ref.c.repo_id == repo.id, ref.c.name == change.name)
    at_old = sa.and_(mine, ref.c.target == change.old)
    if change.new is None:
        moved = tx.execute(sa.delete(ref).where(at_old)).rowcount
    else:
        values = {"target": change.new, "peeled": change.peeled or change.new, "updated_at": now}
        moved = tx.execute(sa.update(ref).where(at_old).values(**values)).rowcount
    if moved != 1:
        raise StaleParent


def _own_pack(tx: Tx, now: int, repo: Repo, new: NewPack) -> None:
    values = {"repo_id": repo.id, "hash": new.hash, "size": new.size, "objects": new.objects, "created_at": now}
    if insert_or_ignore(tx, pack, values) == 0:
        # The same pack again, perhaps merged into another since: it lives once more.
        tx.execute(sa.update(pack).where(pack.c.repo_id == repo.id, pack.c.hash == new.hash).values(retired_at=None))
    keys = [pack_key(new.hash), pack_key(new.hash)[:-5] + ".idx"]
    tx.execute(sa.delete(doomed).where(doomed.c.key.in_(keys)))


def _commit_objects(tx: Tx, repo: Repo, wanted: set[str]) -> int:
    """Mark large files as part of the history. Returns the bytes that are new to it."""
    grown = 0
    names = sorted(wanted)
    for start in range(0, len(names), 500):
        part = names[start : start + 500]
        mine = sa.and_(repo_object.c.repo_id == repo.id, repo_object.c.sha256.in_(part))
        rows = tx.execute(sa.select(repo_object.c.sha256, repo_object.c.size, repo_object.c.committed).where(mine)).all()
        if len(rows) != len(part):
            raise ObjectNotFound("The commit refers to a large file that was never uploaded to this repository.")
        grown += sum(row.size for row in rows if not row.committed)
        use.settle(tx, repo.account_id, *(use.object_key(repo.id, sha256) for sha256 in part))
        tx.execute(sa.update(repo_object).where(mine).values(committed=True))
    return grown


def _touch(tx: Tx, now: int, repo: Repo, grown: int) -> None:
    values = {"generation": repo_table.c.generation + 1, "updated_at": now, "storage_bytes": repo_table.c.storage_bytes + grown}
    tx.execute(sa.update(repo_table).where(repo_table.c.id == repo.id).values(**values))
