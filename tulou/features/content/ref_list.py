"""The branches and tags of a repository with the commit that each is at, for a page that manages them."""

from __future__ import annotations

from dataclasses import dataclass

from tulou.features.content.revisions import refs
from tulou.features.repos.model import Ref, Repo
from tulou.kernel.ids import Sha1
from tulou.platform.git import history
from tulou.platform.git.history import Commit
from tulou.platform.machinery import Machinery

MAX_LISTED = 500


@dataclass(frozen=True, slots=True)
class Listed:
    """A branch or tag by its short name, and its commit."""

    name: str
    is_default: bool
    commit: Commit


@dataclass(frozen=True, slots=True)
class RefList:
    """The first `MAX_LISTED` branches and tags, and how many there are."""

    branches: list[Listed]
    tags: list[Listed]
    branch_count: int
    tag_count: int


def refs_with_commits(m: Machinery, repo: Repo) -> RefList:
    """Return branches, the default one first and then the freshest, and tags, the newest first."""
    known = refs(m, repo).values()
    branches = [ref for ref in known if ref.name.startswith("refs/heads/")]
    tags = [ref for ref in known if ref.name.startswith("refs/tags/")]
    branches.sort(key=lambda ref: ref.name != repo.default_ref)
    shown = _described(m, repo, branches[:MAX_LISTED])
    shown.sort(key=lambda item: (not item.is_default, -item.commit.at))
    labels = _described(m, repo, tags[:MAX_LISTED])
    labels.sort(key=lambda item: -item.commit.at)
    return RefList(shown, labels, len(branches), len(tags))


def _described(m: Machinery, repo: Repo, found: list[Ref]) -> list[Listed]:
    listed: list[Listed] = []
    for ref in found:
        repository = m.git.having(repo.id, repo.generation, ref.peeled)
        short = ref.name.split("/", 2)[2]
        listed.append(Listed(short, ref.name == repo.default_ref, history.commit(repository, Sha1(ref.peeled))))
    return listed
