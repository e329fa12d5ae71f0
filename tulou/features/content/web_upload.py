"""Take in files that a browser's form sent: small texts into the commit, the rest into large-file storage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tulou.features.content import lfs, lfs_upload, preupload
from tulou.features.content.lfs_claims import Claim, Holder
from tulou.features.content.preupload import Advice, Candidate
from tulou.features.content.spool import HashedSpool
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Actor
from tulou.kernel.errors import BadInput
from tulou.kernel.ids import Sha256
from tulou.platform.machinery import Machinery
from tulou.wire.hf_commit import File, LargeFile, Operation
from tulou.wire.lfs import BatchAnswer, BatchRequest, LfsPointer, Wanted

SAMPLE = 512


@dataclass(frozen=True, slots=True)
class Received:
    """A file that arrived: where it is to be in the repository, and what holds its bytes."""

    path: str
    spool: HashedSpool


def operations(m: Machinery, actor: Actor, repo: Repo, revision: str, received: Sequence[Received]) -> Iterator[Operation]:
    """Yield the operations of a commit, one file in memory at a time. Large files are published before the first.

    The caller has found that `actor` may write. Files that the repository's `.gitignore` names are refused, as BadInput.

    # 1 large files belong to the repository, uncommitted   2 the commit refers to them
    # Crash after 1: they are given back when their reservation ends.
    """
    if len({item.path for item in received}) != len(received):
        raise BadInput("Two of the files would have the same path.")
    candidates = [Candidate(item.path, item.spool.size, _sample(item.spool)) for item in received]
    advice = preupload.advise(m, repo, revision, candidates, None)
    if any(one.ignored for one in advice):
        raise BadInput("The repository's .gitignore excludes one of the files.")
    large = {item.path: _publish(m, actor, repo, item) for item, one in zip(received, advice, strict=True) if one.is_large}
    for item in received:
        yield large.get(item.path) or File(item.path, item.spool.path.read_bytes())


def advise(m: Machinery, repo: Repo, revision: str, candidates: list[Candidate]) -> list[Advice]:
    """Say for each file how the script of the upload page is to send it. Raises RevisionNotFound."""
    return preupload.advise(m, repo, revision, candidates, None)


def links(m: Machinery, actor: Actor, repo: Repo, wanted: list[Wanted]) -> BatchAnswer:
    """Return where that script puts large files. The links are paths: the page knows its own host best."""
    # One request an object: each may be small or huge, and git-lfs chooses one way for all of a request.
    answers = [lfs.batch(m, actor, repo, BatchRequest("upload", ("basic", "multipart"), (one,)), "") for one in wanted]
    return BatchAnswer("basic", tuple(answer.objects[0] for answer in answers))


def _sample(spool: HashedSpool) -> bytes:
    with spool.path.open("rb") as file:
        return file.read(SAMPLE)


def _publish(m: Machinery, actor: Actor, repo: Repo, item: Received) -> LargeFile:
    pointer = LfsPointer(Sha256(item.spool.sha256), item.spool.size)
    lfs_upload.publish(m, Holder(actor, repo, Claim("put", pointer)), item.spool)
    return LargeFile(item.path, pointer.oid, pointer.size)
