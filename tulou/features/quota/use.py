"""Know what an account stores, and hold room for what is on its way."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.engine import Tx
from tulou.db.tables import account, repo, reservation
from tulou.kernel.errors import AccountNotFound, QuotaExceeded
from tulou.kernel.limits import GIB
from tulou.platform.machinery import Machinery


@dataclass(frozen=True, slots=True)
class Use:
    """Bytes of one account. `stored` counts deleted repositories until their bytes go; no `limit` is None."""

    stored: int
    reserved: int
    limit: int | None

    @property
    def used(self) -> int:
        """Stored and reserved bytes together."""
        return self.stored + self.reserved


def of(m: Machinery, account_id: str) -> Use:
    """Return what an account uses. Raises AccountNotFound."""
    with m.db.read() as connection:
        limit = connection.execute(sa.select(account.c.quota_bytes).where(account.c.id == account_id)).first()
        if limit is None:
            raise AccountNotFound
        return _use(connection, m, account_id, limit.quota_bytes)


def object_key(repo_id: str, sha256: str) -> str:
    """Name the reservation of a large file between its upload and the commit that refers to it."""
    return f"object:{repo_id}:{sha256}"


def require(tx: Tx, m: Machinery, account_id: str, size: int, *, settling: Collection[str] = ()) -> None:
    """Raise QuotaExceeded unless `size` more bytes fit. `settling` names reservations that this very change uses up."""
    own_limit = _lock(tx, account_id)
    if _limit(m, own_limit) is None:
        return
    use = _use(tx.connection, m, account_id, own_limit, except_keys=settling)
    if use.limit is not None and size > 0 and use.used + size > use.limit:
        raise QuotaExceeded


def reserve(tx: Tx, m: Machinery, account_id: str, key: str, size: int, seconds: int) -> None:
    """Hold room for `size` bytes under `key` for so many seconds, in place of what the same key held before.

    Raises QuotaExceeded. An account without a limit needs no reservation, and none is written.
    """
    reserve_each(tx, m, account_id, {key: size}, seconds)


def reserve_each(tx: Tx, m: Machinery, account_id: str, sizes: Mapping[str, int], seconds: int) -> None:
    """Do what `reserve` does for many keys at once: all of them, or none."""
    if not sizes or _limit(m, _lock(tx, account_id)) is None:
        return
    require(tx, m, account_id, sum(sizes.values()), settling=sizes)
    settle(tx, account_id, *sizes)
    expires_at = m.clock.now() + seconds * 1000
    rows = [{"account_id": account_id, "key": key, "bytes": size, "expires_at": expires_at} for key, size in sizes.items()]
    tx.execute(sa.insert(reservation), rows)


def settle(tx: Tx, account_id: str, *keys: str) -> None:
    """Give up reservations: their bytes are counted as stored now, or will never come."""
    for start in range(0, len(keys), 500):
        named = reservation.c.key.in_(keys[start : start + 500])
        tx.execute(sa.delete(reservation).where(reservation.c.account_id == account_id, named))


def sweep(tx: Tx, m: Machinery) -> int:
    """Delete reservations whose time is over. Returns how many."""
    return tx.execute(sa.delete(reservation).where(reservation.c.expires_at <= m.clock.now())).rowcount


def _lock(tx: Tx, account_id: str) -> int | None:
    # On PostgreSQL two uploads that each fit alone must not both be admitted; SQLite has one writer anyway.
    found = tx.execute(sa.select(account.c.quota_bytes).where(account.c.id == account_id).with_for_update()).first()
    if found is None:
        raise AccountNotFound
    return None if found.quota_bytes is None else int(found.quota_bytes)


def _limit(m: Machinery, own: int | None) -> int | None:
    return own if own is not None else (m.settings.default_quota_gb * GIB or None)


def _use(
    connection: Connection, m: Machinery, account_id: str, own_limit: int | None, *, except_keys: Collection[str] = ()
) -> Use:
    stored = connection.execute(sa.select(sa.func.sum(repo.c.storage_bytes)).where(repo.c.account_id == account_id)).scalar()
    open_ones = sa.select(sa.func.sum(reservation.c.bytes)).where(
        reservation.c.account_id == account_id, reservation.c.expires_at > m.clock.now()
    )
    reserved = int(connection.execute(open_ones).scalar() or 0)
    for start in range(0, len(keys := list(except_keys)), 500):
        reserved -= int(connection.execute(open_ones.where(reservation.c.key.in_(keys[start : start + 500]))).scalar() or 0)
    return Use(int(stored or 0), reserved, _limit(m, own_limit))
