"""Find repositories for the gate and for background tasks. Delivery code asks the gate instead."""

from __future__ import annotations

from tulou.features.repos import queries
from tulou.features.repos.model import Ref, Repo
from tulou.kernel.errors import RepoNotFound
from tulou.kernel.names import RepoName
from tulou.platform.machinery import Machinery


def by_name(m: Machinery, name: RepoName) -> Repo | None:
    """Return the live repository of that name, past or present, without asking for anybody's right."""
    with m.db.read() as connection:
        return queries.by_name(connection, name)


def by_id(m: Machinery, repo_id: str) -> Repo:
    """Return a live repository by id, without asking for anybody's right. Raises RepoNotFound."""
    with m.db.read() as connection:
        found = queries.by_id(connection, repo_id)
    if found is None:
        raise RepoNotFound
    return found


def refs(m: Machinery, repo: Repo) -> list[Ref]:
    """Return every ref of a repository, by name."""
    with m.db.read() as connection:
        return queries.refs(connection, repo.id)
