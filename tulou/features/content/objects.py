"""Large files of a repository: where their bytes are, and how to read a range of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from tulou.db.tables import lfs_object, repo_object
from tulou.features.repos.model import Repo
from tulou.kernel.errors import ObjectNotFound
from tulou.kernel.ids import Sha256, XetHash
from tulou.platform.blobs.store import blob_key
from tulou.platform.machinery import Machinery

BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A large file that a repository owns, stored as a whole blob, as xet terms, or both."""

    sha256: Sha256
    size: int
    xet_hash: XetHash | None
    has_blob: bool


def find(m: Machinery, repo: Repo, sha256: str) -> StoredObject:
    """Return a large file of this repository. Raises ObjectNotFound, also for files that only others own."""
    known = m.cache.get("object", (repo.id, sha256))
    if isinstance(known, StoredObject):
        return known
    mark = m.cache.mark()
    found = find_many(m, repo, [sha256]).get(sha256)
    if found is None:
        raise ObjectNotFound
    m.cache.put(mark, "object", (repo.id, sha256), found)
    return found


def find_many(m: Machinery, repo: Repo, sha256s: list[str]) -> dict[str, StoredObject]:
    """Return those of the large files that this repository owns."""
    found: dict[str, StoredObject] = {}
    with m.db.read() as connection:
        for start in range(0, len(sha256s), 500):
            query = (
                sa.select(lfs_object)
                .join(repo_object, repo_object.c.sha256 == lfs_object.c.sha256)
                .where(repo_object.c.repo_id == repo.id, lfs_object.c.sha256.in_(sha256s[start : start + 500]))
            )
            for row in connection.execute(query):
                xet = XetHash(row.file_hash) if row.file_hash else None
                found[row.sha256] = StoredObject(Sha256(row.sha256), row.size, xet, row.has_blob)
    return found


def read(m: Machinery, stored: StoredObject, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes `start` to `end` (exclusive) in blocks of about 1 MiB, with bounded memory."""
    if not stored.has_blob:
        if stored.xet_hash is None:
            raise ObjectNotFound
        yield from m.xet.stream(stored.xet_hash, start, end)
        return
    key = blob_key(stored.sha256)
    while start < end:
        block = m.store.read(key, start, min(BLOCK, end - start))
        if not block:
            raise OSError(f"{key} is shorter than its record says")
        yield block
        start += len(block)
