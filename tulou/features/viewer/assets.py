"""Links to the files inside cells: sealed for one split and an hour, and good only while the right behind them lasts."""

from __future__ import annotations

from dataclasses import dataclass

from tulou.features.access import gate
from tulou.features.accounts import signin
from tulou.features.repos import lookup
from tulou.features.repos.model import Repo
from tulou.features.viewer import rows, shelf
from tulou.kernel.actor import Action, Actor
from tulou.kernel.errors import BadCredentials, EntryNotFound, RepoNotFound
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import VIEWER_MEDIA_SECONDS
from tulou.platform.machinery import Machinery

PURPOSE = "viewer media"


@dataclass(frozen=True, slots=True)
class Place:
    """A file in a cell: the row, the number of the column, and the how manieth file of the cell it is."""

    row: int
    column: int
    ordinal: int


def prefix(m: Machinery, actor: Actor, repo: Repo, commit: Sha1, config: str, split: str) -> str:
    """Return the path that links to files of a split begin with: `/<row>/<column>/<ordinal>/<name>` follows."""
    claims = {"repo": repo.id, "commit": commit, "config": config, "split": split, "user": actor.user_id}
    return f"/api/viewer/assets/{m.signer.seal(PURPOSE, claims, seconds=VIEWER_MEDIA_SECONDS)[0]}"


def read(m: Machinery, sealed: str, place: Place, address: str, request_id: str) -> tuple[str, bytes]:
    """Return the type and the bytes of a file. Raises BadSignature, EntryNotFound, ViewerProblem.

    The right is checked as of now: it does not outlive a closed repository or a removed member.
    """
    claims = m.signer.unseal(PURPOSE, sealed)
    repo = lookup.by_id(m, claims["repo"])
    gate.check(_actor(m, claims["user"], address, request_id), repo, Action.READ_CONTENT)
    commit = Sha1(claims["commit"])
    split = shelf.find(m, repo, commit, claims["config"], claims["split"])
    if split is None:
        found = shelf.first_media(m, repo, commit, claims["config"], claims["split"], (place.row, place.column, place.ordinal))
    else:
        found = rows.media(m, split, place.row, place.column, place.ordinal)
    if found is None:
        raise EntryNotFound
    return found


def _actor(m: Machinery, user_id: str | None, address: str, request_id: str) -> Actor:
    try:
        return signin.behind_link(m, user_id, address, request_id)
    except BadCredentials as cause:
        raise RepoNotFound from cause
