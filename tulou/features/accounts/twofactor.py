"""The second step of a sign-in: six digits of an app, each good once, or a recovery code kept on paper."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from tulou.db.engine import Tx
from tulou.db.tables import recovery_code, second_factor
from tulou.features.accounts.create import require_admin
from tulou.features.accounts.model import Account
from tulou.features.audit import record
from tulou.kernel.actor import Actor
from tulou.kernel.errors import Conflict, Forbidden, SignInNeeded
from tulou.kernel.ids import secret_hash
from tulou.platform.machinery import Machinery
from tulou.wire import totp

CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class WrongCode(Forbidden):
    """That code is wrong, or was used already."""

    code = "wrong_code"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an app needs: the secret to type, or the address in a picture."""

    secret: str
    uri: str


def is_on(m: Machinery, account_id: str) -> bool:
    """Say whether somebody signs in with two steps."""
    with m.db.read() as connection:
        mine = sa.select(second_factor.c.enabled_at).where(second_factor.c.account_id == account_id)
        return connection.execute(mine).scalar() is not None


def codes_left(m: Machinery, account_id: str) -> int:
    """Return how many recovery codes somebody has not used."""
    with m.db.read() as connection:
        count = sa.select(sa.func.count()).select_from(recovery_code).where(recovery_code.c.account_id == account_id)
        return int(connection.execute(count).scalar_one())


def begin(m: Machinery, actor: Actor, account: Account, issuer: str) -> Enrolment:
    """Return the secret to put into an app. Asked again before the first code, it is the same. Raises Conflict when it is on."""
    _require_self(actor, account)
    with m.db.write() as tx:
        row = _row(tx, account.id)
        if row is not None and row.enabled_at is not None:
            raise Conflict("The second step is on already.")
        salt = row.salt if row is not None else secrets.token_hex(20)
        if row is None:
            tx.execute(sa.insert(second_factor).values(account_id=account.id, salt=salt))
    secret = _secret(m, account.id, salt)
    return Enrolment(totp.shown(secret), totp.uri(secret, account.name, issuer))


def enable(m: Machinery, actor: Actor, account: Account, typed: str) -> list[str]:
    """Turn it on with a first code, and return the recovery codes: nobody can show them again. Raises WrongCode."""
    _require_self(actor, account)
    with m.db.write() as tx:
        row = _row(tx, account.id)
        if row is None or row.enabled_at is not None:
            raise Conflict("The second step is on already, or was not begun.")
        _spend(tx, m, row, typed)
        tx.execute(sa.update(second_factor).where(second_factor.c.account_id == account.id).values(enabled_at=m.clock.now()))
        record.write(tx, m.clock, actor, "second_factor.enabled", account.id)
        return _new_codes(tx, account.id)


def renew_codes(m: Machinery, actor: Actor, account: Account, typed: str) -> list[str]:
    """Replace the recovery codes. Raises WrongCode."""
    _require_self(actor, account)
    with m.db.write() as tx:
        _prove(tx, m, account.id, typed)
        record.write(tx, m.clock, actor, "second_factor.codes", account.id)
        return _new_codes(tx, account.id)


def disable(m: Machinery, actor: Actor, account: Account, typed: str) -> None:
    """Turn it off, with a code as proof. Raises WrongCode."""
    _require_self(actor, account)
    with m.db.write() as tx:
        _prove(tx, m, account.id, typed)
        _remove(tx, account.id)
        record.write(tx, m.clock, actor, "second_factor.disabled", account.id)


def reset(m: Machinery, actor: Actor, user: Account) -> None:
    """Turn it off for somebody who lost phone and paper. Raises Forbidden."""
    require_admin(actor)
    with m.db.write() as tx:
        _remove(tx, user.id)
        record.write(tx, m.clock, actor, "second_factor.reset", user.id)


def prove(m: Machinery, account_id: str, typed: str) -> None:
    """Spend a code of the app, or a recovery code. Raises WrongCode."""
    with m.db.write() as tx:
        _prove(tx, m, account_id, typed)


def _prove(tx: Tx, m: Machinery, account_id: str, typed: str) -> None:
    row = _row(tx, account_id)
    if row is None or row.enabled_at is None:
        raise WrongCode
    plain = "".join(c for c in typed.lower() if c.isalnum())
    if len(plain) == totp.DIGITS:
        _spend(tx, m, row, plain)
        return
    mine = sa.and_(recovery_code.c.account_id == account_id, recovery_code.c.code_hash == secret_hash(plain))
    if not tx.execute(sa.delete(recovery_code).where(mine)).rowcount:
        raise WrongCode


def _spend(tx: Tx, m: Machinery, row: sa.Row[tuple[object, ...]], typed: str) -> None:
    """Mark the step of a code as used: somebody who looked over a shoulder comes too late."""
    plain = "".join(c for c in typed if c.isdigit())
    secret = _secret(m, row.account_id, row.salt)
    step = totp.match(secret, plain, totp.step_at(m.clock.now()), after=row.last_step)
    if step is None:
        raise WrongCode
    tx.execute(sa.update(second_factor).where(second_factor.c.account_id == row.account_id).values(last_step=step))


def _new_codes(tx: Tx, account_id: str) -> list[str]:
    tx.execute(sa.delete(recovery_code).where(recovery_code.c.account_id == account_id))
    plain = ["".join(secrets.choice(_LETTERS) for _ in range(16)) for _ in range(CODES)]
    tx.execute(sa.insert(recovery_code), [{"account_id": account_id, "code_hash": secret_hash(code)} for code in plain])
    return [f"{code[:4]}-{code[4:8]}-{code[8:12]}-{code[12:]}" for code in plain]


def _remove(tx: Tx, account_id: str) -> None:
    tx.execute(sa.delete(recovery_code).where(recovery_code.c.account_id == account_id))
    tx.execute(sa.delete(second_factor).where(second_factor.c.account_id == account_id))


def _row(tx: Tx, account_id: str) -> sa.Row[tuple[object, ...]] | None:
    return tx.execute(sa.select(second_factor).where(second_factor.c.account_id == account_id).with_for_update()).first()


def _secret(m: Machinery, account_id: str, salt: str) -> bytes:
    return m.signer.derive("second factor", f"{account_id}:{salt}")[:20]


def _require_self(actor: Actor, account: Account) -> None:
    if actor.token is not None or actor.user_id != account.id:
        raise SignInNeeded
