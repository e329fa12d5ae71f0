"""The composition root: the only module that knows everyone."""

from __future__ import annotations

import importlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from tulou.db.cache import VersionedCache
from tulou.db.engine import Database, Tx
from tulou.db.migrate import upgrade
from tulou.delivery.apps.front import Apps
from tulou.delivery.hf import viewer
from tulou.delivery.kit.dispatch import Dispatcher
from tulou.delivery.kit.routes import Route, Router
from tulou.delivery.pages import app_notice, problem
from tulou.features.jobs import bucket_volumes
from tulou.features.runs import base
from tulou.features.runs.reconcile import Reconciler
from tulou.features.runs.sources import Resolver
from tulou.features.spaces import packages
from tulou.fsio import atomic, folder
from tulou.kernel.clock import Clock
from tulou.platform.blobs.signing import Signer
from tulou.platform.blobs.store import FolderStore
from tulou.platform.blobs.turnstile import Turnstile
from tulou.platform.compute.local.compute import open_compute
from tulou.platform.git.cache import GitCache
from tulou.platform.jobs.worker import Handler, Worker
from tulou.platform.machinery import Machinery
from tulou.platform.markup.markup import Markup
from tulou.platform.seal import Sealer
from tulou.platform.tabular.readers import Readers
from tulou.platform.tabular.tables import Tables
from tulou.platform.telemetry.log import Log
from tulou.platform.telemetry.tally import Tally, Visits
from tulou.platform.xet.store import XetStore
from tulou.settings import Settings

# Every module with a ROUTES table.
DIALECTS = (
    "tulou.delivery.hf.repos",
    "tulou.delivery.hf.content",
    "tulou.delivery.hf.upload",
    "tulou.delivery.hf.refs",
    "tulou.delivery.hf.large_files",
    "tulou.delivery.hf.info",
    "tulou.delivery.hf.listing",
    "tulou.delivery.hf.cards",
    "tulou.delivery.hf.search",
    "tulou.delivery.hf.account",
    "tulou.delivery.hf.oauth",
    "tulou.delivery.hf.xet",
    "tulou.delivery.hf.buckets",
    "tulou.delivery.hf.bucket_files",
    "tulou.delivery.hf.jobs",
    "tulou.delivery.hf.job_streams",
    "tulou.delivery.hf.scheduled_jobs",
    "tulou.delivery.hf.viewer",
    "tulou.delivery.hf.viewer_sql",
    "tulou.delivery.hf.dataset_parquet",
    "tulou.delivery.hf.spaces",
    "tulou.delivery.hf.space_logs",
    "tulou.delivery.hf.later",
    "tulou.delivery.git.smart",
    "tulou.delivery.git.lfs",
    "tulou.delivery.git.locks",
    "tulou.delivery.cas.routes",
    "tulou.delivery.pages.routes",
    "tulou.delivery.pages.docs",
)

# What the second origin serves, and nothing else.
USERCONTENT = ("tulou.delivery.usercontent.show",)

# Every slice with background work: HANDLERS, and on_event if events make some.
TASKS = (
    "tulou.features.content.tasks",
    "tulou.features.content.xet_tasks",
    "tulou.features.cards.tasks",
    "tulou.features.viewer.tasks",
    "tulou.features.search.tasks",
    "tulou.features.runs.tasks",
    "tulou.features.jobs.tasks",
    "tulou.features.docs.tasks",
    "tulou.features.spaces.tasks",
)

# What orders of runs may name beside a commit, an environment and a folder: scheme → who finds it.
RESOLVERS: dict[str, Resolver] = {**base.RESOLVERS, **bucket_volumes.RESOLVERS, **packages.RESOLVERS}


@dataclass(frozen=True, slots=True)
class Hub:
    """A wired hub: give `asgi` to a server, call `start` before and `stop` after."""

    m: Machinery
    asgi: ASGIApp
    router: Router
    worker: Worker
    reconciler: Reconciler
    log: Log

    def start(self) -> None:
        """Begin background work, and to follow what should run."""
        self.worker.start()
        self.reconciler.start()

    def stop(self) -> None:
        """End background work and close the database.

        The child processes go first: a task may be waiting for one that uploads to this very hub.
        """
        self.reconciler.stop()
        self.worker.wind_down()
        self.m.xet.close()
        self.m.tables.close()
        self.m.readers.close()
        self.worker.stop()
        self.m.db.close()


def routes(dialects: tuple[str, ...] = DIALECTS) -> list[Route]:
    """Return every route of every dialect."""
    return [route for name in dialects for route in importlib.import_module(name).ROUTES]


def build(settings: Settings, *, clock: Clock | None = None) -> Hub:
    """Wire a hub on a data folder. Raises SettingError for settings that cannot work."""
    log = Log(settings.log_level)
    wake: list[Callable[[], None]] = []
    m = open_machinery(settings, clock=clock, wake=lambda: _call_all(wake))
    modules = [importlib.import_module(name) for name in TASKS]
    handlers: dict[str, Handler] = {kind: partial(handler, m) for module in modules for kind, handler in module.HANDLERS.items()}

    listeners = [module for module in modules if hasattr(module, "on_event")]

    def subscriber(tx: Tx, kind: str, payload: dict[str, Any]) -> None:
        for module in listeners:
            module.on_event(m, tx, kind, payload)

    recurring = {kind: every for module in modules for kind, every in getattr(module, "RECURRING", {}).items()}
    slow = frozenset(kind for module in modules for kind in getattr(module, "SLOW", ()))
    worker = Worker(m.db, m.clock, handlers, [subscriber], log, recurring, slow)
    reconciler = Reconciler(m, log, RESOLVERS)
    wake += [worker.wake, reconciler.wake]
    router = Router(routes())
    apart = Router(routes(USERCONTENT))
    asgi = Dispatcher(m, router, log, problem.page, apart, Apps(m, app_notice.page), Router(viewer.AT_HOST))
    return Hub(m, asgi, router, worker, reconciler, log)


def open_machinery(settings: Settings, *, clock: Clock | None = None, wake: Callable[[], None] = lambda: None) -> Machinery:
    """Open the database and the stores of a data folder, bringing the schema up to date."""
    clock = clock or Clock()
    data = folder.prepare(settings.data)
    db = Database(settings.database)
    upgrade(db)
    # One work folder a process: the next start sweeps those whose process is gone.
    work = data / "work" / f"{os.getpid()}-{secrets.token_hex(3)}"
    work.mkdir(parents=True)
    store = FolderStore(Path(urlsplit(settings.storage_url).path) if settings.storage_url else data / "objects")
    signer = Signer(_secret_key(data), clock)
    compute = open_compute(settings, data / "runs")
    return Machinery(
        settings=settings,
        clock=clock,
        db=db,
        store=store,
        git=GitCache(data / "cache" / "git", work, db, store),
        xet=XetStore(db=db, store=store, clock=clock, work=work, workers=settings.workers),
        signer=signer,
        sealer=Sealer(signer.derive("seal", "secrets")),
        compute=compute,
        readers=Readers(work, compute),
        tables=Tables(work, [data / "cache" / "viewer", store.root / "blobs"]),
        cache=VersionedCache(db),
        tally=Tally(),
        visits=Visits(),
        turnstile=Turnstile(db),
        markup=Markup(),
        work=work,
        started_at=clock.now(),
        wake=wake,
    )


def _secret_key(data: Path) -> bytes:
    path = data / "secret.key"
    if not path.exists():
        atomic.write_file(path, secrets.token_bytes(32), mode=0o600)
    return path.read_bytes()


def _call_all(calls: list[Callable[[], None]]) -> None:
    for call in calls:
        call()
