"""SQL of the xet use-cases: which repository may see which files, xorbs and chunks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.engine import Tx, insert_or_ignore
from tulou.db.tables import dedup_chunk, file_xorb, lfs_object, member, repo, repo_file, repo_object, xet_file, xorb
from tulou.kernel.ids import Sha256, XetHash
from tulou.platform.xet.register import ROWS, parts


def _files_of(repos: sa.ColumnElement[bool]) -> sa.CompoundSelect[tuple[str, int]]:
    """Xet files of the repositories that match: uploaded there, or the xet form of a large file owned there."""
    uploaded = sa.select(repo_file.c.file_hash, repo_file.c.created_at).join(repo, repo.c.id == repo_file.c.repo_id)
    owned = (
        sa.select(lfs_object.c.file_hash, repo_object.c.created_at)
        .join(repo, repo.c.id == repo_object.c.repo_id)
        .join(lfs_object, lfs_object.c.sha256 == repo_object.c.sha256)
        .where(lfs_object.c.file_hash.is_not(None))
    )
    live = sa.and_(repo.c.deleted_at.is_(None), repos)
    return sa.union_all(uploaded.where(live), owned.where(live))


def _belongs(file_hash: sa.ColumnElement[str], repos: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """The condition that a file belongs to one of the repositories: an index look-up, however many repositories match."""
    live = sa.and_(repo.c.deleted_at.is_(None), repos)
    uploaded = (
        sa.select(repo.c.id)
        .join(repo_file, repo_file.c.repo_id == repo.c.id)
        .where(repo_file.c.file_hash == file_hash, live)
    )
    owned = (
        sa.select(repo.c.id)
        .join(repo_object, repo_object.c.repo_id == repo.c.id)
        .join(lfs_object, lfs_object.c.sha256 == repo_object.c.sha256)
        .where(lfs_object.c.file_hash == file_hash, live)
    )
    return sa.or_(uploaded.exists(), owned.exists())


def repo_has_file(connection: Connection, repo_id: str, name: XetHash) -> bool:
    """Say whether a file belongs to a repository."""
    query = sa.select(xet_file.c.hash).where(xet_file.c.hash == name, _belongs(xet_file.c.hash, repo.c.id == repo_id))
    return connection.execute(query).first() is not None


def repo_has_xorb(connection: Connection, repo_id: str, name: XetHash) -> bool:
    """Say whether a file of a repository uses a xorb."""
    mine = _belongs(file_xorb.c.file_hash, repo.c.id == repo_id)
    query = sa.select(file_xorb.c.xorb_hash).where(file_xorb.c.xorb_hash == name, mine)
    return connection.execute(query.limit(1)).first() is not None


def xorb_stored_size(connection: Connection, name: XetHash) -> int | None:
    """Return the stored size of a xorb in bytes, or None."""
    size = connection.execute(sa.select(xorb.c.stored_size).where(xorb.c.hash == name)).scalar()
    return None if size is None else int(size)


def readable(repo_id: str, user_id: str | None) -> sa.ColumnElement[bool]:
    """The repositories whose chunks may be told: this one, public ones without a gate, and those of the user's accounts."""
    conditions = [repo.c.id == repo_id, sa.and_(repo.c.visibility == "public", repo.c.gated == "")]
    if user_id is not None:
        orgs = sa.select(member.c.org_id).where(member.c.user_id == user_id)
        conditions += [repo.c.account_id == user_id, repo.c.account_id.in_(orgs)]
    return sa.or_(*conditions)


def xorbs_near_chunk(connection: Connection, chunk: XetHash, repos: sa.ColumnElement[bool], files_limit: int) -> list[XetHash]:
    """Return the xorbs with a chunk, and the other xorbs of a few files that use them, as far as `repos` reach."""
    hits = (
        sa.select(file_xorb.c.file_hash, file_xorb.c.xorb_hash)
        .join(dedup_chunk, dedup_chunk.c.xorb_hash == file_xorb.c.xorb_hash)
        .join(xorb, xorb.c.hash == file_xorb.c.xorb_hash)
        .where(dedup_chunk.c.chunk_hash == chunk, xorb.c.condemned_at.is_(None))
        .where(_belongs(file_xorb.c.file_hash, repos))
        .limit(files_limit)
    )
    rows = connection.execute(hits).all()
    first = [XetHash(row.xorb_hash) for row in rows]
    others = _live_xorbs(connection, [row.file_hash for row in rows])
    return list(dict.fromkeys([*first, *others]))


