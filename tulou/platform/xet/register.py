"""Write down what a checked shard says, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.engine import Tx, insert_or_ignore
from tulou.db.tables import dedup_chunk, file_xorb, lfs_object, xet_file, xorb
from tulou.kernel.errors import WireError
from tulou.kernel.ids import Sha256, XetHash
from tulou.platform.xet.checks import CheckedFile, CheckedShard

ROWS = 500
"""Rows of one statement: SQLite takes 32,766 parameters."""


@dataclass(frozen=True, slots=True)
class VerifiedFile:
    """A file whose terms and SHA-256 were both computed here, from stored bytes."""

    checked: CheckedFile
    sha256: Sha256


def parts(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Cut a long list into what one statement takes."""
    rest = iter(rows)
    while part := list(islice(rest, ROWS)):
        yield part


def known_digests(connection: Connection, names: Iterable[XetHash]) -> dict[XetHash, Sha256]:
    """Return the SHA-256 of those files that were verified before: the file hash binds their content."""
    known: dict[XetHash, Sha256] = {}
    for part in parts(sorted(set(names))):
        rows = connection.execute(sa.select(xet_file.c.hash, xet_file.c.sha256).where(xet_file.c.hash.in_(part)))
        known |= {XetHash(row.hash): Sha256(row.sha256) for row in rows if row.sha256 is not None}
    return known


def keep_xorbs(tx: Tx, now: int, names: frozenset[XetHash]) -> None:
    """Take xorbs out of garbage collection's reach for a grace period. Raises WireError if one is not stored."""
    found = 0
    for part in parts(sorted(names)):
        found += tx.execute(sa.update(xorb).where(xorb.c.hash.in_(part)).values(touched_at=now, condemned_at=None)).rowcount
    if found != len(names):
        raise WireError("The shard refers to a xorb that was not uploaded.")


def record(tx: Tx, now: int, shard: CheckedShard, files: list[VerifiedFile]) -> None:
    """Register files, their xorbs, the chunks that may be asked about, and their large-file objects."""
    keep_xorbs(tx, now, shard.xorbs)
    for verified in files:
        _record_file(tx, now, verified)
    starts = [f.checked.first_chunk for f in files if f.checked.first_chunk is not None]
    pairs = sorted({*shard.candidates, *starts})
    for part in parts(pairs):
        insert_or_ignore(tx, dedup_chunk, [{"chunk_hash": chunk, "xorb_hash": name} for chunk, name in part])


def _record_file(tx: Tx, now: int, verified: VerifiedFile) -> None:
    file = verified.checked
    row = {"hash": file.hash, "size": file.size, "terms": file.terms, "sha256": verified.sha256, "created_at": now}
    if insert_or_ignore(tx, xet_file, row):
        for part in parts(sorted(file.xorbs)):
            insert_or_ignore(tx, file_xorb, [{"file_hash": file.hash, "xorb_hash": name} for name in part])
    row = {"sha256": verified.sha256, "size": file.size, "file_hash": file.hash, "has_blob": False, "created_at": now}
    if not insert_or_ignore(tx, lfs_object, row):
        blob_only = sa.and_(lfs_object.c.sha256 == verified.sha256, lfs_object.c.file_hash.is_(None))
        tx.execute(sa.update(lfs_object).where(blob_only).values(file_hash=file.hash))


def digests_match(files: list[CheckedFile], digests: Mapping[XetHash, str]) -> list[VerifiedFile]:
    """Pair files with their computed SHA-256. Raises WireError if an uploader claimed another one."""
    verified = []
    for file in files:
        digest = Sha256(digests[file.hash])
        if file.claimed_sha256 is not None and file.claimed_sha256 != digest:
            raise WireError("The content of a file does not have the SHA-256 it was sent under.")
        verified.append(VerifiedFile(file, digest))
    return verified
