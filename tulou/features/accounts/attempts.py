"""Make those who guess wait: every try counts before it is judged, against the account and against the address."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import sqlalchemy as sa

from tulou.db.engine import Tx, insert_or_ignore
from tulou.db.tables import failed_signin
from tulou.kernel.address import network_of
from tulou.kernel.errors import TooManyRequests
from tulou.kernel.names import fold
from tulou.platform.machinery import Machinery

LONGEST_MS = 15 * 60_000
FORGET_MS = 86_400_000
_FIRST_MS = 5_000


@dataclass(frozen=True, slots=True)
class Try:
    """One try under way: the rows that were counted up for it."""

    account_key: str
    address_key: str


# How many tries are free before waiting begins; then each further one doubles the wait. Many people share an address.
_FREE = {"account": 5, "address": 20}


def begin(m: Machinery, who: str, address: str) -> Try:
    """Count a try for `who` (a name as typed, or what names a second step) from an address. Raises TooManyRequests.

    It is counted before anything is checked, so that a hundred tries at once are a hundred tries.
    """
    now = m.clock.now()
    # A name as typed may be a password that went into the wrong field.
    digest = hashlib.sha256(fold(who).encode()).hexdigest()[:40]
    trying = Try(f"account:{digest}", f"address:{network_of(address)[:64]}")
    with m.db.write() as tx:
        tx.execute(sa.delete(failed_signin).where(failed_signin.c.last_at < now - FORGET_MS))
        # An address that must wait does not count against the account: else anybody could shut somebody out.
        wait = _count(tx, trying.address_key, now) or _count(tx, trying.account_key, now)
        if wait == 0:
            return trying
    raise TooManyRequests(-(-wait // 1000))


def succeeded(m: Machinery, trying: Try) -> None:
    """Forget the tries against the account, and this one from the address."""
    with m.db.write() as tx:
        tx.execute(sa.delete(failed_signin).where(failed_signin.c.key == trying.account_key))
        mine = failed_signin.c.key == trying.address_key
        tx.execute(sa.update(failed_signin).where(mine, failed_signin.c.failures > 0).values(
            failures=failed_signin.c.failures - 1, blocked_until=0
        ))


def _count(tx: Tx, key: str, now: int) -> int:
    """Count a try and return how many milliseconds it comes too early; one that does is not counted."""
    row = tx.execute(sa.select(failed_signin).where(failed_signin.c.key == key).with_for_update()).first()
    if row is None:
        insert_or_ignore(tx, failed_signin, {"key": key, "failures": 1, "last_at": now, "blocked_until": 0})
        return 0
    if row.blocked_until > now:
        return int(row.blocked_until - now)
    failures = row.failures + 1
    beyond = failures - _FREE[key.partition(":")[0]]
    pause = min(_FIRST_MS * 2 ** min(beyond, 20), LONGEST_MS) if beyond >= 0 else 0
    tx.execute(sa.update(failed_signin).where(failed_signin.c.key == key).values(
        failures=failures, last_at=now, blocked_until=now + pause if pause else 0
    ))
    return 0
