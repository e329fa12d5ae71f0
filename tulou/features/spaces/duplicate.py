"""Copy a Space: its files, its variables, and hardware of the copier's choice; never its secrets, nor what it keeps in /data."""

from __future__ import annotations

from tulou.features.content import lifecycle
from tulou.features.repos.model import Repo
from tulou.features.runs import flavors
from tulou.features.spaces import queries, read, settings
from tulou.kernel.actor import Actor
from tulou.kernel.names import RepoName
from tulou.platform.machinery import Machinery


def duplicate(
    m: Machinery, actor: Actor, source: Repo, new: RepoName, *, visibility: str | None, hardware: str | None = None
) -> Repo:
    """Make the copy. Raises as `lifecycle.duplicate`, and BadInput for hardware that this hub does not have.

    # 1 the repository, whose event has it deployed   2 variables and hardware, in one transaction
    # Crash after 1: a copy without its variables, on the smallest hardware. Its owner sees it and can set them.
    """
    if hardware is not None:
        flavors.get(m, hardware)
    made = lifecycle.duplicate(m, actor, source, new, visibility=visibility)
    read.get(m, made)
    kept = settings.variables(m, source)
    with m.db.write() as tx:
        for one in kept:
            settings.put(tx, m, made.id, one.name, one.value or "", one.description, is_secret=False)
        if hardware is not None:
            queries.change(tx, made.id, hardware=hardware)
    return made