def xorbs_of_repo(connection: Connection, repo_id: str) -> list[XetHash]:
    """Return the xorbs behind the files that came last to a repository, a few hundred at most."""
    files = _files_of(repo.c.id == repo_id).subquery()
    latest = (
        sa.select(file_xorb.c.xorb_hash)
        .join(files, files.c.file_hash == file_xorb.c.file_hash)
        .join(xorb, xorb.c.hash == file_xorb.c.xorb_hash)
        .where(xorb.c.condemned_at.is_(None))
        .order_by(files.c.created_at.desc(), file_xorb.c.file_hash, file_xorb.c.xorb_hash)
        .limit(2 * ROWS)  # most files come twice: as uploaded and as owned
    )
    return [XetHash(name) for name in dict.fromkeys(connection.execute(latest).scalars())]


def _live_xorbs(connection: Connection, files: list[str]) -> list[XetHash]:
    query = (
        sa.select(file_xorb.c.xorb_hash)
        .join(xorb, xorb.c.hash == file_xorb.c.xorb_hash)
        .where(file_xorb.c.file_hash.in_(files), xorb.c.condemned_at.is_(None))
        .order_by(file_xorb.c.file_hash, file_xorb.c.xorb_hash)
        .limit(ROWS)
    )
    return [XetHash(name) for name in connection.execute(query).scalars()]


def is_live(connection: Connection, repo_id: str) -> bool:
    """Say whether a repository still exists."""
    return connection.execute(sa.select(repo.c.id).where(repo.c.id == repo_id, repo.c.deleted_at.is_(None))).first() is not None


def owned(connection: Connection, repo_id: str, sha256s: Iterable[str]) -> set[str]:
    """Return those of the large files that a repository already owns."""
    found: set[str] = set()
    for part in parts(sorted(set(sha256s))):
        query = sa.select(repo_object.c.sha256).where(repo_object.c.repo_id == repo_id, repo_object.c.sha256.in_(part))
        found.update(connection.execute(query).scalars())
    return found


def file_hashes(connection: Connection, sha256s: Iterable[Sha256]) -> dict[Sha256, XetHash]:
    """Return the xet names of large files, by their SHA-256; those without one are left out."""
    found: dict[Sha256, XetHash] = {}
    for part in parts(sorted(set(sha256s))):
        query = sa.select(lfs_object.c.sha256, lfs_object.c.file_hash).where(lfs_object.c.sha256.in_(part))
        known = connection.execute(query.where(lfs_object.c.file_hash.is_not(None)))
        found |= {Sha256(row.sha256): XetHash(row.file_hash) for row in known}
    return found


def owner_of(connection: Connection, sha256: Sha256) -> str | None:
    """Return some live repository that owns a large file, or None."""
    owners = (
        sa.select(repo.c.id)
        .join(repo_object, repo_object.c.repo_id == repo.c.id)
        .where(repo_object.c.sha256 == sha256, repo.c.deleted_at.is_(None))
    )
    return connection.execute(owners.limit(1)).scalar()


def own(tx: Tx, now: int, repo_id: str, user_id: str | None, files: Sequence[tuple[Sha256, int, XetHash | None]]) -> None:
    """Make (SHA-256, size, xet hash) objects belong to a repository, not yet to its history."""
    for part in parts(files):
        insert_or_ignore(tx, repo_object, [
            {"repo_id": repo_id, "sha256": sha256, "size": size, "uploader_id": user_id, "committed": False, "created_at": now}
            for sha256, size, _ in part
        ])
        insert_or_ignore(tx, repo_file, [
            {"repo_id": repo_id, "file_hash": name, "created_at": now} for _, _, name in part if name is not None
        ])
