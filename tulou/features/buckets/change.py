"""Change the files of a bucket: many additions, copies and deletions in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tulou.db.engine import Tx
from tulou.features.access import gate
from tulou.features.audit import record
from tulou.features.buckets import queries
from tulou.features.buckets.model import File
from tulou.features.buckets.queries import Content
from tulou.features.content import xet_rows
from tulou.features.content.collect import UNFINISHED_UPLOAD
from tulou.features.quota import use
from tulou.features.repos.model import Repo
from tulou.fsio.faults import point
from tulou.kernel.actor import Action, Actor
from tulou.kernel.errors import Forbidden, NotFound, RepoNotFound, Unauthenticated
from tulou.kernel.ids import XetHash
from tulou.kernel.names import RepoKind, RepoName
from tulou.platform.blobs.gc import DAY
from tulou.platform.machinery import Machinery
from tulou.wire.bucket_batch import AddFile, CopyFile, DeleteFile, Operation, Refused

LINGER = DAY
"""What was overwritten or deleted can still be read by its hash, or be added again without sending it, for this long."""


@dataclass(slots=True)
class Draft:
    """What a batch comes to: the files to write, the paths to free, and the operations that cannot be done."""

    files: dict[str, File] = field(default_factory=dict)
    freed: set[str] = field(default_factory=set)
    contents: dict[XetHash, Content] = field(default_factory=dict)
    failed: list[Refused] = field(default_factory=list)

    def put(self, operation: AddFile | CopyFile, content: Content, now: int) -> None:
        """Take in a file. A later operation on the same path wins."""
        kind = operation.content_type if isinstance(operation, AddFile) else None
        made = File(operation.path, content.xet_hash, content.size, kind, operation.mtime, now)
        self.files[operation.path] = made
        self.freed.discard(operation.path)
        self.contents[content.xet_hash] = content

    def remove(self, path: str) -> None:
        """Take in a deletion."""
        self.files.pop(path, None)
        self.freed.add(path)


@dataclass(frozen=True, slots=True)
class Source:
    """Where copies come from: a repository that the actor may read, or why there is none."""

    repo: Repo | None
    why: str = ""


def change(m: Machinery, actor: Actor, bucket: Repo, operations: list[Operation]) -> list[Refused]:
    """Carry out what can be, in order, all of it at once; return what cannot. Raises RepoNotFound, QuotaExceeded.

    A file that is added must have been uploaded to this bucket. One that is copied must be in a bucket, or in the history
    of a repository, that `actor` may read. Deleting what is not there changes nothing: a client may ask again.

    # 1 xorbs and shard were published, and the files claimed, by the upload
    # 2 one transaction: files + claims + quota + totals + audit   3 answer
    # Crash before 2: an upload that nobody finished, forgotten after a week. After 2: everything is there.
    """
    gate.check(actor, bucket, Action.WRITE)
    sources = {name: _source(m, actor, name) for name in {o.source for o in operations if isinstance(o, CopyFile)}}
    with m.turnstile.publishing(), m.db.write() as tx:
        if not queries.lock(tx, bucket.id):
            raise RepoNotFound
        draft = _draft(tx, m.clock.now(), bucket, operations, sources)
        if len(draft.failed) < len(operations):
            _write(tx, m, actor, bucket, draft)
    point("bucket.changed")
    return draft.failed


def _source(m: Machinery, actor: Actor, name: RepoName) -> Source:
    try:
        return Source(gate.repo(m, actor, name, Action.READ_CONTENT))
    except (NotFound, Forbidden, Unauthenticated) as problem:
        return Source(None, problem.message)


def _draft(tx: Tx, now: int, bucket: Repo, operations: list[Operation], sources: dict[RepoName, Source]) -> Draft:
    draft = Draft()
    sent = queries.uploaded(tx.connection, bucket.id, [o.xet_hash for o in operations if isinstance(o, AddFile)])
    held = {name: _held(tx, source, _wanted(operations, name)) for name, source in sources.items()}
    for operation in operations:
        if isinstance(operation, Refused):
            draft.failed.append(operation)
        elif isinstance(operation, DeleteFile):
            draft.remove(operation.path)
        elif isinstance(operation, AddFile):
            why = "The content of this file was not uploaded to this bucket."
            _take(draft, operation, sent.get(operation.xet_hash), why, now)
        else:
            why = sources[operation.source].why or "The source has no such content, or not in large-file storage."
            _take(draft, operation, held[operation.source].get(operation.xet_hash), why, now)
    return draft


def _take(draft: Draft, operation: AddFile | CopyFile, content: Content | None, why: str, now: int) -> None:
    if content is None:
        draft.failed.append(Refused(operation.path, why))
    else:
        draft.put(operation, content, now)


def _wanted(operations: Iterable[Operation], name: RepoName) -> list[XetHash]:
    return [o.xet_hash for o in operations if isinstance(o, CopyFile) and o.source == name]


def _held(tx: Tx, source: Source, names: list[XetHash]) -> dict[XetHash, Content]:
    if source.repo is None:
        return {}
    find = queries.held_by_bucket if source.repo.name.kind is RepoKind.BUCKET else queries.held_by_history
    return find(tx.connection, source.repo.id, names)


def _write(tx: Tx, m: Machinery, actor: Actor, bucket: Repo, draft: Draft) -> None:
    now = m.clock.now()
    old = queries.files_at(tx.connection, bucket.id, {*draft.files, *draft.freed})
    stored = _claim(tx, m, actor, bucket, draft)
    queries.remove_files(tx, bucket.id, [file.path for file in old])
    queries.put_files(tx, bucket.id, draft.files.values())
    dropped = {file.xet_hash for file in old} - {file.xet_hash for file in draft.files.values()}
    stored -= queries.let_go(tx, bucket.id, dropped, now - UNFINISHED_UPLOAD + LINGER)
    size = sum(file.size for file in draft.files.values()) - sum(file.size for file in old)
    queries.count(tx, bucket.id, len(draft.files) - len(old), size, stored, now)
    deleted = len(draft.freed & {file.path for file in old})
    record.write(tx, m.clock, actor, "bucket.change", bucket.id, written=len(draft.files), deleted=deleted)


def _claim(tx: Tx, m: Machinery, actor: Actor, bucket: Repo, draft: Draft) -> int:
    """Make the content of the files belong to the bucket for good. Returns the bytes that are new to it."""
    contents = [draft.contents[name] for name in {file.xet_hash for file in draft.files.values()}]
    counted = queries.counted(tx.connection, bucket.id, [content.sha256 for content in contents])
    grown = sum(content.size for content in contents if content.sha256 not in counted)
    keys = [use.object_key(bucket.id, content.sha256) for content in contents]
    # First of all: it holds the account, as uploads do before they claim, and two that wait for each other would be a deadlock.
    use.require(tx, m, bucket.account_id, grown, settling=keys)
    use.settle(tx, bucket.account_id, *keys)
    owned = [(content.sha256, content.size, content.xet_hash) for content in contents]
    xet_rows.own(tx, m.clock.now(), bucket.id, actor.user_id, owned)
    queries.count_in(tx, bucket.id, [content.sha256 for content in contents])
    return grown
