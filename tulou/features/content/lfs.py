"""Answer the git-lfs batch API: which objects to send or fetch, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tulou.features.access import gate
from tulou.features.content import objects as large
from tulou.features.content import xet
from tulou.features.content.lfs_claims import Claim, Parts, link
from tulou.features.content.lfs_upload import expire_parts
from tulou.features.content.objects import StoredObject
from tulou.features.quota import use
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Action, Actor
from tulou.kernel.errors import ObjectNotFound, Unprocessable
from tulou.kernel.ids import new_id
from tulou.kernel.limits import LFS_MULTIPART_FROM, LFS_PART, LFS_PARTS, LFS_UPLOAD_SECONDS
from tulou.platform.machinery import Machinery
from tulou.wire.lfs import BatchAnswer, BatchRequest, LfsPointer, Link, ObjectAnswer, Wanted

Actions = Callable[[LfsPointer], dict[str, Link]]
_OTHER_SIZE = (422, "This object has another size.")


def batch(m: Machinery, actor: Actor, repo: Repo, request: BatchRequest, base: str) -> BatchAnswer:
    """Answer a batch request of someone who may read `repo`. `base` is our scheme and host as they see it.

    Raises what the gate raises for an upload, QuotaExceeded, StorageFull.
    """
    known = large.find_many(m, repo, [wanted.oid for wanted in request.objects if wanted.problem is None])
    if request.operation == "download":
        return BatchAnswer("basic", tuple(_download(m, actor, repo, wanted, known, base) for wanted in request.objects))
    gate.check(actor, repo, Action.WRITE)
    missing = {w.pointer: None for w in request.objects if w.problem is None and w.oid not in known}
    _require_room(m, repo, missing)
    transfer, actions = _transfer(m, actor, repo, request.transfers, list(missing), base)
    return BatchAnswer(transfer, tuple(_upload(wanted, known, actions) for wanted in request.objects))


def verify(m: Machinery, repo: Repo, pointer: LfsPointer) -> None:
    """Raise ObjectNotFound unless the repository owns this object with this size."""
    if large.find(m, repo, pointer.oid).size != pointer.size:
        raise ObjectNotFound


def _download(m: Machinery, actor: Actor, repo: Repo, wanted: Wanted, known: dict[str, StoredObject], base: str) -> ObjectAnswer:
    if wanted.problem is not None:
        return ObjectAnswer(wanted.oid, wanted.size, error=(422, wanted.problem))
    stored = known.get(wanted.oid)
    if stored is None:
        return ObjectAnswer(wanted.oid, wanted.size, error=(404, "This repository has no such object."))
    if stored.size != wanted.size:
        return ObjectAnswer(wanted.oid, wanted.size, error=_OTHER_SIZE)
    return ObjectAnswer(wanted.oid, wanted.size, {"download": link(m, actor, repo, Claim("get", wanted.pointer), base)})


def _upload(wanted: Wanted, known: dict[str, StoredObject], actions: Actions) -> ObjectAnswer:
    """An object counts as here only if this repository owns it: that another one does must not show, nor spare sending it."""
    if wanted.problem is not None:
        return ObjectAnswer(wanted.oid, wanted.size, error=(422, wanted.problem))
    stored = known.get(wanted.oid)
    if stored is None:
        return ObjectAnswer(wanted.oid, wanted.size, actions(wanted.pointer))
    return ObjectAnswer(wanted.oid, wanted.size, error=None if stored.size == wanted.size else _OTHER_SIZE)


def _require_room(m: Machinery, repo: Repo, missing: Iterable[LfsPointer]) -> None:
    size = sum(pointer.size for pointer in missing)
    if size:
        m.store.require_space(size)
        with m.db.write() as tx:
            use.require(tx, m, repo.account_id, size)


def _transfer(
    m: Machinery, actor: Actor, repo: Repo, offered: tuple[str, ...], missing: list[LfsPointer], base: str
) -> tuple[str, Actions]:
    """Choose how the objects travel, and return what makes the actions for one."""
    if "xet" in offered:
        return "xet", _xet_actions(m, actor, repo, base)
    if "multipart" in offered and any(pointer.size >= LFS_MULTIPART_FROM for pointer in missing):
        return "multipart", _multipart_actions(m, actor, repo, missing, base)
    if "basic" in offered or "multipart" in offered:
        return "basic", lambda pointer: {
            "upload": link(m, actor, repo, Claim("put", pointer), base),
            "verify": link(m, actor, repo, Claim("verify", pointer), base),
        }
    raise Unprocessable("This hub transfers objects by 'basic', 'multipart' or 'xet'.")


def _xet_actions(m: Machinery, actor: Actor, repo: Repo, base: str) -> Actions:
    token = xet.mint_token(m, actor, repo, "write", base)
    url = f"{base}/api/{repo.name.kind.plural}/{repo.name.full}/xet-write-token/{repo.default_branch}"
    header = {
        "X-Xet-Cas-Url": token.cas_url,
        "X-Xet-Access-Token": token.access_token,
        "X-Xet-Token-Expiration": str(token.expires),
        "X-Xet-Session-Id": new_id(),
    }
    seconds = token.expires - m.clock.now() // 1000
    return lambda _pointer: {"upload": Link(url, seconds, header)}


def _multipart_actions(m: Machinery, actor: Actor, repo: Repo, missing: list[LfsPointer], base: str) -> Actions:
    total = sum(-(-pointer.size // LFS_PART) for pointer in missing)
    part_size = LFS_PART * -(-total // LFS_PARTS)
    uploads = {pointer: Parts(new_id(), part_size) for pointer in missing}
    expire_parts(m, uploads.values(), LFS_UPLOAD_SECONDS)

    def actions(pointer: LfsPointer) -> dict[str, Link]:
        parts = uploads[pointer]
        header = {"chunk_size": str(part_size)}
        # git-lfs hands the header on with its keys sorted as text, and `hf lfs-multipart-upload` takes the values in that order.
        for number in range(1, -(-pointer.size // part_size) + 1):
            header[f"{number:05}"] = link(m, actor, repo, Claim("part", pointer, parts, number), base).href
        return {
            "upload": link(m, actor, repo, Claim("join", pointer, parts), base, header),
            "verify": link(m, actor, repo, Claim("verify", pointer), base),
        }

    return actions
