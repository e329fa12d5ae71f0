"""Read the history of a revision."""

from __future__ import annotations

from tulou.features.content.revisions import commit_of
from tulou.features.repos.model import Repo
from tulou.platform.git import history
from tulou.platform.git.history import Commit
from tulou.platform.git.path_log import path_log
from tulou.platform.machinery import Machinery

__all__ = ["Commit", "commits", "commits_of_path"]


def commits(m: Machinery, repo: Repo, revision: str, skip: int, limit: int) -> list[Commit]:
    """Return commits of a revision, newest first. Raises RevisionNotFound."""
    oid = commit_of(m, repo, revision)
    return history.log(m.git.having(repo.id, repo.generation, oid), oid, skip=skip, limit=limit)


def commits_of_path(m: Machinery, repo: Repo, revision: str, path: str, skip: int, limit: int) -> tuple[list[Commit], bool]:
    """Return commits that changed a file or folder, newest first, and whether there was no time to look further back.

    Raises RevisionNotFound.
    """
    oid = commit_of(m, repo, revision)
    repository = m.git.having(repo.id, repo.generation, oid)
    return path_log(repository, m.git.touches, oid, path, skip=skip, limit=limit)
