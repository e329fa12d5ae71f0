"""Let go of what repositories no longer need, so that the object store can be swept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from tulou.db.engine import Tx
from tulou.db.tables import bucket_file, file_xorb, lfs_object, outbox, pack, repo, repo_file, repo_object, xet_file, xorb
from tulou.db.tables import task as task_table
from tulou.features.quota import use
from tulou.platform.blobs import gc
from tulou.platform.blobs.gc import DAY, Outlook, Swept
from tulou.platform.machinery import Machinery

UNDO_DELETE = 7 * DAY
UNFINISHED_UPLOAD = 7 * DAY
RETIRED_PACK = DAY
FINISHED_TASK = 7 * DAY


def task(m: Machinery, _payload: dict[str, Any]) -> None:
    """Collect, in the background."""
    run(m)


def run(m: Machinery) -> Swept:
    """Do one whole collection. Each step is a transaction of its own and may be repeated."""
    now = m.clock.now()
    steps = (
        lambda tx: use.sweep(tx, m),
        *_forgetting(m, now),
        lambda tx: _forget_records(tx, now),
        _recount,
    )
    for step in steps:
        # A xorb row may only go while nobody is registering a file over it.
        with m.turnstile.collecting(), m.db.write() as tx:
            step(tx)
    return gc.sweep(m.db, m.store, m.clock, m.turnstile)


def preview(m: Machinery) -> Outlook:
    """Say what a collection would free, by forgetting everything that it would forget and then taking that back."""
    objects = gc.old_objects(m.store, m.clock)
    found: list[Outlook] = []
    with suppress(_TakenBack), m.db.write() as tx:
        for step in _forgetting(m, m.clock.now()):
            step(tx)
        found.append(gc.outlook(tx, objects, m.clock))
        raise _TakenBack
    return found[0]


class _TakenBack(Exception):
    """The preview is done: no error, but what makes the transaction roll back."""


def _forgetting(m: Machinery, now: int) -> tuple[Callable[[Tx], object], ...]:
    """Return the steps that take rows away, in the order in which one makes room for the next."""
    grace = m.settings.gc_grace_days * DAY
    return (
        lambda tx: _forget_repositories(tx, now - UNDO_DELETE),
        lambda tx: _forget_unfinished(tx, now - UNFINISHED_UPLOAD),
        lambda tx: tx.execute(sa.delete(pack).where(pack.c.retired_at < now - RETIRED_PACK)),
        lambda tx: _forget_objects(tx, now - DAY),
        lambda tx: _condemn_xorbs(tx, now, now - grace),
    )


def _forget_repositories(tx: Tx, before: int) -> None:
    """Remove repositories whose time for an undo is over, with all their rows."""
    tx.execute(sa.delete(repo).where(repo.c.deleted_at < before))


def _forget_unfinished(tx: Tx, before: int) -> None:
    """Remove claims on large files that were uploaded and never committed."""
    tx.execute(sa.delete(repo_object).where(repo_object.c.committed.is_(False), repo_object.c.created_at < before))
    owned = (
        sa.select(repo_object.c.sha256)
        .join(lfs_object, lfs_object.c.sha256 == repo_object.c.sha256)
        .where(repo_object.c.repo_id == repo_file.c.repo_id, lfs_object.c.file_hash == repo_file.c.file_hash)
    )
    same = sa.and_(bucket_file.c.repo_id == repo_file.c.repo_id, bucket_file.c.file_hash == repo_file.c.file_hash)
    in_bucket = sa.select(bucket_file.c.path).where(same)
    tx.execute(sa.delete(repo_file).where(repo_file.c.created_at < before, ~owned.exists(), ~in_bucket.exists()))


def _forget_objects(tx: Tx, before: int) -> None:
    """Remove large files and xet files that no repository claims any more."""
    claimed = sa.select(repo_object.c.sha256).where(repo_object.c.sha256 == lfs_object.c.sha256)
    tx.execute(sa.delete(lfs_object).where(lfs_object.c.created_at < before, ~claimed.exists()))
    named = sa.select(lfs_object.c.sha256).where(lfs_object.c.file_hash == xet_file.c.hash)
    held = sa.select(repo_file.c.file_hash).where(repo_file.c.file_hash == xet_file.c.hash)
    in_bucket = sa.select(bucket_file.c.path).where(bucket_file.c.file_hash == xet_file.c.hash)
    unused = sa.and_(~named.exists(), ~held.exists(), ~in_bucket.exists())
    tx.execute(sa.delete(xet_file).where(xet_file.c.created_at < before, unused))


def _condemn_xorbs(tx: Tx, now: int, before: int) -> None:
    """Condemn xorbs that no file uses and nobody touched for the grace period; forget those condemned for a day.

    Clients trust their own shards for 21 days without asking, so the grace must be longer (xet-design, section 7).
    """
    used = sa.select(file_xorb.c.xorb_hash).where(file_xorb.c.xorb_hash == xorb.c.hash)
    tx.execute(sa.delete(xorb).where(xorb.c.condemned_at < now - DAY, ~used.exists()))
    tx.execute(
        sa.update(xorb).where(xorb.c.condemned_at.is_(None), xorb.c.touched_at < before, ~used.exists()).values(condemned_at=now)
    )


def _forget_records(tx: Tx, now: int) -> None:
    """Remove told events and finished tasks after a while. The audit log stays."""
    tx.execute(sa.delete(outbox).where(outbox.c.dispatched_at < now - FINISHED_TASK))
    tx.execute(sa.delete(task_table).where(task_table.c.state == "done", task_table.c.finished_at < now - FINISHED_TASK))


def _recount(tx: Tx) -> None:
    """Set what each repository stores to what is left of it."""
    packs = sa.select(sa.func.coalesce(sa.func.sum(pack.c.size), 0)).where(
        pack.c.repo_id == repo.c.id, pack.c.retired_at.is_(None)
    )
    files = sa.select(sa.func.coalesce(sa.func.sum(repo_object.c.size), 0)).where(
        repo_object.c.repo_id == repo.c.id, repo_object.c.committed.is_(True)
    )
    total = packs.scalar_subquery() + files.scalar_subquery()
    tx.execute(sa.update(repo).where(repo.c.storage_bytes != total).values(storage_bytes=total))
