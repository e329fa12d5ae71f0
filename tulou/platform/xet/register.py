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
    for part in parts(files):
        _record_files(tx, now, part)
        _record_objects(tx, now, part)
    uses = {(f.checked.hash, name) for f in files for name in f.checked.xorbs}
    for part in parts(sorted(uses)):
        insert_or_ignore(tx, file_xorb, [{"file_hash": file, "xorb_hash": name} for file, name in part])
    starts = [f.checked.first_chunk for f in files if f.checked.first_chunk is not None]
    for part in parts(sorted({*shard.candidates, *starts})):
        insert_or_ignore(tx, dedup_chunk, [{"chunk_hash": chunk, "xorb_hash": name} for chunk, name in part])


def _record_files(tx: Tx, now: int, files: list[VerifiedFile]) -> None:
    rows = [
        {"hash": f.checked.hash, "size": f.checked.size, "terms": f.checked.terms, "sha256": f.sha256, "created_at": now}
        for f in files
    ]
    insert_or_ignore(tx, xet_file, rows)


def _record_objects(tx: Tx, now: int, files: list[VerifiedFile]) -> None:
    """Name the files by SHA-256; an object that was only a whole blob so far gets its xet form."""
    rows = [
        {"sha256": f.sha256, "size": f.checked.size, "file_hash": f.checked.hash, "has_blob": False, "created_at": now}
        for f in files
    ]
    insert_or_ignore(tx, lfs_object, rows)
    hashes = {f.sha256: f.checked.hash for f in files}
    blob_only = sa.and_(lfs_object.c.sha256.in_(hashes), lfs_object.c.file_hash.is_(None))
    for sha256 in tx.execute(sa.select(lfs_object.c.sha256).where(blob_only)).scalars().all():
        tx.execute(sa.update(lfs_object).where(lfs_object.c.sha256 == sha256).values(file_hash=hashes[sha256]))


def digests_match(files: list[CheckedFile], digests: Mapping[XetHash, str]) -> list[VerifiedFile]:
    """Pair files with their computed SHA-256. Raises WireError if an uploader claimed another one."""
    verified = []
    for file in files:
        digest = Sha256(digests[file.hash])
        if file.claimed_sha256 is not None and file.claimed_sha256 != digest:
            raise WireError("The content of a file does not have the SHA-256 it was sent under.")
        verified.append(VerifiedFile(file, digest))
    return verified
