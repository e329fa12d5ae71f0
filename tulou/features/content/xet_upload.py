"""Receive xorbs and shards: verify everything, then make the files of a shard belong to the repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from blake3 import blake3

from tulou.db.engine import Tx
from tulou.features.content import xet_rows as rows
from tulou.features.content.xet import Holder
from tulou.features.quota import use
from tulou.fsio import atomic
from tulou.fsio.faults import point
from tulou.kernel.errors import Forbidden, RepoNotFound
from tulou.kernel.ids import XetHash
from tulou.kernel.limits import SHARD_BYTES, XORB_BODY
from tulou.platform.machinery import Machinery
from tulou.platform.xet import register
from tulou.platform.xet.checks import CheckedShard

_DAY_SECONDS = 24 * 3600
UNCOMMITTED_SECONDS = 7 * _DAY_SECONDS
Progress = Callable[[int, int], None]
"""Called with the number of files verified so far, and of all."""


def require_write(holder: Holder) -> None:
    """Raise Forbidden for a token that only reads."""
    if not holder.may_write:
        raise Forbidden("This token may only read.")


def prepare_xorb(m: Machinery) -> Path:
    """Return the name of a file to receive a xorb into. Raises StorageFull."""
    m.store.require_space(2 * XORB_BODY)
    return atomic.temporary_file(m.work, "xorb")


def prepare_shard(m: Machinery) -> Path:
    """Return the name of a file to receive a shard into. Raises StorageFull."""
    m.store.require_space(SHARD_BYTES)
    return atomic.temporary_file(m.work, "shard")


def discard(path: Path) -> None:
    """Delete what was received, if it is still there."""
    atomic.remove(path)


def accept_xorb(m: Machinery, holder: Holder, name: XetHash, path: Path) -> bool:
    """Verify and store a received xorb. Returns False if this repository has it already; raises WireError, QuotaExceeded.

    That somebody else has it must not show, neither in the answer nor in an unverified body being accepted.
    """
    with m.db.read() as connection:
        known = rows.repo_has_xorb(connection, holder.repo.id, name)
    if known:
        return False
    if holder.actor.user_id is not None:
        with m.db.write() as tx:
            # Files are counted when a shard names them. Until then the xorb itself is, or uploads without shards were free.
            seconds = m.settings.gc_grace_days * _DAY_SECONDS
            use.reserve(tx, m, holder.payer, _xorb_key(name), path.stat().st_size, seconds)
    table = m.xet.verify_xorb(name, path)
    with m.turnstile.publishing():
        m.xet.publish_xorb(name, path, table)
    return True


def register_shard(m: Machinery, holder: Holder, path: Path, progress: Progress) -> None:
    """Verify a received shard and register its files for the repository. Takes over the file `path`.

    Raises WireError if anything in it is untrue, TooLarge, QuotaExceeded.

    # 1 checked against chunk tables   2 xorbs kept from collection   3 SHA-256 computed from stored bytes
    # 4 shard published   5 one transaction: files, chunks, large-file objects, ownership, quota   6 answer
    # Crash before 5: an unreferenced shard, and xorbs that wait for collection. After 5: everything is there.
    """
    try:
        shard = m.xet.check_shard(path)
        with m.turnstile.publishing(), m.db.write() as tx:
            register.keep_xorbs(tx, m.clock.now(), shard.xorbs)
            _require_room(tx, m, holder, shard)
        files = _verify(m, shard, progress)
        m.xet.keep_shard(blake3().update_mmap(path).hexdigest(), path)
    finally:
        discard(path)
    point("shard.published")
    with m.turnstile.publishing(), m.db.write() as tx:
        register.record(tx, m.clock.now(), shard, files)
        _own(tx, m, holder, files, shard)
    point("shard.registered")


def _verify(m: Machinery, shard: CheckedShard, progress: Progress) -> list[register.VerifiedFile]:
    """Compute the SHA-256 of every file that was not verified under the same xet hash before."""
    with m.db.read() as connection:
        digests: dict[XetHash, str] = dict(register.known_digests(connection, [f.hash for f in shard.files]))
    todo = list({f.hash: f for f in shard.files if f.hash not in digests}.values())
    before, total = len(shard.files) - len(todo), len(shard.files)
    progress(before, total)
    digests |= m.xet.hash_files(todo, lambda done: progress(before + done, total))
    return register.digests_match(shard.files, digests)


def _require_room(tx: Tx, m: Machinery, holder: Holder, shard: CheckedShard) -> None:
    """Refuse what cannot fit before hashing it. Believes the claimed names; the reservations later do not."""
    owned = rows.owned(tx.connection, holder.repo.id, [f.claimed_sha256 for f in shard.files if f.claimed_sha256 is not None])
    size = sum(f.size for f in shard.files if f.claimed_sha256 not in owned)
    use.require(tx, m, holder.payer, size, settling=[_xorb_key(name) for name in shard.xorbs])


def _own(tx: Tx, m: Machinery, holder: Holder, files: list[register.VerifiedFile], shard: CheckedShard) -> None:
    if not rows.is_live(tx.connection, holder.repo.id):
        raise RepoNotFound
    owned = rows.owned(tx.connection, holder.repo.id, [f.sha256 for f in files])
    new = {f.sha256: f.checked.size for f in files if f.sha256 not in owned}
    use.settle(tx, holder.payer, *(_xorb_key(name) for name in shard.xorbs))
    reservations = {use.object_key(holder.repo.id, sha256): size for sha256, size in new.items()}
    use.reserve_each(tx, m, holder.payer, reservations, UNCOMMITTED_SECONDS)
    mine = [(f.sha256, f.checked.size, f.checked.hash) for f in files]
    rows.own(tx, m.clock.now(), holder.repo.id, holder.actor.user_id, mine)


def _xorb_key(name: XetHash) -> str:
    return f"xorb:{name}"
