"""Delete from the caches of this machine what no Space and no run needs any more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tulou.features.jobs import bucket_volumes
from tulou.features.runs import sources
from tulou.features.spaces import data, queries
from tulou.fsio import atomic
from tulou.platform.machinery import Machinery

DAY_MS = 86_400_000
KEEP_ENVIRONMENTS_MS = 7 * DAY_MS
"""Environments that no Space uses stay this long: somebody may push the old requirements again."""
_SHARED = "base-"


def sweep(m: Machinery) -> None:
    """Delete what is old and needed by nobody.

    All are caches, but for the folders of Spaces without a row: their repositories were deleted, and their settings with them.
    """
    with m.db.read() as connection:
        built, kept = queries.environments(connection), set(queries.with_storage(connection))
        orders = "".join(queries.live_orders(connection))
    envs = sources.env_folder(m, "x").parent
    _delete(m, envs, KEEP_ENVIRONMENTS_MS, lambda name: name.startswith(_SHARED) or name in built or name in orders)
    _delete(m, sources.export_folder(m, "x", "x").parent, DAY_MS, lambda name: name.replace("-", "@", 1) in orders)
    _delete(m, bucket_volumes.home(m), DAY_MS, lambda name: name in orders)
    # Results that nobody came to read: the hub died, or a push overtook the build.
    _delete(m, sources.out_folder(m, "x").parent, DAY_MS, lambda _: False)
    for folder in sources.data_folder(m, "x").parent.glob("*"):
        if folder.name not in kept:
            data.drop(m, folder.name)


def _delete(m: Machinery, home: Path, age_ms: int, is_needed: Callable[[str], bool]) -> None:
    before = m.clock.now() - age_ms
    for folder in home.glob("*"):
        if folder.lstat().st_mtime_ns // 1_000_000 < before and not is_needed(folder.name):
            atomic.remove_tree(folder)
