"""A bucket as a folder of a run: a copy of its files when the run starts, and, if it may write, what it changed at the end.

There is no file system that is the bucket: two runs that write to one at the same time each bring their own files back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tulou.features.buckets import browse
from tulou.features.buckets.model import File
from tulou.features.repos import lookup as repos
from tulou.features.repos.model import Repo
from tulou.fsio import atomic
from tulou.kernel.errors import HubError, RepoNotFound
from tulou.kernel.ids import new_id
from tulou.kernel.limits import EXPORT_BYTES, EXPORT_FILES
from tulou.platform.blobs.gc import DAY
from tulou.platform.compute.base import StartFailed
from tulou.platform.machinery import Machinery

_PAGE = 1_000
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
SCHEME = "bucket"


@dataclass(frozen=True, slots=True)
class Copy:
    """The copy of a bucket's folder that a run has: the files, and a list of them as they were."""

    folder: Path

    @property
    def files(self) -> Path:
        """What the run sees."""
        return self.folder / "files"

    @property
    def listing(self) -> Path:
        """JSON: path in the bucket → its content's hash, size, and time of change in nanoseconds as it was written."""
        return self.folder / "listing.json"


def source(bucket: Repo, folder: str) -> str:
    """Return what an order says for a fresh copy of a folder of a bucket."""
    return f"{SCHEME}:{bucket.id}:{new_id()}:{folder}"


def parts(m: Machinery, source_: str) -> tuple[str, Copy, str]:
    """Return what `bucket:<bucket id>:<copy id>:<folder>` says: the bucket, where the copy is or would be, and the folder."""
    _, bucket_id, copy_id, folder = source_.split(":", 3)
    return bucket_id, Copy(home(m) / copy_id), folder


def home(m: Machinery) -> Path:
    """Return the folder of all copies."""
    return m.settings.data.resolve() / "cache" / "volumes"


def find(m: Machinery, rest: str) -> Path:
    """Find the copy that an order names, making it if it is not there yet. Raises StartFailed.

    It appears whole, under its name, or not at all; the attempts of a run share it.
    """
    bucket_id, copy, folder = parts(m, f"{SCHEME}:{rest}")
    if not copy.folder.is_dir():
        try:
            bucket = repos.by_id(m, bucket_id)
        except RepoNotFound as cause:
            raise StartFailed("a bucket that it needs is gone") from cause
        with atomic.scratch(m.work, "bucket") as scratch:
            _write_out(m, bucket, f"{folder}/" if folder else "", Copy(scratch / "copy"))
            atomic.publish_cached_tree(scratch / "copy", copy.folder)
    return copy.files


def drop(m: Machinery, source_: str) -> None:
    """Delete a copy."""
    atomic.remove_tree(parts(m, source_)[1].folder)


def sweep(m: Machinery, orders: str) -> None:
    """Delete copies of yesterday that no living run names: its results were brought back, or nobody could."""
    before = m.clock.now() - DAY
    for folder in (m.settings.data.resolve() / "cache" / "volumes").glob("*"):
        if folder.name not in orders and folder.stat().st_mtime_ns // 1_000_000 < before:
            atomic.remove_tree(folder)


def _write_out(m: Machinery, bucket: Repo, prefix: str, copy: Copy) -> None:
    copy.files.mkdir(parents=True)
    seen: dict[str, tuple[str, int, int]] = {}
    total = 0
    for file in _files(m, bucket, prefix):
        total += file.size
        if len(seen) >= EXPORT_FILES or total > EXPORT_BYTES:
            raise StartFailed("a bucket that it needs has too much in it: mount a folder of it")
        target = copy.files / file.path.removeprefix(prefix)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            m.store.require_space(file.size)
            seen[file.path] = (file.xet_hash, file.size, _write(m, file, target))
        except (FileExistsError, NotADirectoryError) as cause:
            raise StartFailed("a bucket that it needs has a file and a folder of one name") from cause
        except HubError as cause:
            raise StartFailed(cause.message) from cause
    copy.listing.write_text(json.dumps(seen))


def _write(m: Machinery, file: File, target: Path) -> int:
    with os.fdopen(os.open(target, _NEW_FILE, 0o644), "wb") as opened:
        for block in browse.read(m, file, 0, file.size):
            opened.write(block)
        opened.flush()
        return os.fstat(opened.fileno()).st_mtime_ns


def _files(m: Machinery, bucket: Repo, prefix: str) -> Iterator[File]:
    cursor: str | None = None
    while True:
        page = browse.everything(m, bucket, prefix, cursor=cursor, limit=_PAGE)
        yield from (entry for entry in page.entries if isinstance(entry, File))
        if page.cursor is None:
            return
        cursor = page.cursor


RESOLVERS = {SCHEME: find}
