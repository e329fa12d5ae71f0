"""Background work about documentation: after a push the site is checked, and its first reader does not wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tulou.db.engine import Tx
from tulou.features.docs import check, search, site
from tulou.features.repos import lookup
from tulou.kernel.errors import Busy, EntryNotFound, ObjectNotFound, RepoNotFound, RevisionNotFound
from tulou.kernel.events import RefsMoved
from tulou.platform.blobs.gc import DAY
from tulou.platform.jobs import queue
from tulou.platform.machinery import Machinery

Handler = Callable[[Machinery, dict[str, Any]], None]

CHECK = "docs.check"
SWEEP = "docs.sweep"
_AGAIN = 5_000


def on_event(m: Machinery, tx: Tx, kind: str, payload: dict[str, Any]) -> None:
    """Have the documentation of a branch checked when it moved."""
    if kind == RefsMoved.kind:
        for move in payload["moves"]:
            if move["new"] and move["ref"].startswith("refs/heads/"):
                wanted = {"repo_id": payload["repo_id"], "revision": move["ref"]}
                queue.put(tx, m.clock, CHECK, wanted, key=f"{payload['repo_id']} {move['ref']}"[:200])


def check_branch(m: Machinery, payload: dict[str, Any]) -> None:
    """Check the documentation of one branch as it is now; a repository without any costs a look."""
    try:
        repo = lookup.by_id(m, payload["repo_id"])
        check.report(m, site.open_repo(m, repo, payload["revision"]))
    except (RepoNotFound, RevisionNotFound, EntryNotFound, ObjectNotFound):
        return  # gone meanwhile, or there is no documentation
    except Busy:
        with m.db.write() as tx:
            queue.put(tx, m.clock, CHECK, payload, delay_ms=_AGAIN)


def sweep(m: Machinery, _payload: dict[str, Any]) -> None:
    """Delete what was made of contents that nobody reads any more."""
    search.sweep(m)
    check.sweep(m)


HANDLERS: dict[str, Handler] = {CHECK: check_branch, SWEEP: sweep}
RECURRING = {SWEEP: DAY}
SLOW = (CHECK,)
