"""Keep the index in step with the repositories, and build it again when it is missing."""

from __future__ import annotations

from collections.abc import Iterator

from tulou.features.search import queries
from tulou.features.search.documents import document, index_of
from tulou.platform.fulltext.index import Document
from tulou.platform.machinery import Machinery

_BATCH = 200


def catch_up(m: Machinery) -> None:
    """Write every repository that changed to the index, which must be complete. Raises Busy while it is being written.

    # 1 index committed   2 notes dropped.   Crash between: the same repositories are written once more.
    """
    while True:
        with m.db.read() as connection:
            rows = queries.pending(connection, _BATCH)
        if not rows:
            return
        found = {repo_id: document(m, repo_id) for repo_id in dict.fromkeys(rows.values())}
        gone = [repo_id for repo_id, made in found.items() if made is None]
        index_of(m).update([made for made in found.values() if made is not None], gone)
        with m.db.write() as tx:
            queries.forget(tx, list(rows))


def rebuild(m: Machinery) -> None:
    """Write every repository to a new index. Raises Busy while somebody else writes."""
    index_of(m).rebuild(_documents(m))


def _documents(m: Machinery) -> Iterator[Document]:
    after = ""
    while True:
        with m.db.read() as connection:
            ids = queries.live_repos(connection, after, _BATCH)
        if not ids:
            return
        after = ids[-1]
        yield from (made for repo_id in ids if (made := document(m, repo_id)) is not None)
