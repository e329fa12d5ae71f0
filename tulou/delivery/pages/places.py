"""A path at a revision, and the addresses of the pages around it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from tulou.delivery.kit.call import Call
from tulou.features.access import gate
from tulou.features.access.rules import Decision, decide
from tulou.features.content import pulls, revisions
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Action
from tulou.kernel.errors import BadInput, RevisionNotFound, SignInNeeded
from tulou.kernel.ids import Sha1
from tulou.kernel.names import is_sha1, parse_path

SHOWN_REFS = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page stands. `commit` is None in a repository without any; `path` is empty for the root."""

    page: str
    """The path of the repository's front page."""
    revision: str
    commit: Sha1 | None
    path: str
    kind: str
    """What the revision is: branch, tag, pull or commit."""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The folder that the path is in."""
        return self.path.rpartition("/")[0]

    @property
    def short_revision(self) -> str:
        """The revision as people read it."""
        return self.revision[:10] if self.kind == "commit" else self.revision

    @property
    def crumbs(self) -> list[tuple[str, str]]:
        """Every folder on the way, as (name, path)."""
        parts = self.path.split("/") if self.path else []
        return [(part, "/".join(parts[: at + 1])) for at, part in enumerate(parts)]

    def url(self, verb: str, path: str | None = None, revision: str | None = None) -> str:
        """Return the address of `tree`, `blob`, `resolve` … of this path, or of another."""
        where = self.path if path is None else path
        start = f"{self.page}/{verb}/{quote(revision or self.revision, safe='')}"
        return f"{start}/{quote(where)}" if where else start


def find(call: Call, *, may_be_empty: bool = False) -> Place:
    """Return the place that the address of a page names. Raises RevisionNotFound, InvalidPath.

    `may_be_empty`: the default branch counts as there even before the first commit.
    """
    repo, revision = call.repo, call.params["revision"]
    path = call.params.get("path", "").strip("/")
    try:
        commit = revisions.commit_of(call.m, repo, revision)
    except RevisionNotFound:
        if revision != repo.default_branch or not may_be_empty:
            raise
        commit = None
    return Place(f"/{repo.name.path}", revision, commit, parse_path(path) if path else "", _kind(call, repo, revision))



def _kind(call: Call, repo: Repo, revision: str) -> str:
    found = revisions.ref_of(call.m, repo, revision)
    if found is None:
        return "branch" if revision == repo.default_branch and not is_sha1(revision) else "commit"
    if found.name.startswith("refs/heads/"):
        return "branch"
    return "pull" if found.name.startswith("refs/pr/") else "tag"


@dataclass(frozen=True, slots=True)
class Switcher:
    """The branches and tags that a page offers; `is_cut`: there are more."""

    branches: list[str]
    tags: list[str]
    is_cut: bool


def switcher(call: Call) -> Switcher:
    """Return what the menu of revisions lists, the default branch first."""
    names = sorted(revisions.refs(call.m, call.repo))
    branches = [name.removeprefix("refs/heads/") for name in names if name.startswith("refs/heads/")]
    tags = [name.removeprefix("refs/tags/") for name in names if name.startswith("refs/tags/")]
    branches.sort(key=lambda name: name != call.repo.default_branch)
    return Switcher(branches[:SHOWN_REFS], tags[:SHOWN_REFS], len(branches) > SHOWN_REFS or len(tags) > SHOWN_REFS)


def can_commit(call: Call, place: Place) -> bool:
    """Say whether the reader may commit here at once, without a pull request."""
    if place.kind == "pull" and pulls.author_of(call.m, call.repo, place.revision) == call.actor.user_id is not None:
        return True
    return place.kind in {"branch", "pull"} and decide(call.actor, call.repo, Action.WRITE) is Decision.ALLOW


def require_branch(call: Call, place: Place, *, as_pull: bool) -> None:
    """Refuse a commit that the reader may not make here. Raises SignInNeeded, Forbidden, BadInput."""
    if call.actor.user_id is None:
        raise SignInNeeded
    if place.kind not in {"branch", "pull"}:
        raise BadInput("A commit can only be made to a branch.")
    if as_pull and place.kind == "pull":
        raise BadInput("A pull request cannot be made on top of another one.")
    if not as_pull and not can_commit(call, place):
        gate.check(call.actor, call.repo, Action.WRITE)
