"""How a browser that is signed in to the hub is let into a private Space, whose host knows nothing of the hub's session."""

from __future__ import annotations

from dataclasses import dataclass

from tulou.features.accounts import signin
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Actor
from tulou.kernel.errors import BadCredentials
from tulou.kernel.limits import VISIT_SECONDS, VISIT_TICKET_SECONDS
from tulou.platform.blobs.signing import BadSignature
from tulou.platform.machinery import Machinery

_TICKET = "space-ticket"
_PASS = "space-pass"  # noqa: S105 - not a secret


@dataclass(frozen=True, slots=True)
class Holder:
    """Who shows a pass, and the address of the hub that they came from."""

    actor: Actor
    hub: str


def ticket(m: Machinery, actor: Actor, repo: Repo, hub: str) -> str:
    """Return a word that the Space's host changes into a pass within a minute. Ask the gate first."""
    return m.signer.seal(_TICKET, {"repo": repo.id, "user": actor.user_id, "hub": hub}, seconds=VISIT_TICKET_SECONDS)[0]


def redeem(m: Machinery, sealed: str, repo_id: str) -> str:
    """Return the pass for a ticket of this Space. Raises BadSignature for one that is forged, old, or of another Space."""
    claims = m.signer.unseal(_TICKET, sealed)
    if claims["repo"] != repo_id:
        raise BadSignature
    return m.signer.seal(_PASS, claims, seconds=VISIT_SECONDS)[0]


def holder(m: Machinery, sealed: str, repo_id: str, address: str, request_id: str) -> Holder:
    """Return who shows a pass of this Space, with the rights they have now. Raises BadSignature, also when they are gone."""
    claims = m.signer.unseal(_PASS, sealed)
    if claims["repo"] != repo_id or claims["user"] is None:
        raise BadSignature
    user = claims["user"]
    known = m.cache.get("space.pass", user)
    if not isinstance(known, signin.Identity):
        mark = m.cache.mark()
        try:
            known = signin.by_id(m, user, None)
        except BadCredentials as cause:
            raise BadSignature from cause
        m.cache.put(mark, "space.pass", user, known)
    return Holder(signin.actor(m, known, address, request_id), claims["hub"])
