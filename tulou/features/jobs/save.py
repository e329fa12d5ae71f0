"""Bring back what a job changed in the buckets that it could write to, once it has ended."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tulou.features.accounts import signin
from tulou.features.buckets import browse, change
from tulou.features.content import xet, xet_rows
from tulou.features.jobs import bucket_volumes, queries
from tulou.features.jobs.bucket_volumes import Copy
from tulou.features.jobs.model import Job
from tulou.features.repos import lookup as repos
from tulou.features.repos.model import Repo
from tulou.features.runs import read as runs
from tulou.features.runs.model import OrderMount
from tulou.kernel.actor import Actor
from tulou.kernel.errors import BadInput, Busy, HubError, InvalidPath
from tulou.kernel.ids import Sha256
from tulou.kernel.limits import BUCKET_BATCH, EXPORT_FILES, MIB, PATH_DEPTH
from tulou.kernel.names import parse_path
from tulou.platform.machinery import Machinery
from tulou.platform.xet.ingest import Target, ingest_many
from tulou.wire.bucket_batch import AddFile, DeleteFile, Operation

GIVE_UP_MS = 6 * 3_600_000
_BATCH = min(500, BUCKET_BATCH)


@dataclass(frozen=True, slots=True)
class Found:
    """A file that a run left: its path in the bucket, where it lies, its size, and when it was changed, in nanoseconds."""

    path: str
    place: Path
    size: int
    changed_ns: int


def save(m: Machinery, payload: dict[str, Any]) -> None:
    """Bring back what a run that ended changed, as the person who started its job, and throw its copies away.

    For each batch of files: 1 contents published, claimed by the bucket   2 one transaction: its files. In the end 3 the job is
    marked as saved   4 the copies are deleted. Crash before 3: all of it happens again, and changes nothing that it changed
    before. After 3: the copies stay until somebody empties the cache.
    """
    run = runs.get(m, payload["run"])
    with m.db.read() as connection:
        job = queries.job_of_run(connection, payload["run"])
    if run is None or job is None or not run.is_over:
        return
    mounts = [mount for mount in run.order.mounts if mount.source.startswith(f"{bucket_volumes.SCHEME}:")]
    problems = [problem for mount in mounts if mount.mode == "rw" and (problem := _save_one(m, job, mount))]
    with m.db.write() as tx:
        queries.set_saved(tx, job.id, " ".join(problems))
    for mount in mounts:
        bucket_volumes.drop(m, mount.source)


def give_up(m: Machinery, _payload: dict[str, Any]) -> None:
    """Let go of jobs whose results could not be brought back for so long that no further try is coming, and of old copies."""
    with m.db.read() as connection:
        stuck = queries.stuck(connection, m.clock.now() - GIVE_UP_MS)
    for job_id in stuck:
        with m.db.write() as tx:
            queries.set_saved(tx, job_id, "What it wrote to its volumes could not be saved: this hub failed at it.")
    with m.db.read() as connection:
        orders = "".join(queries.live_orders(connection))
    bucket_volumes.sweep(m, orders)


def _save_one(m: Machinery, job: Job, mount: OrderMount) -> str:
    """Bring one volume back. Returns why it could not be, or nothing. Raises Busy, and what a later try may not meet."""
    bucket_id, copy, folder = bucket_volumes.parts(m, mount.source)
    if not copy.listing.is_file():
        return ""  # the run never started
    try:
        actor = signin.actor(m, signin.by_id(m, job.created_by, None), "job", job.id)
        _bring_back(m, actor, repos.by_id(m, bucket_id), copy, f"{folder}/" if folder else "")
    except Busy:
        raise
    except HubError as problem:
        return f"What it wrote to {mount.target} could not be saved: {problem.message}"
    return ""


def _bring_back(m: Machinery, actor: Actor, bucket: Repo, copy: Copy, prefix: str) -> None:
    before: dict[str, list[Any]] = json.loads(copy.listing.read_text())
    there = {found.path: found for found in _files(copy.files, prefix)}
    changed = [found for path, found in there.items() if before.get(path, [])[1:] != [found.size, found.changed_ns]]
    for start in range(0, len(changed), _BATCH):
        _apply(m, actor, bucket, _additions(m, actor, bucket, changed[start : start + _BATCH]))
    gone = sorted(before.keys() - there.keys())
    for start in range(0, len(gone), _BATCH):
        now = browse.at_paths(m, bucket, gone[start : start + _BATCH])
        # What somebody else changed meanwhile is theirs.
        _apply(m, actor, bucket, [DeleteFile(file.path) for file in now if file.xet_hash == before[file.path][0]])


def _files(root: Path, prefix: str) -> Iterator[Found]:
    """Yield the regular files below a folder; links and what else a program can make are not files of a bucket."""
    count = 0
    for folder, _, names in os.walk(root, followlinks=False, onerror=_refuse):
        if len(Path(folder).relative_to(root).parts) > PATH_DEPTH:
            raise BadInput("It left folders that are nested more deeply than a bucket can have.")
        for name in names:
            place = Path(folder) / name
            seen = place.lstat()
            if not stat.S_ISREG(seen.st_mode):
                continue
            count += 1
            if count > EXPORT_FILES:
                raise BadInput(f"More than {EXPORT_FILES} files were written.")
            yield Found(_path(prefix + place.relative_to(root).as_posix()), place, seen.st_size, seen.st_mtime_ns)


def _refuse(problem: OSError) -> None:
    """Stop at a folder that cannot be looked into: what is in it must not count as deleted."""
    if problem.errno in {errno.EACCES, errno.ENAMETOOLONG}:
        raise BadInput("It left a folder that cannot be read.") from problem
    raise problem


def _path(path: str) -> str:
    try:
        path.encode()
        return parse_path(path)
    except (UnicodeEncodeError, InvalidPath) as cause:
        raise BadInput("A file has a name that a bucket cannot have.") from cause


def _additions(m: Machinery, actor: Actor, bucket: Repo, files: list[Found]) -> list[Operation]:
    if not m.xet.loopback:
        raise Busy("This server does not know its own address yet.")
    hashes = {found.path: _sha256(found.place) for found in files}
    token = xet.mint_token(m, actor, bucket, "write", m.xet.loopback)
    target = Target(token.cas_url, token.access_token, token.expires)
    ingest_many(m.xet, [(found.place, hashes[found.path]) for found in files], target)
    with m.db.read() as connection:
        names = xet_rows.file_hashes(connection, hashes.values())
    return [AddFile(found.path, names[hashes[found.path]], found.changed_ns // 1_000_000, None) for found in files]


def _apply(m: Machinery, actor: Actor, bucket: Repo, operations: list[Operation]) -> None:
    if not operations:
        return
    refused = change.change(m, actor, bucket, operations)
    if refused:
        raise BadInput(f"{len(refused)} files were refused: {refused[0].why}")


def _sha256(path: Path) -> Sha256:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(MIB):
                digest.update(block)
    except PermissionError as cause:
        raise BadInput("It left a file that cannot be read.") from cause
    return Sha256(digest.hexdigest())
