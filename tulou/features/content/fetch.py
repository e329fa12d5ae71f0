"""Serve a git fetch or clone."""

from __future__ import annotations

from pathlib import Path

from tulou.features.repos.model import Repo
from tulou.platform.git import serve
from tulou.platform.git.serve import UploadPack
from tulou.platform.machinery import Machinery
from tulou.wire import pktline

__all__ = ["UploadPack", "advertisement", "start"]


def advertisement(m: Machinery, repo: Repo, protocol: str) -> bytes:
    """Return what git reads before it fetches. `protocol` is the `Git-Protocol` header."""
    head = pktline.encode(b"# service=git-upload-pack\n") + pktline.FLUSH
    if protocol != serve.CAPABILITIES_ONLY:
        return head + serve.advertise(m.git.sync(repo.id), protocol)
    known = m.cache.get("git", protocol)
    if not isinstance(known, bytes):
        mark = m.cache.mark()
        known = serve.advertise(m.git.sync(repo.id), protocol)
        m.cache.put(mark, "git", protocol, known)
    return head + known


def start(m: Machinery, repo: Repo, body: Path, protocol: str) -> UploadPack:
    """Start answering the fetch request that the file `body` holds; the file may go once this returns."""
    folder = m.git.sync(repo.id)
    with body.open("rb") as request:
        return UploadPack(folder, request, protocol)
