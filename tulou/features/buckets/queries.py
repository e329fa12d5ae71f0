"""SQL over buckets and their files, private to this slice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.engine import Tx
from tulou.db.tables import account, bucket, bucket_file, lfs_object, repo, repo_file, repo_object, xet_file
from tulou.features.buckets.model import File, Overview
from tulou.kernel.ids import Sha256, XetHash
from tulou.kernel.limits import BUCKET_FOLDER_ROWS
from tulou.kernel.names import RepoKind, RepoName
from tulou.platform.xet.register import parts


@dataclass(frozen=True, slots=True)
class Content:
    """Stored bytes. However a client cut them into chunks, `xet_hash` is the one name under which buckets hold them."""

    sha256: Sha256
    xet_hash: XetHash
    size: int


_LIVE = (
    sa.select(repo, bucket.c.files, bucket.c.bytes, account.c.name.label("account_name"))
    .join(bucket, bucket.c.repo_id == repo.c.id)
    .join(account, account.c.id == repo.c.account_id)
    .where(repo.c.deleted_at.is_(None))
)


def overview(connection: Connection, repo_id: str) -> Overview | None:
    """Return a live bucket with its totals."""
    row = connection.execute(_LIVE.where(repo.c.id == repo_id)).first()
    return _overview(row) if row is not None else None


def overviews(
    connection: Connection, account_id: str, visible: sa.ColumnElement[bool], word: str, after: str, limit: int
) -> list[Overview]:
    """Return visible buckets of an account whose folded name contains a word, in order of folded names, after one."""
    query = _LIVE.where(account.c.id == account_id, visible, repo.c.key > after).order_by(repo.c.key).limit(limit)
    if word:
        query = query.where(repo.c.key.contains(word, autoescape=True))
    return [_overview(row) for row in connection.execute(query)]


def _overview(row: sa.Row[Any]) -> Overview:
    name = RepoName(RepoKind.BUCKET, row.account_name, row.name)
    return Overview(name, row.visibility == "private", row.created_at, row.updated_at, row.files, row.bytes)


def files_from(connection: Connection, repo_id: str, start: str, *, inclusive: bool, limit: int) -> list[File]:
    """Return files by path, byte by byte, from (or after) a path on."""
    begin = bucket_file.c.path >= start if inclusive else bucket_file.c.path > start
    query = sa.select(bucket_file).where(bucket_file.c.repo_id == repo_id, begin).order_by(bucket_file.c.path).limit(limit)
    return [_file(row) for row in connection.execute(query)]


def files_at(connection: Connection, repo_id: str, paths: Iterable[str]) -> list[File]:
    """Return those files that exist, in no order."""
    found: list[File] = []
    for part in parts(sorted(set(paths))):
        query = sa.select(bucket_file).where(bucket_file.c.repo_id == repo_id, bucket_file.c.path.in_(part))
        found += [_file(row) for row in connection.execute(query)]
    return found


def last_uploads(connection: Connection, repo_id: str, folders: list[str]) -> dict[str, int | None]:
    """Return when the last file came to each folder, however deep; None where finding out would read too many rows."""
    found: dict[str, int | None] = {}
    most = max(BUCKET_FOLDER_ROWS // max(len(folders), 1), 1)
    for part in parts(folders):
        # "0" follows "/": between the two ends lie the paths in the folder, and no others.
        both = sa.values(sa.column("first", sa.Text), sa.column("last", sa.Text))
        ends = both.data([(f"{folder}/", f"{folder}0") for folder in part]).cte("ends")
        inside = sa.and_(bucket_file.c.path >= ends.c.first, bucket_file.c.path < ends.c.last)
        times = sa.select(bucket_file.c.uploaded_at).where(bucket_file.c.repo_id == repo_id, inside).correlate(ends)
        some = times.limit(most + 1).subquery("some")
        newest = sa.case((sa.func.count() <= most, sa.func.max(some.c.uploaded_at)))
        at = sa.select(newest).select_from(some).correlate(ends).scalar_subquery()
        rows = connection.execute(sa.select(ends.c.first, at.label("at")))
        found |= {row.first.removesuffix("/"): row.at for row in rows}
    return found


def _file(row: sa.Row[Any]) -> File:
    return File(row.path, XetHash(row.file_hash), row.size, row.content_type, row.mtime, row.uploaded_at)


def lock(tx: Tx, repo_id: str) -> bool:
    """Hold the bucket until the end of the transaction. Returns False if there is no such bucket any more."""
    mine = sa.select(bucket.c.repo_id).join(repo, repo.c.id == bucket.c.repo_id).where(bucket.c.repo_id == repo_id)
    return tx.execute(mine.where(repo.c.deleted_at.is_(None)).with_for_update(of=bucket)).first() is not None


def uploaded(connection: Connection, repo_id: str, names: Iterable[XetHash]) -> dict[XetHash, Content]:
    """Return those of the files whose bytes were uploaded to the bucket, or are in it."""
    mine = sa.and_(repo_object.c.repo_id == repo_id, repo_object.c.sha256 == xet_file.c.sha256)
    return _content(connection, names, sa.select(repo_object.c.sha256).where(mine))


def held_by_bucket(connection: Connection, repo_id: str, names: Iterable[XetHash]) -> dict[XetHash, Content]:
    """Return those of the files that a live bucket has at some path."""
    mine = sa.and_(repo.c.id == repo_id, repo.c.deleted_at.is_(None), bucket_file.c.file_hash == xet_file.c.hash)
    return _content(connection, names, sa.select(repo.c.id).join(bucket_file, bucket_file.c.repo_id == repo.c.id).where(mine))


def held_by_history(connection: Connection, repo_id: str, names: Iterable[XetHash]) -> dict[XetHash, Content]:
    """Return those of the files that the history of a live repository has: not what was only uploaded to it."""
    live = sa.and_(repo.c.id == repo_id, repo.c.deleted_at.is_(None), repo_object.c.committed.is_(True))
    mine = sa.and_(live, repo_object.c.sha256 == xet_file.c.sha256)
    return _content(connection, names, sa.select(repo.c.id).join(repo_object, repo_object.c.repo_id == repo.c.id).where(mine))


def _content(connection: Connection, names: Iterable[XetHash], belongs: sa.Select[Any]) -> dict[XetHash, Content]:
    found: dict[XetHash, Content] = {}
    for part in parts(sorted(set(names))):
        query = (
            sa.select(xet_file.c.hash, lfs_object)
            .join(lfs_object, lfs_object.c.sha256 == xet_file.c.sha256)
            .where(xet_file.c.hash.in_(part), lfs_object.c.file_hash.is_not(None), belongs.correlate(xet_file).exists())
        )
        for row in connection.execute(query):
            found[XetHash(row.hash)] = Content(Sha256(row.sha256), XetHash(row.file_hash), row.size)
    return found


def put_files(tx: Tx, repo_id: str, files: Iterable[File]) -> None:
    """Write files whose paths are free."""
    for part in parts(files):
        tx.execute(sa.insert(bucket_file), [
            {"repo_id": repo_id, "path": f.path, "file_hash": f.xet_hash, "size": f.size, "content_type": f.content_type,
             "mtime": f.mtime, "uploaded_at": f.uploaded_at}
            for f in part
        ])  # fmt: skip


def remove_files(tx: Tx, repo_id: str, paths: Iterable[str]) -> None:
    """Free paths."""
    for part in parts(sorted(paths)):
        tx.execute(sa.delete(bucket_file).where(bucket_file.c.repo_id == repo_id, bucket_file.c.path.in_(part)))


def counted(connection: Connection, repo_id: str, sha256s: list[Sha256]) -> set[str]:
    """Return those of the large files that count as stored by the bucket already."""
    found: set[str] = set()
    for part in parts(sha256s):
        mine = sa.and_(repo_object.c.repo_id == repo_id, repo_object.c.sha256.in_(part), repo_object.c.committed.is_(True))
        found.update(connection.execute(sa.select(repo_object.c.sha256).where(mine)).scalars())
    return found


def count_in(tx: Tx, repo_id: str, sha256s: list[Sha256]) -> None:
    """Make large files that belong to the bucket count as stored."""
    for part in parts(sha256s):
        mine = sa.and_(repo_object.c.repo_id == repo_id, repo_object.c.sha256.in_(part))
        tx.execute(sa.update(repo_object).where(mine).values(committed=True))


def let_go(tx: Tx, repo_id: str, names: Iterable[XetHash], since: int) -> int:
    """End the claims on content that is at no path any more. Returns the bytes that the bucket stores less.

    The claims become those of an upload made at `since` that nobody has finished: garbage collection ends them.
    """
    freed = 0
    for part in parts(sorted(set(names))):
        here = sa.and_(bucket_file.c.repo_id == repo_id, bucket_file.c.file_hash == lfs_object.c.file_hash)
        unused = ~sa.select(bucket_file.c.path).where(here).exists()
        gone = sa.select(lfs_object.c.sha256).where(lfs_object.c.file_hash.in_(part), unused)
        mine = sa.and_(repo_object.c.repo_id == repo_id, repo_object.c.committed.is_(True), repo_object.c.sha256.in_(gone))
        freed += int(tx.execute(sa.select(sa.func.coalesce(sa.func.sum(repo_object.c.size), 0)).where(mine)).scalar_one())
        tx.execute(sa.update(repo_object).where(mine).values(committed=False, created_at=since))
        sent = sa.and_(repo_file.c.repo_id == repo_id, repo_file.c.file_hash.in_(part))
        tx.execute(sa.update(repo_file).where(sent).values(created_at=since))
    return freed


def count(tx: Tx, repo_id: str, files: int, size: int, stored: int, now: int) -> None:
    """Add to the totals of the bucket."""
    totals = {"files": bucket.c.files + files, "bytes": bucket.c.bytes + size}
    tx.execute(sa.update(bucket).where(bucket.c.repo_id == repo_id).values(**totals))
    values = {"storage_bytes": repo.c.storage_bytes + stored, "updated_at": now}
    tx.execute(sa.update(repo).where(repo.c.id == repo_id).values(**values))
