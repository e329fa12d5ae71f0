"""Links that carry their own right: git-lfs clients send file bytes without credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tulou.features.access import gate
from tulou.features.accounts import signin
from tulou.features.repos import lookup
from tulou.features.repos.model import Repo
from tulou.kernel.actor import SYSTEM, Action, Actor
from tulou.kernel.errors import BadCredentials, Forbidden
from tulou.kernel.ids import Sha256
from tulou.kernel.limits import LFS_DOWNLOAD_SECONDS, LFS_UPLOAD_SECONDS
from tulou.platform.blobs.signing import BadSignature
from tulou.platform.machinery import Machinery
from tulou.wire.lfs import LfsPointer, Link

PURPOSE = "lfs"
Verb = Literal["put", "part", "join", "verify", "get"]
_PATHS: dict[Verb, str] = {"put": "", "part": "/part", "join": "", "verify": "/verify", "get": ""}


@dataclass(frozen=True, slots=True)
class Parts:
    """An upload in parts of `size` bytes each, the last one shorter, known by a random id."""

    upload: str
    size: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What a link allows: one verb, on one object, in one repository, for one person. `number` counts parts from 1."""

    verb: Verb
    pointer: LfsPointer
    parts: Parts | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a link, and what for. The right was checked again just now."""

    actor: Actor
    repo: Repo
    claim: Claim


def link(m: Machinery, actor: Actor, repo: Repo, claim: Claim, base: str, header: dict[str, str] | None = None) -> Link:
    """Make a link for what the caller has found `actor` to be allowed. `base` is our scheme and host."""
    seconds = LFS_DOWNLOAD_SECONDS if claim.verb == "get" else LFS_UPLOAD_SECONDS
    body = {
        "verb": claim.verb,
        "oid": claim.pointer.oid,
        "size": claim.pointer.size,
        "repo": repo.id,
        "user": actor.user_id,
        "token": actor.token.id if actor.token else None,
        "system": actor is SYSTEM,
        "upload": claim.parts.upload if claim.parts else None,
        "part_size": claim.parts.size if claim.parts else 0,
        "number": claim.number,
    }
    sealed, _ = m.signer.seal(PURPOSE, body, seconds=seconds)
    return Link(f"{base}/lfs/{claim.pointer.oid}{_PATHS[claim.verb]}?claim={sealed}", seconds, header or {})


def admit(m: Machinery, verb: Verb, oid: str, sealed: str, address: str, request_id: str) -> Holder:
    """Return who holds a link. Raises BadSignature if it is forged, expired, or for something else.

    The right behind it is checked as of now: a link does not outlive a removed member, a revoked token or a closed repository.
    """
    body = m.signer.unseal(PURPOSE, sealed)
    if (body["verb"], body["oid"]) != (verb, oid):
        raise BadSignature
    parts = Parts(body["upload"], body["part_size"]) if body["upload"] else None
    claim = Claim(verb, LfsPointer(Sha256(body["oid"]), body["size"]), parts, body["number"])
    repo = lookup.by_id(m, body["repo"])
    actor = _actor(m, body, address, request_id)
    gate.check(actor, repo, Action.READ_CONTENT if verb == "get" else Action.WRITE)
    return Holder(actor, repo, claim)


def _actor(m: Machinery, body: dict[str, object], address: str, request_id: str) -> Actor:
    if body["system"]:
        return SYSTEM
    if body["user"] is None:
        return Actor(address=address, request_id=request_id)
    token_id = None if body["token"] is None else str(body["token"])
    try:
        return signin.actor(m, signin.by_id(m, str(body["user"]), token_id), address, request_id)
    except BadCredentials as cause:
        # Not a 401: that would make git-lfs ask its user for a password that this address never reads.
        raise Forbidden("The right behind this link is gone.") from cause
