"""Tokens for the Xet service: a right on one repository for an hour, checked again whenever it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tulou.features.access import gate
from tulou.features.access.rules import Decision, decide
from tulou.features.accounts import signin
from tulou.features.content import pulls
from tulou.features.repos import lookup as repos
from tulou.features.repos.model import Repo
from tulou.kernel.actor import SYSTEM, Action, Actor
from tulou.kernel.errors import BadCredentials, Forbidden, HubError, NotFound, SignInNeeded
from tulou.kernel.limits import XET_TOKEN_SECONDS
from tulou.platform.blobs.signing import BadSignature
from tulou.platform.machinery import Machinery

PURPOSE = "xet"
_OWN_SECONDS = 24 * 3600
EPOCH = "e1"
"""Clients keep what they learn by the URL of the service: a new epoch makes all of them forget."""

XetScope = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class XetToken:
    """What a client needs to reach the Xet service: a token, its expiry in Unix seconds, and an absolute URL."""

    access_token: str
    expires: int
    cas_url: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a token, and the repository it is about."""

    actor: Actor
    repo: Repo
    may_write: bool
    payer: str
    """The account whose quota an upload uses: the repository's, or the uploader's own for a pull request."""

    @property
    def key(self) -> str:
        """What to count uploads by: the user, or the repository for the hub's own work."""
        return self.actor.user_id or self.repo.id


def mint_token(m: Machinery, actor: Actor, repo: Repo, scope: XetScope, base: str, *, for_pull_request: bool = False) -> XetToken:
    """Give `actor` a token for a repository that they obtained from the gate. `base` is our scheme and host as they see it.

    A write token for a pull request needs no more than the right to read. Raises what the gate raises.
    """
    action = Action.WRITE if scope == "write" and not for_pull_request else Action.READ_CONTENT
    gate.check(actor, repo, action)
    if scope == "write":
        if actor.user_id is None and not actor.is_admin:
            raise SignInNeeded
        gate.check_token_writes(actor, repo)
    is_system = actor.user_id is None and actor.is_admin
    claims = {
        "repo": repo.id,
        "write": scope == "write",
        "action": int(action),
        "user": actor.user_id,
        "token": actor.token.id if actor.token else None,
        "system": is_system,
    }
    # Our own conversions have no way to ask for another token in the middle of a file.
    seconds = _OWN_SECONDS if is_system else XET_TOKEN_SECONDS
    token, expires = m.signer.seal(PURPOSE, claims, seconds=seconds)
    return XetToken(token, expires, f"{base}/cas/{EPOCH}")


def mint_upload_token(m: Machinery, actor: Actor, repo: Repo, base: str, revision: str, *, opens_pull: bool) -> XetToken:
    """Give `actor` a token to upload with: by the right to write, or for a pull request that they open now or opened before.

    `revision` need not exist. Raises what the gate raises.
    """
    may_write = decide(actor, repo, Action.WRITE) is Decision.ALLOW
    is_author = actor.user_id is not None and pulls.author_of(m, repo, revision) == actor.user_id
    return mint_token(m, actor, repo, "write", base, for_pull_request=not may_write and (opens_pull or is_author))


def admit(m: Machinery, token: str, address: str, request_id: str) -> Holder:
    """Return who holds a token. Raises BadCredentials if it is forged or expired, or its right is gone."""
    try:
        claims = m.signer.unseal(PURPOSE, token)
    except BadSignature as cause:
        raise BadCredentials from cause
    known = m.cache.get(PURPOSE, token)
    if isinstance(known, Holder):
        return known
    mark = m.cache.mark()
    holder = _admit(m, claims, address, request_id)
    if holder.actor.token is None:
        # With a Hub token behind it the holder must be found anew: that token may expire without any commit.
        m.cache.put(mark, PURPOSE, token, holder)
    return holder


def _admit(m: Machinery, claims: dict[str, object], address: str, request_id: str) -> Holder:
    try:
        actor = _actor(m, claims, address, request_id)
        repo = repos.by_id(m, str(claims["repo"]))
        gate.check(actor, repo, Action(int(str(claims["action"]))))
    except (NotFound, Forbidden) as cause:
        raise BadCredentials("The right behind this token is gone.") from cause
    except HubError as cause:
        raise BadCredentials from cause
    may_write = bool(claims["write"])
    for_pull_request = may_write and claims["action"] != Action.WRITE
    payer = actor.user_id if for_pull_request and actor.user_id is not None else repo.account_id
    return Holder(actor, repo, may_write, payer)


def _actor(m: Machinery, claims: dict[str, object], address: str, request_id: str) -> Actor:
    if claims["system"]:
        return SYSTEM
    if claims["user"] is None:
        return Actor(address=address, request_id=request_id)
    token_id = None if claims["token"] is None else str(claims["token"])
    identity = signin.by_id(m, str(claims["user"]), token_id)
    return signin.actor(m, identity, address, request_id)
