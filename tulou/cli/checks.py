"""What `tulou doctor` looks at."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pygit2
import sqlalchemy as sa

from tulou.db.tables import lfs_object, outbox, pack, task
from tulou.features.audit import read
from tulou.fsio import space
from tulou.kernel.address import LOOPBACK, is_loopback
from tulou.kernel.limits import DISK_RESERVE, GIB
from tulou.platform.blobs.store import blob_key, pack_key
from tulou.platform.machinery import Machinery


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line: what was looked at, `ok`, `warn` or `FAIL`, and why."""

    check: str
    level: str
    detail: str


def everything(m: Machinery) -> list[Verdict]:
    """Return a verdict for every check."""
    return [check(m) for check in _CHECKS]


def _folder(m: Machinery) -> Verdict:
    folder = m.settings.data.resolve()
    loose = [path.name for path in (folder, folder / "secret.key", folder / "hub.db") if path.exists() and _others_may(path)]
    if loose:
        return Verdict("data folder", "warn", f"{folder}: other users may read {', '.join(loose)} (chmod go= them)")
    return Verdict("data folder", "ok", str(folder))


def _others_may(path: Path) -> bool:
    mode = path.stat().st_mode
    # A file inside a closed folder is closed, whatever its own mode says.
    shut = not path.is_dir() and not path.parent.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH)
    return bool(mode & (stat.S_IRWXG | stat.S_IRWXO)) and not shut


def _space(m: Machinery) -> Verdict:
    free = space.free_bytes(m.settings.data.resolve())
    level = "FAIL" if free < DISK_RESERVE else "warn" if free < 5 * GIB else "ok"
    return Verdict("disk space", level, f"{free / GIB:.1f} GiB free")


def _database(m: Machinery) -> Verdict:
    kind = "SQLite" if m.db.is_sqlite else "PostgreSQL"
    with m.db.read() as connection:
        if m.db.is_sqlite:
            found = connection.execute(sa.text("PRAGMA quick_check")).scalar_one()
            if found != "ok":
                return Verdict("database", "FAIL", f"SQLite finds damage: {found}")
            broken = connection.execute(sa.text("PRAGMA foreign_key_check")).first()
            if broken is not None:
                return Verdict("database", "FAIL", f"a row of {broken[0]} refers to nothing")
    return Verdict("database", "ok", f"{kind}, schema up to date")


def _packs(m: Machinery) -> Verdict:
    with m.db.read() as connection:
        rows = connection.execute(sa.select(pack.c.hash, pack.c.size).distinct()).all()
    lost = [row.hash for row in rows if m.store.size(pack_key(row.hash)) != row.size]
    if lost:
        return Verdict("git packs", "FAIL", f"{len(lost)} of {len(rows)} are missing or cut short, first {lost[0]}")
    return Verdict("git packs", "ok", f"{len(rows)} in place")


def _blobs(m: Machinery) -> Verdict:
    query = sa.select(lfs_object.c.sha256, lfs_object.c.size).where(lfs_object.c.has_blob)
    with m.db.read() as connection:
        rows = connection.execute(query).all()
    lost = [row.sha256 for row in rows if m.store.size(blob_key(row.sha256)) != row.size]
    if lost:
        return Verdict("large files", "FAIL", f"{len(lost)} of {len(rows)} are missing or cut short, first {lost[0]}")
    return Verdict("large files", "ok", f"{len(rows)} in place")


def _work(m: Machinery) -> Verdict:
    with m.db.read() as connection:
        failed = connection.execute(sa.select(sa.func.count()).where(task.c.state == "failed")).scalar_one()
        waiting = connection.execute(sa.select(sa.func.count()).where(task.c.state == "queued")).scalar_one()
        unsent = connection.execute(sa.select(sa.func.count()).where(outbox.c.dispatched_at.is_(None))).scalar_one()
    detail = f"{waiting} tasks wait, {unsent} events wait, {failed} tasks failed for good"
    return Verdict("background work", "warn" if failed else "ok", detail)


def _audit(m: Machinery) -> Verdict:
    found = read.verify(m)
    if found.broken is not None:
        return Verdict("audit log", "FAIL", f"line {found.broken} does not match the chain: lines were changed or removed")
    return Verdict("audit log", "ok", f"{found.lines} lines, unbroken")


def _address(m: Machinery) -> Verdict:
    url = m.settings.public_url
    is_local = m.settings.host in LOOPBACK
    if url and urlsplit(url).scheme == "http" and not is_loopback(url):
        return Verdict("address", "warn", f"{url} is not https: tokens travel in the clear")
    if not url and not is_local:
        return Verdict("address", "warn", "open to the network without `public_url`: set it, behind a proxy that speaks https")
    return Verdict("address", "ok", url or "this machine only")


def _usercontent(m: Machinery) -> Verdict:
    url, public = m.settings.usercontent_url, m.settings.public_url
    is_local = (not public or is_loopback(public)) and m.settings.host in LOOPBACK
    if url or is_local:
        return Verdict("users' files", "ok", url or "shown from usercontent.localhost")
    return Verdict("users' files", "warn", "HTML, SVG and PDF files can only be downloaded: set `usercontent_url` to show them")


def _compute(m: Machinery) -> Verdict:
    """Say how programs of users run, and what of it this machine does not enforce."""
    node = m.compute.nodes()[0]
    if m.settings.compute == "off":
        return Verdict("compute", "ok", "off: jobs and Spaces do not run")
    notes = " ".join(node.notes)
    if node.level == "off":
        return Verdict("compute", "FAIL" if m.settings.compute == "sandbox" else "warn", f"jobs and Spaces do not run. {notes}")
    room = f"{node.total.cpus:g} processors, {node.total.memory_mb / 1024:.1f} GiB for runs"
    return Verdict("compute", "warn" if notes else "ok", f"{node.level}, {room}. {notes}".rstrip())


def _libraries(_m: Machinery) -> Verdict:
    return Verdict("libgit2", "ok", pygit2.LIBGIT2_VERSION)


_CHECKS: tuple[Callable[[Machinery], Verdict], ...] = (
    _folder, _space, _database, _packs, _blobs, _work, _audit, _address, _usercontent, _compute, _libraries,
)
