"""Keep what is stored about a repository in step with the head of its default branch."""

from __future__ import annotations

from tulou.features.cards import queries
from tulou.features.cards.read import evidence_at
from tulou.features.cards.summarize import summarize
from tulou.features.content import revisions
from tulou.features.repos import lookup
from tulou.kernel.errors import RepoNotFound, RevisionNotFound
from tulou.platform.machinery import Machinery


def refresh(m: Machinery, repo_id: str) -> None:
    """Read the head of the default branch and store its summary. Does nothing when that is stored already.

    # 1 read files at a commit   2 one transaction: summary and tags, if the branch is still at that commit
    # Crash before 2: the task runs again. If the branch moved meanwhile, the event of that move brings the next run.
    """
    try:
        repo = lookup.by_id(m, repo_id)
        commit = revisions.head(m, repo)
    except (RepoNotFound, RevisionNotFound):
        return  # deleted meanwhile, or it has no such branch: nothing to show
    with m.db.read() as connection:
        if queries.card_commit(connection, repo_id) == commit:
            return
    summary = summarize(repo.name.kind, evidence_at(m, repo, commit, with_weights=True))
    with m.db.write() as tx:
        queries.store(tx, repo_id, repo.default_ref, commit, summary)
