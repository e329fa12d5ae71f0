"""Show one repository at a revision: what is stored of it, or what that revision says."""

from __future__ import annotations

from dataclasses import replace

from tulou.features.access import gate
from tulou.features.cards import queries
from tulou.features.cards.model import Overview
from tulou.features.cards.read import evidence_at
from tulou.features.cards.summarize import summarize
from tulou.features.cards.vocabulary import RELATIONS
from tulou.features.content import revisions, tree
from tulou.features.content.tree import Entry
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Actor
from tulou.kernel.errors import RepoNotFound
from tulou.kernel.ids import Sha1
from tulou.kernel.names import RepoKind, RepoName
from tulou.platform.machinery import Machinery

LINKED_SPACES = 100


def at(m: Machinery, repo: Repo, revision: str | None = None) -> Overview:
    """Return a repository at a revision, or at the head of its default branch. Raises RevisionNotFound.

    A repository whose default branch does not exist has an overview without commit.
    """
    with m.db.read() as connection:
        stored = queries.overview(connection, repo.id)
    if stored is None:
        raise RepoNotFound
    commit = revisions.commit_of(m, repo, revision) if revision is not None else stored.commit
    if commit is None or (stored.is_current and commit == stored.commit):
        return replace(stored, commit=commit)
    # Just committed, or an older revision: read its card now, but leave the weight files to the background.
    evidence = evidence_at(m, repo, Sha1(commit), with_weights=False)
    return replace(stored, commit=commit, is_current=False, summary=summarize(repo.name.kind, evidence))


def stored(m: Machinery, repo: Repo) -> Overview:
    """Return what is stored of a repository, without card and facts. One query. Raises RepoNotFound."""
    with m.db.read() as connection:
        found = queries.overview(connection, repo.id, detail=False)
    if found is None:
        raise RepoNotFound
    return found


def files(m: Machinery, repo: Repo, overview: Overview) -> list[str]:
    """Return the paths of all files of the commit that is shown."""
    return tree.paths(m, repo, Sha1(overview.commit)) if overview.commit else []


def entries(m: Machinery, repo: Repo, overview: Overview) -> list[Entry]:
    """Return all files of the commit that is shown, by path, with sizes and large-file names."""
    if overview.commit is None:
        return []
    return sorted(tree.walk(m, repo, Sha1(overview.commit)), key=lambda entry: entry.path)


def spaces_using(m: Machinery, actor: Actor, names: list[RepoName]) -> dict[str, list[str]]:
    """Return, by full name of a model or dataset, the visible Spaces whose cards name it. One query."""
    tags = {f"{name.kind.plural}:{name.full}": name.full for name in names}
    found: dict[str, list[str]] = {name.full: [] for name in names}
    with m.db.read() as connection:
        limit = LINKED_SPACES * max(1, len(names))
        for tag, space in queries.tagged(connection, RepoKind.SPACE, tags, gate.visible_repos(actor), limit):
            found[tags[tag]].append(space.full)
    return found


def children(m: Machinery, actor: Actor, names: list[RepoName]) -> dict[str, dict[str, int]]:
    """Return, by full name of a model, how many visible models came from it in each way. One query."""
    tags = {f"base_model:{relation}:{name.full}": (name.full, relation) for name in names for relation in RELATIONS}
    found: dict[str, dict[str, int]] = {name.full: dict.fromkeys(RELATIONS, 0) for name in names}
    with m.db.read() as connection:
        for tag, count in queries.count_tagged(connection, RepoKind.MODEL, tags, gate.visible_repos(actor)).items():
            name, relation = tags[tag]
            found[name][relation] = count
    return found
