"""Background work: turn uploaded whole files into xet form, and let go of the whole form a week later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from tulou.db.engine import Tx
from tulou.db.tables import lfs_object
from tulou.features.content import xet_rows as rows
from tulou.features.content.xet import mint_token
from tulou.features.repos import lookup as repos
from tulou.kernel.actor import SYSTEM
from tulou.kernel.errors import Busy
from tulou.kernel.events import ObjectUploaded
from tulou.kernel.ids import Sha256
from tulou.kernel.limits import XET_INGEST_FROM
from tulou.platform.blobs.gc import DAY
from tulou.platform.blobs.store import blob_key
from tulou.platform.jobs import queue
from tulou.platform.machinery import Machinery
from tulou.platform.xet.ingest import Target, ingest

INGEST = "xet.ingest"
DROP_BLOBS = "xet.drop-blobs"


def on_event(m: Machinery, tx: Tx, kind: str, payload: dict[str, Any]) -> None:
    """Enqueue the conversion of a large file that came as a whole."""
    if kind != ObjectUploaded.kind:
        return
    sha256 = payload["sha256"]
    worth_it = sa.select(lfs_object.c.sha256).where(
        lfs_object.c.sha256 == sha256, lfs_object.c.file_hash.is_(None), lfs_object.c.size >= XET_INGEST_FROM
    )
    if tx.execute(worth_it).first() is not None:
        queue.put(tx, m.clock, INGEST, {"sha256": sha256}, key=sha256)


def ingest_blob(m: Machinery, payload: dict[str, Any]) -> None:
    """Upload a blob to ourselves through the Xet protocol, unless that was done meanwhile or nobody owns it any more."""
    sha256 = Sha256(payload["sha256"])
    path = m.store.local(blob_key(sha256))
    with m.db.read() as connection:
        row = connection.execute(sa.select(lfs_object).where(lfs_object.c.sha256 == sha256)).first()
        repo_id = rows.owner_of(connection, sha256)
    if row is None or row.file_hash is not None or not row.has_blob or path is None or repo_id is None:
        return
    token = mint_token(m, SYSTEM, repos.by_id(m, repo_id), "write", m.xet.loopback or _own_address(m))
    ingest(m.xet, path, sha256, Target(token.cas_url, token.access_token, token.expires))


def _own_address(m: Machinery) -> str:
    host, port = m.settings.host, m.settings.port
    if port == 0:
        raise Busy("This server does not know its own port yet.")
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - compared, not listened on
    host = everywhere.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def drop_blobs(m: Machinery, _payload: dict[str, Any]) -> None:
    """Let go of the whole form of files that have been here for a week and have a xet form, however they came by it."""
    both = sa.and_(lfs_object.c.has_blob, lfs_object.c.file_hash.is_not(None))
    with m.db.write() as tx:
        # Garbage collection finds the blobs by itself: nothing refers to them now.
        tx.execute(sa.update(lfs_object).where(both, lfs_object.c.created_at < m.clock.now() - 7 * DAY).values(has_blob=False))


HANDLERS: dict[str, Callable[[Machinery, dict[str, Any]], None]] = {INGEST: ingest_blob, DROP_BLOBS: drop_blobs}
RECURRING = {DROP_BLOBS: DAY}
"""Kind → milliseconds between runs."""
SLOW = frozenset({INGEST})
"""Kinds that take minutes."""
