"""Keep the number of packs of a repository small: every commit makes one, and git looks into each."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from tulou.db.engine import Tx, insert_or_ignore
from tulou.db.tables import doomed, pack
from tulou.db.tables import repo as repo_table
from tulou.fsio import atomic
from tulou.fsio.faults import point
from tulou.kernel.limits import MIB
from tulou.platform.blobs.store import pack_key
from tulou.platform.git import packs
from tulou.platform.git.cache import NewPack
from tulou.platform.jobs import queue
from tulou.platform.machinery import Machinery

COMPACT = "content.compact"
FROM = 30
"""Merge when a repository has more small packs than this."""
SMALL = 256 * MIB
"""Larger packs are left alone, so that no byte is copied again and again."""


def ask(m: Machinery, tx: Tx, repo_id: str) -> None:
    """Enqueue a compaction if it is time for one."""
    if len(_small(tx.connection, repo_id)) > FROM:
        queue.put(tx, m.clock, COMPACT, {"repo": repo_id}, key=repo_id)


def task(m: Machinery, payload: dict[str, Any]) -> None:
    """Merge the small packs of a repository.

    # 1 merged pack published   2 one transaction: its row in, the others retired   3 collection drops those a day later
    # Crash before 2: an unreferenced pack, collected later. After 2: everything is there, in fewer packs.
    """
    repo_id = str(payload["repo"])
    with m.db.read() as connection:
        old = _small(connection, repo_id)
    if len(old) <= FROM:
        return
    repository = m.git.sync(repo_id).resolve()
    with atomic.scratch(m.work, "compact") as folder:
        m.store.require_space(sum(old.values()))
        merged = packs.merge(repository, sorted(old), folder)
        with m.turnstile.publishing():
            m.store.put(pack_key(merged.hash), merged.pack)
            m.store.put(pack_key(merged.hash)[:-5] + ".idx", merged.index)
            point("compact.published")
            with m.db.write() as tx:
                _swap(tx, m.clock.now(), repo_id, old, merged)
    point("compact.swapped")


def _small(connection: sa.Connection, repo_id: str) -> dict[str, int]:
    """Return hash and size of the live small packs of a repository that is not deleted."""
    query = (
        sa.select(pack.c.hash, pack.c.size)
        .join(repo_table, repo_table.c.id == pack.c.repo_id)
        .where(pack.c.repo_id == repo_id, pack.c.retired_at.is_(None), pack.c.size <= SMALL, repo_table.c.deleted_at.is_(None))
    )
    return {row.hash: row.size for row in connection.execute(query)}


def _swap(tx: Tx, now: int, repo_id: str, old: dict[str, int], merged: NewPack) -> None:
    tx.execute(sa.select(repo_table.c.id).where(repo_table.c.id == repo_id).with_for_update())
    if not old.keys() <= _small(tx.connection, repo_id).keys():
        return  # somebody else merged them, or the repository is gone: the new pack is collected
    # Landings only add packs, so what came meanwhile stands beside the merged one.
    retired = sa.and_(pack.c.repo_id == repo_id, pack.c.hash.in_(old.keys() - {merged.hash}))
    tx.execute(sa.update(pack).where(retired).values(retired_at=now))
    row = {"repo_id": repo_id, "hash": merged.hash, "size": merged.size, "objects": merged.objects, "created_at": now}
    if insert_or_ignore(tx, pack, row) == 0:
        tx.execute(sa.update(pack).where(pack.c.repo_id == repo_id, pack.c.hash == merged.hash).values(retired_at=None))
    tx.execute(sa.delete(doomed).where(doomed.c.key.in_([pack_key(merged.hash), pack_key(merged.hash)[:-5] + ".idx"])))
    grown = merged.size - sum(old.values())
    values = {"generation": repo_table.c.generation + 1, "storage_bytes": repo_table.c.storage_bytes + grown}
    tx.execute(sa.update(repo_table).where(repo_table.c.id == repo_id).values(**values))
