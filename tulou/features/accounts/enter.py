"""Sign in with a password, and with the second step of those who have one."""

from __future__ import annotations

from dataclasses import dataclass

from tulou.features.accounts import attempts, lookup, passwords, sessions, twofactor
from tulou.features.accounts.model import Account, AccountKind
from tulou.features.accounts.passwords import WrongPassword
from tulou.features.accounts.sessions import Browser
from tulou.features.audit import record
from tulou.kernel.actor import Actor
from tulou.kernel.errors import BadInput, InvalidName
from tulou.kernel.names import parse_account
from tulou.platform.blobs.signing import BadSignature
from tulou.platform.machinery import Machinery

PROOF_SECONDS = 300
_PURPOSE = "second step"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The secret of a new session."""

    secret: str


@dataclass(frozen=True, slots=True)
class CodeNeeded:
    """The password was right; `proof` says so for five minutes, to be handed back with the code."""

    proof: str


class ProofExpired(BadInput):
    """The password was typed too long ago. Please begin again."""

    code = "proof_expired"


def by_password(m: Machinery, actor: Actor, name: str, typed: str, browser: Browser) -> SignedIn | CodeNeeded:
    """Sign in. Raises WrongPassword, for nobody and for the disabled too, and TooManyRequests."""
    trying = attempts.begin(m, name, browser.address)
    user = _open_user(m, name)
    if not passwords.matches(m, user.id if user else None, typed) or user is None:
        _report(m, actor, "signin.failed", user)
        raise WrongPassword
    attempts.succeeded(m, trying)
    if twofactor.is_on(m, user.id):
        proof, _expires = m.signer.seal(_PURPOSE, {"user": user.id}, seconds=PROOF_SECONDS)
        return CodeNeeded(proof)
    return SignedIn(_open(m, actor, user, browser, "signin.password"))


def by_code(m: Machinery, actor: Actor, proof: str, typed: str, browser: Browser) -> SignedIn:
    """Finish a sign-in in two steps. Raises WrongCode, ProofExpired, TooManyRequests."""
    try:
        user_id = str(m.signer.unseal(_PURPOSE, proof)["user"])
    except BadSignature as cause:
        raise ProofExpired from cause
    user = lookup.by_id(m, user_id)
    if user is None or user.disabled_at is not None:
        raise ProofExpired
    trying = attempts.begin(m, f"code {user_id}", browser.address)
    try:
        twofactor.prove(m, user_id, typed)
    except twofactor.WrongCode:
        _report(m, actor, "signin.failed", user)
        raise
    attempts.succeeded(m, trying)
    return SignedIn(_open(m, actor, user, browser, "signin.two_steps"))


def _open(m: Machinery, actor: Actor, user: Account, browser: Browser, action: str) -> str:
    # One transaction: the session and the line that says how it came to be.
    with m.db.write() as tx:
        by = Actor(user.id, user.name, address=actor.address, request_id=actor.request_id)
        record.write(tx, m.clock, by, action, user.id)
        return sessions.open_in(tx, m, user.id, browser)


def _report(m: Machinery, actor: Actor, action: str, user: Account | None) -> None:
    """Write down that a sign-in failed, if it was for somebody: what strangers type is not worth keeping."""
    if user is not None:
        with m.db.write() as tx:
            record.write(tx, m.clock, actor, action, user.id)


def _open_user(m: Machinery, name: str) -> Account | None:
    try:
        found = lookup.by_name(m, parse_account(name.strip()))
    except InvalidName:
        return None
    return found if found is not None and found.kind is AccountKind.USER and found.disabled_at is None else None
