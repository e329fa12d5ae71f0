"""Take in large files whole or in parts, and make them belong to a repository once their SHA-256 is proven."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tulou.db.engine import Tx, insert_or_ignore
from tulou.db.tables import doomed, lfs_object, repo_object
from tulou.db.tables import repo as repo_table
from tulou.features.content.lfs_claims import Holder, Parts
from tulou.features.content.spool import Hashed, HashedSpool
from tulou.features.quota import use
from tulou.fsio import atomic
from tulou.fsio.faults import point
from tulou.kernel.errors import ObjectNotFound, RepoNotFound, Unprocessable
from tulou.kernel.events import ObjectUploaded
from tulou.kernel.limits import MIB
from tulou.platform.blobs.store import blob_key
from tulou.platform.events import outbox
from tulou.platform.jobs import queue
from tulou.platform.machinery import Machinery

EXPIRE = "lfs.expire"
UNCOMMITTED_SECONDS = 7 * 24 * 3600
_UPLOAD_ID = re.compile(r"[0-9a-f]{24}")


def publish(m: Machinery, holder: Holder, spool: Hashed) -> None:
    """Make what `spool` holds an object of the repository. Takes over its file. Raises Unprocessable if it is not that object.

    # 1 hashed as it arrived, and compared   2 blob published   3 one transaction: object + ownership + quota + event   4 answer
    # Crash before 3: an unreferenced blob, collected later. After 3: everything is there.
    """
    pointer = holder.claim.pointer
    if spool.size != pointer.size:
        raise Unprocessable("The object has fewer bytes than its size says.")
    if spool.sha256 != pointer.oid:
        raise Unprocessable("The bytes do not have the SHA-256 that names the object.")
    with m.turnstile.publishing():
        as_xet = _is_stored_as_xet(m, pointer.oid)
        if not as_xet:
            m.store.put(blob_key(pointer.oid), spool.path)
        point("lfs.published")
        with m.db.write() as tx:
            _record(tx, m, holder, has_blob=not as_xet)
    point("lfs.recorded")


def put_part(m: Machinery, holder: Holder, spool: HashedSpool) -> str:
    """Keep one part of an object until `join`, and return its entity tag."""
    parts, number = _parts(holder), holder.claim.number
    if spool.size != part_size(holder):
        raise Unprocessable("The part has another size than it should.")
    folder = _folder(m, parts)
    folder.mkdir(exist_ok=True)
    # A part is a file of its own, never written again once it is named here: nobody can change bytes after they were hashed.
    kept = folder / f"{number}.{spool.sha256}"
    atomic.link(spool.path, kept)
    for older in folder.glob(f"{number}.*"):
        if older != kept:
            atomic.remove(older)
    return spool.sha256


def join(m: Machinery, holder: Holder, etags: dict[int, str]) -> None:
    """Make one object of its parts, each named by number and entity tag, and publish it. Raises Unprocessable."""
    parts, pointer = _parts(holder), holder.claim.pointer
    if _is_owned(m, holder):
        return  # the answer to an earlier call was lost
    count = -(-pointer.size // parts.size)
    if sorted(etags) != list(range(1, count + 1)):
        raise Unprocessable("The list of parts is not complete.")
    m.store.require_space(pointer.size)
    with HashedSpool(m, limit=pointer.size) as whole:
        for number in range(1, count + 1):
            _copy(_folder(m, parts) / f"{number}.{_checked(etags[number])}", whole.write)
        publish(m, holder, whole)
    atomic.remove_tree(_folder(m, parts))


def part_size(holder: Holder) -> int:
    """Return how many bytes the part of this link has."""
    parts = _parts(holder)
    return min(parts.size, holder.claim.pointer.size - (holder.claim.number - 1) * parts.size)


def expire_parts(m: Machinery, uploads: Iterable[Parts], seconds: int) -> None:
    """See to it that parts of uploads that nobody finishes are deleted."""
    with m.db.write() as tx:
        for parts in uploads:
            queue.put(tx, m.clock, EXPIRE, {"upload": parts.upload}, delay_ms=(seconds + 3600) * 1000)


def expire(m: Machinery, payload: dict[str, Any]) -> None:
    """Delete the parts of an upload whose links work no longer."""
    upload = str(payload["upload"])
    if _UPLOAD_ID.fullmatch(upload):
        atomic.remove_tree(m.work / f"lfs-{upload}")


def _parts(holder: Holder) -> Parts:
    if holder.claim.parts is None:
        raise Unprocessable("This link is not for an upload in parts.")
    return holder.claim.parts


def _folder(m: Machinery, parts: Parts) -> Path:
    return m.work / f"lfs-{parts.upload}"


def _checked(etag: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", etag):
        raise Unprocessable("A part has an unknown entity tag.")
    return etag


def _copy(source: Path, write: Callable[[bytes], None]) -> None:
    try:
        with source.open("rb") as file:
            while block := file.read(MIB):
                write(block)
    except FileNotFoundError as cause:
        raise Unprocessable("A part was never uploaded, or has expired.") from cause


def _is_owned(m: Machinery, holder: Holder) -> bool:
    mine = sa.and_(repo_object.c.repo_id == holder.repo.id, repo_object.c.sha256 == holder.claim.pointer.oid)
    with m.db.read() as connection:
        return connection.execute(sa.select(repo_object.c.sha256).where(mine)).first() is not None


def _is_stored_as_xet(m: Machinery, sha256: str) -> bool:
    with m.db.read() as connection:
        row = connection.execute(sa.select(lfs_object.c.file_hash).where(lfs_object.c.sha256 == sha256)).first()
    return row is not None and row.file_hash is not None


def _record(tx: Tx, m: Machinery, holder: Holder, *, has_blob: bool) -> None:
    pointer, repo, now = holder.claim.pointer, holder.repo, m.clock.now()
    live = sa.select(repo_table.c.id).where(repo_table.c.id == repo.id, repo_table.c.deleted_at.is_(None))
    if tx.execute(live).first() is None:
        raise RepoNotFound
    row = {"sha256": pointer.oid, "size": pointer.size, "has_blob": has_blob, "created_at": now}
    if has_blob:
        if insert_or_ignore(tx, lfs_object, row) == 0:
            tx.execute(sa.update(lfs_object).where(lfs_object.c.sha256 == pointer.oid).values(has_blob=True))
        tx.execute(sa.delete(doomed).where(doomed.c.key == blob_key(pointer.oid)))
    elif tx.execute(sa.select(lfs_object.c.sha256).where(lfs_object.c.sha256 == pointer.oid)).first() is None:
        raise ObjectNotFound("The object was deleted meanwhile: please upload it again.")
    claim = {"repo_id": repo.id, "sha256": pointer.oid, "size": pointer.size, "uploader_id": holder.actor.user_id,
             "committed": False, "created_at": now}
    if insert_or_ignore(tx, repo_object, claim):
        use.reserve(tx, m, repo.account_id, use.object_key(repo.id, pointer.oid), pointer.size, UNCOMMITTED_SECONDS)
        outbox.append(tx, m.clock, ObjectUploaded(repo.id, pointer.oid))
        tx.on_commit(m.wake)
