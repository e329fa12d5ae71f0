"""Passwords: set, checked, and kept as argon2id hashes."""

from __future__ import annotations

from functools import cache

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from tulou.db.engine import Tx, insert_or_ignore
from tulou.db.tables import password
from tulou.features.accounts import attempts
from tulou.features.accounts.model import Account
from tulou.features.audit import record
from tulou.kernel.actor import Actor
from tulou.kernel.errors import BadInput, Forbidden, SignInNeeded
from tulou.kernel.names import fold
from tulou.platform.machinery import Machinery

LEAST, MOST = 10, 200
# 19 MiB and two passes: the second recommendation of OWASP. Forty sign-ins at once stay under 800 MB.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_FAMILIAR = frozenset({
    "1234567890", "12345678910", "123456789a", "0123456789", "9876543210", "qwertyuiop", "qwerty12345", "qwerty123456",
    "1q2w3e4r5t", "1qaz2wsx3edc", "password12", "password123", "password1234", "passw0rd123", "administrator", "admin12345",
    "adminadmin", "changeme123", "letmein123", "welcome123", "welcome1234", "iloveyou123", "abcdefghij", "abc1234567",
    "football123", "baseball123", "princess123", "sunshine123", "superman123", "asdfghjkl1", "zxcvbnm123", "huggingface",
    "huggingface123", "secretsecret", "testtest123", "q1w2e3r4t5y6", "woaini1314520", "5201314520",
})  # fmt: skip


class WeakPassword(BadInput):
    """That password is too easy to guess."""

    code = "weak_password"


class WrongPassword(Forbidden):
    """The name or the password is wrong."""

    code = "wrong_password"


def has_one(m: Machinery, account_id: str) -> bool:
    """Say whether somebody has a password at all: people whom a link let in have none at first."""
    with m.db.read() as connection:
        return connection.execute(sa.select(password.c.account_id).where(password.c.account_id == account_id)).first() is not None


def set_own(m: Machinery, actor: Actor, account: Account, new: str, *, old: str | None) -> None:
    """Give oneself a new password. `old` is None when the caller knows that they proved who they are just now.

    Raises WeakPassword, WrongPassword, TooManyRequests.
    """
    if actor.token is not None or actor.user_id != account.id:
        raise SignInNeeded
    fresh = hashed(new, account.name)
    if old is not None:
        # A browser left open must not become a place to guess at.
        trying = attempts.begin(m, f"password {account.id}", actor.address)
        if not matches(m, account.id, old):
            raise WrongPassword("The present password is wrong.")
        attempts.succeeded(m, trying)
    with m.db.write() as tx:
        put(tx, m, account.id, fresh)
        record.write(tx, m.clock, actor, "password.changed", account.id)


def put(tx: Tx, m: Machinery, account_id: str, fresh: str) -> None:
    """Keep a hash in the caller's transaction, in place of the one before."""
    values = {"hash": fresh, "changed_at": m.clock.now()}
    if not insert_or_ignore(tx, password, {"account_id": account_id, **values}):
        tx.execute(sa.update(password).where(password.c.account_id == account_id).values(**values))


def hashed(new: str, name: str) -> str:
    """Return the hash of a new password of somebody called `name`. Takes some 30 ms. Raises WeakPassword."""
    require_strong(new, name)
    return _HASHER.hash(new)


def matches(m: Machinery, account_id: str | None, typed: str) -> bool:
    """Say whether a password is right. It takes as long for nobody, and for somebody without a password."""
    with m.db.read() as connection:
        kept = connection.execute(sa.select(password.c.hash).where(password.c.account_id == account_id)).scalar()
    try:
        _HASHER.verify(kept or _nobody(), typed[:MOST])
    except VerifyMismatchError:
        return False
    return kept is not None


def require_strong(new: str, name: str) -> None:
    """Raise WeakPassword for one that is short, famous, or the name of its owner."""
    if not LEAST <= len(new) <= MOST:
        raise WeakPassword("A password has 10 to 200 characters.")
    plain = fold(new)
    is_own_name = bool(name) and not plain.replace(fold(name), "")
    if plain in _FAMILIAR or len(set(plain)) < 4 or is_own_name:
        raise WeakPassword


@cache
def _nobody() -> str:
    """Return the hash against which the passwords of unknown users are checked."""
    return _HASHER.hash("nobody has this password")
