"""Background work: turn uploaded whole files into xet form, and let go of the whole form a week later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from tulou.db.engine import Tx, insert_or_ignore
from tulou.db.tables import doomed, lfs_object
from tulou.features.content.xet import mint_token
from tulou.features.repos import lookup as repos
from tulou.kernel.actor import SYSTEM
from tulou.kernel.errors import Busy, RepoNotFound
from tulou.kernel.events import ObjectUploaded
from tulou.kernel.ids import Sha256
from tulou.kernel.limits import XET_INGEST_FROM
from tulou.platform.blobs.store import blob_key
from tulou.platform.jobs import queue
from tulou.platform.machinery import Machinery
from tulou.platform.xet.ingest import Target, ingest

INGEST = "xet.ingest"
DROP_BLOB = "xet.drop-blob"
_WEEK_MS = 7 * 24 * 3600 * 1000
SLOW = frozenset({INGEST})


def on_event(m: Machinery, tx: Tx, kind: str, payload: dict[str, Any]) -> None:
    """Enqueue the conversion of a large file that came as a whole."""
    if kind != ObjectUploaded.kind:
        return
    sha256 = payload["sha256"]
    worth_it = sa.select(lfs_object.c.sha256).where(
        lfs_object.c.sha256 == sha256, lfs_object.c.file_hash.is_(None), lfs_object.c.size >= XET_INGEST_FROM
    )
    if tx.execute(worth_it).first() is not None:
        queue.put(tx, m.clock, INGEST, {"repo_id": payload["repo_id"], "sha256": sha256}, key=sha256)


def ingest_blob(m: Machinery, payload: dict[str, Any]) -> None:
    """Upload a blob to ourselves through the Xet protocol, unless that was done meanwhile or its repository is gone."""
    sha256 = Sha256(payload["sha256"])
    path = m.store.local(blob_key(sha256))
    with m.db.read() as connection:
        row = connection.execute(sa.select(lfs_object).where(lfs_object.c.sha256 == sha256)).first()
    if row is None or row.file_hash is not None or not row.has_blob or path is None:
        return
    try:
        repo = repos.by_id(m, payload["repo_id"])
    except RepoNotFound:
        return  # another repository with the same file has its own event
    token = mint_token(m, SYSTEM, repo, "write", m.xet.loopback or _own_address(m))
    ingest(m.xet, path, sha256, Target(token.cas_url, token.access_token, token.expires))
    with m.db.write() as tx:
        queue.put(tx, m.clock, DROP_BLOB, {"sha256": sha256}, key=sha256, delay_ms=_WEEK_MS)


def _own_address(m: Machinery) -> str:
    host, port = m.settings.host, m.settings.port
    if port == 0:
        raise Busy("This server does not know its own port yet.")
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - compared, not listened on
    host = everywhere.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def drop_blob(m: Machinery, payload: dict[str, Any]) -> None:
    """Hand the whole form of a file to garbage collection, if its xet form is there."""
    sha256 = payload["sha256"]
    both = sa.and_(lfs_object.c.sha256 == sha256, lfs_object.c.has_blob, lfs_object.c.file_hash.is_not(None))
    with m.db.write() as tx:
        size = tx.execute(sa.update(lfs_object).where(both).values(has_blob=False).returning(lfs_object.c.size)).scalar()
        if size is not None:
            insert_or_ignore(tx, doomed, {"key": blob_key(sha256), "size": size, "condemned_at": m.clock.now()})


HANDLERS: dict[str, Callable[[Machinery, dict[str, Any]], None]] = {INGEST: ingest_blob, DROP_BLOB: drop_blob}
