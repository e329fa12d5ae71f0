"""Tell a token's holder how to fetch a file, and which chunks are known already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tulou.features.content import xet_rows as rows
from tulou.features.content.xet import Holder
from tulou.kernel.actor import TokenRole
from tulou.kernel.errors import ObjectNotFound, RangeNotSatisfiable
from tulou.kernel.ids import XetHash
from tulou.kernel.limits import DEDUP_ANSWER, DEDUP_FILES, DEDUP_HINT, MIB, XORB_URL_SECONDS
from tulou.platform.blobs.signing import BadSignature
from tulou.platform.machinery import Machinery
from tulou.platform.xet import dedup
from tulou.platform.xet.reconstruct import Plan, Range

__all__ = ["Plan", "Range"]  # delivery writes them down

PURPOSE = "xorb-range"


@dataclass(frozen=True, slots=True)
class XorbRange:
    """Stored bytes `start` to `last` (inclusive) of a xorb that a signed URL gives access to."""

    xorb: XetHash
    start: int
    last: int


def file_size(m: Machinery, holder: Holder, name: XetHash) -> int:
    """Return a file's size in bytes. Raises ObjectNotFound, equally for no such file and for files of other repositories."""
    with m.db.read() as connection:
        if not rows.repo_has_file(connection, holder.repo.id, name):
            raise ObjectNotFound
    return m.xet.file_size(name)


def reconstruction(m: Machinery, holder: Holder, name: XetHash, wanted: tuple[int, int | None] | None) -> Plan:
    """Plan how to fetch a file, or its bytes `wanted` = (first, last inclusive or None for the end).

    Raises ObjectNotFound as `file_size` does, RangeNotSatisfiable past the end.
    """
    size = file_size(m, holder, name)
    start, last = wanted or (0, None)
    end = size if last is None else min(size, last + 1)
    if wanted is not None and not start < end:
        raise RangeNotSatisfiable(size)
    return m.xet.plan(m.xet.file(name), start, end)


def xorb_size(m: Machinery, holder: Holder, name: XetHash) -> int:
    """Return the stored size of a xorb in bytes. Raises ObjectNotFound unless a file of this repository uses it."""
    with m.db.read() as connection:
        size = rows.xorb_stored_size(connection, name) if rows.repo_has_xorb(connection, holder.repo.id, name) else None
    if size is None:
        raise ObjectNotFound
    return size


def sign_range(m: Machinery, part: XorbRange) -> str:
    """Return a token that gives access to exactly these bytes for an hour."""
    return m.signer.seal(PURPOSE, {"x": part.xorb, "s": part.start, "e": part.last}, seconds=XORB_URL_SECONDS)[0]


def open_range(m: Machinery, name: str, token: str) -> XorbRange:
    """Return the bytes that a token gives access to. Raises BadSignature, also when they are gone.

    A client that meets BadSignature (403) asks for a new plan; any other refusal would end its download.
    """
    claims = m.signer.unseal(PURPOSE, token)
    part = XorbRange(XetHash(claims["x"]), claims["s"], claims["e"])
    try:
        held = m.xet.read_xorb(part.xorb, part.last, 1)
    except ObjectNotFound as cause:
        raise BadSignature from cause
    if part.xorb != name or not held:
        raise BadSignature
    return part


def read_range(m: Machinery, part: XorbRange) -> Iterator[bytes]:
    """Yield stored bytes of a xorb in blocks of 1 MiB."""
    for start in range(part.start, part.last + 1, MIB):
        yield m.xet.read_xorb(part.xorb, start, min(MIB, part.last + 1 - start))


def known_chunks(m: Machinery, holder: Holder, chunk: XetHash, session: str) -> bytes:
    """Answer a deduplication query with a shard. Raises ObjectNotFound when there is nothing to tell.

    A known chunk is answered with the xorbs around it, as far as the user may read them. An unknown one, once in a
    session, with what this repository has: a file whose beginning changed may well share the rest with its last version.
    """
    # A fine-grained token speaks for what it names, not for everything that its owner may read.
    is_narrow = holder.actor.token is not None and holder.actor.token.role is TokenRole.FINE_GRAINED
    user_id = None if is_narrow else holder.actor.user_id
    with m.db.read() as connection:
        near = rows.xorbs_near_chunk(connection, chunk, rows.readable(holder.repo.id, user_id), DEDUP_FILES)
        limit = DEDUP_ANSWER
        if not near and m.xet.hinted.is_first(session, holder.repo.id):
            near, limit = rows.xorbs_of_repo(connection, holder.repo.id), DEDUP_HINT
    answer = dedup.answer(m.xet, near, limit=limit)
    if answer is None:
        raise ObjectNotFound
    return answer
