"""Links by which a browser shows files that may run something, on an origin where nobody is signed in."""

from __future__ import annotations

from tulou.features.access import gate
from tulou.features.accounts import signin
from tulou.features.content import resolve
from tulou.features.content.resolve import Location
from tulou.features.repos import lookup
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Action, Actor
from tulou.kernel.errors import BadCredentials, Forbidden
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import SHOWCASE_SECONDS
from tulou.platform.machinery import Machinery

PURPOSE = "showcase"


def seal(m: Machinery, actor: Actor, repo: Repo, location: Location, hub: str) -> str:
    """Return a word that opens one file for a few minutes. `hub` is the origin whose pages may frame it."""
    claims = {"repo": repo.id, "commit": location.commit, "path": location.path, "user": actor.user_id, "hub": hub}
    return m.signer.seal(PURPOSE, claims, seconds=SHOWCASE_SECONDS)[0]


def admit(m: Machinery, sealed: str, address: str, request_id: str) -> tuple[Repo, Location, str]:
    """Return the file that a word opens, and the origin that may frame it. Raises BadSignature when it is forged or old.

    The right behind it is checked as of now: it does not outlive a closed repository or a removed member.
    """
    claims = m.signer.unseal(PURPOSE, sealed)
    repo = lookup.by_id(m, claims["repo"])
    gate.check(_actor(m, claims["user"], address, request_id), repo, Action.READ_CONTENT)
    return repo, resolve.locate(m, repo, Sha1(claims["commit"]), claims["path"]), claims["hub"]


def _actor(m: Machinery, user_id: str | None, address: str, request_id: str) -> Actor:
    try:
        return signin.behind_link(m, user_id, address, request_id)
    except BadCredentials as cause:
        raise Forbidden("The right behind this link is gone.") from cause
