"""Count stored bytes exactly: what a repository holds, what of it nobody else holds, and what the whole hub keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.tables import doomed, file_xorb, lfs_object, pack, repo, repo_file, repo_object, xorb
from tulou.features.repos.model import Repo
from tulou.platform.machinery import Machinery


@dataclass(frozen=True, slots=True)
class Part:
    """Objects of one sort: how many, their bytes in the store, and the bytes that no other repository needs."""

    count: int
    bytes: int
    unique: int

    @property
    def shared(self) -> int:
        """Bytes that other repositories need as well."""
        return self.bytes - self.unique


@dataclass(frozen=True, slots=True)
class RepoStorage:
    """What a repository holds. `files` and `files_bytes` are its large files as people see them, before any sharing."""

    packs: Part
    blobs: Part
    xorbs: Part
    files: int
    files_bytes: int

    @property
    def bytes(self) -> int:
        """Bytes in the store."""
        return self.packs.bytes + self.blobs.bytes + self.xorbs.bytes

    @property
    def unique(self) -> int:
        """Bytes that would go with it."""
        return self.packs.unique + self.blobs.unique + self.xorbs.unique


@dataclass(frozen=True, slots=True)
class HubStorage:
    """What the hub keeps. `claimed` adds up what every repository, and `deleted` what every deleted one, holds by itself."""

    packs: int
    packs_bytes: int
    blobs: int
    blobs_bytes: int
    xorbs: int
    xorbs_bytes: int
    claimed: int
    deleted: int
    condemned: int
    condemned_bytes: int

    @property
    def bytes(self) -> int:
        """Bytes that are referred to, each once."""
        return self.packs_bytes + self.blobs_bytes + self.xorbs_bytes


def of_repo(m: Machinery, one: Repo) -> RepoStorage:
    """Count what a repository holds. A few queries over its own objects."""
    with m.db.read() as connection:
        files = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(repo_object.c.size), 0)).where(
            repo_object.c.repo_id == one.id, repo_object.c.committed.is_(True)
        )
        count, size = connection.execute(files).one()
        return RepoStorage(_packs(connection, one.id), _blobs(connection, one.id), _xorbs(connection, one.id), count, int(size))


def of_hub(m: Machinery) -> HubStorage:
    """Count what the hub keeps, each object once."""
    packs = sa.select(pack.c.hash, sa.func.max(pack.c.size).label("size")).group_by(pack.c.hash).subquery()
    claimed = sa.select(sa.func.coalesce(sa.func.sum(repo.c.storage_bytes), 0))
    with m.db.read() as connection:
        return HubStorage(
            *_count_and_sum(connection, sa.select(sa.func.count(), sa.func.sum(packs.c.size)).select_from(packs)),
            *_count_and_sum(connection, sa.select(sa.func.count(), sa.func.sum(lfs_object.c.size)).where(lfs_object.c.has_blob)),
            *_count_and_sum(connection, sa.select(sa.func.count(), sa.func.sum(xorb.c.stored_size)).select_from(xorb)),
            int(connection.execute(claimed).scalar_one()),
            int(connection.execute(claimed.where(repo.c.deleted_at.is_not(None))).scalar_one()),
            *_count_and_sum(connection, sa.select(sa.func.count(), sa.func.sum(doomed.c.size)).select_from(doomed)),
        )


def _packs(connection: Connection, repo_id: str) -> Part:
    other = pack.alias("other")
    elsewhere = sa.exists().where(other.c.hash == pack.c.hash, other.c.repo_id != repo_id)
    return _part(connection, sa.select(pack.c.hash, pack.c.size.label("size"), elsewhere.label("elsewhere")).where(
        pack.c.repo_id == repo_id
    ))  # fmt: skip


def _blobs(connection: Connection, repo_id: str) -> Part:
    other = repo_object.alias("other")
    elsewhere = sa.exists().where(other.c.sha256 == lfs_object.c.sha256, other.c.repo_id != repo_id)
    mine = sa.select(repo_object.c.sha256).where(repo_object.c.repo_id == repo_id)
    return _part(connection, sa.select(lfs_object.c.sha256, lfs_object.c.size.label("size"), elsewhere.label("elsewhere")).where(
        lfs_object.c.has_blob.is_(True), lfs_object.c.sha256.in_(mine)
    ))  # fmt: skip


def _xorbs(connection: Connection, repo_id: str) -> Part:
    same = lfs_object.c.sha256 == repo_object.c.sha256
    claimed = sa.select(lfs_object.c.file_hash).join(repo_object, same).where(repo_object.c.repo_id == repo_id)
    uploaded = sa.select(repo_file.c.file_hash).where(repo_file.c.repo_id == repo_id)
    held = sa.or_(file_xorb.c.file_hash.in_(claimed), file_xorb.c.file_hash.in_(uploaded))
    mine = sa.select(file_xorb.c.xorb_hash).where(held)
    # From a xorb to those who hold it by indexes alone: the tables of all repositories are never read.
    use = file_xorb.alias("use")
    by_claim = (
        sa.select(use.c.xorb_hash)
        .join(lfs_object, lfs_object.c.file_hash == use.c.file_hash)
        .join(repo_object, same)
        .where(use.c.xorb_hash == xorb.c.hash, repo_object.c.repo_id != repo_id)
    )
    by_upload = (
        sa.select(use.c.xorb_hash)
        .join(repo_file, repo_file.c.file_hash == use.c.file_hash)
        .where(use.c.xorb_hash == xorb.c.hash, repo_file.c.repo_id != repo_id)
    )
    elsewhere = sa.or_(by_claim.correlate(xorb).exists(), by_upload.correlate(xorb).exists())
    return _part(connection, sa.select(xorb.c.hash, xorb.c.stored_size.label("size"), elsewhere.label("elsewhere")).where(
        xorb.c.hash.in_(mine)
    ))  # fmt: skip


def _part(connection: Connection, objects: sa.Select[Any]) -> Part:
    rows = objects.subquery()
    alone = sa.case((rows.c.elsewhere, 0), else_=rows.c.size)
    query = sa.select(sa.func.count(), sa.func.sum(rows.c.size), sa.func.sum(alone)).select_from(rows)
    count, size, unique = connection.execute(query).one()
    return Part(count, int(size or 0), int(unique or 0))


def _count_and_sum(connection: Connection, query: Any) -> tuple[int, int]:
    count, size = connection.execute(query).one()
    return count, int(size or 0)
