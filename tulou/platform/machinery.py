"""The machines of one running hub, passed as the first argument to every use-case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tulou.db.cache import VersionedCache
from tulou.db.engine import Database
from tulou.kernel.clock import Clock
from tulou.platform.blobs.signing import Signer
from tulou.platform.blobs.store import ObjectStore
from tulou.platform.blobs.turnstile import Turnstile
from tulou.platform.compute.base import Compute
from tulou.platform.seal import Sealer
from tulou.platform.telemetry.tally import Tally, Visits
from tulou.settings import Settings

if TYPE_CHECKING:
    from tulou.platform.git.cache import GitCache
    from tulou.platform.markup.markup import Markup
    from tulou.platform.tabular.readers import Readers
    from tulou.platform.tabular.tables import Tables
    from tulou.platform.xet.store import XetStore


@dataclass(frozen=True, slots=True)
class Machinery:
    """Clock, database, object store, git cache, xet store, signer. No users, no rules."""

    settings: Settings
    clock: Clock
    db: Database
    store: ObjectStore
    git: GitCache
    xet: XetStore
    signer: Signer
    sealer: Sealer
    compute: Compute
    tables: Tables
    readers: Readers
    cache: VersionedCache
    tally: Tally
    visits: Visits
    turnstile: Turnstile
    markup: Markup
    work: Path
    """Folder for uploads in progress, on the same file system as the folder store; emptied at every start."""
    started_at: int
    """When this process opened it, in Unix milliseconds."""
    wake: Callable[[], None]
    """Tell the background worker that there is something to do, after a commit."""
