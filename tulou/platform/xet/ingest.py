"""Turn a whole blob into xet form by uploading it to ourselves with the same program that clients use."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path

from tulou.fsio import atomic
from tulou.kernel.ids import Sha256
from tulou.platform.xet.store import XetStore


@dataclass(frozen=True, slots=True)
class Target:
    """Where to upload to: our own CAS, and a token for it with its expiry in Unix seconds."""

    cas_url: str
    token: str
    expires: int


def ingest(xet: XetStore, path: Path, sha256: Sha256, target: Target) -> None:
    """Upload the file at `path` through the Xet protocol, in a child process. Chunking and compression come with it."""
    ingest_many(xet, [(path, sha256)], target)


def ingest_many(xet: XetStore, files: list[tuple[Path, Sha256]], target: Target) -> None:
    """Upload some files, with their SHA-256, as one piece of work."""
    with atomic.scratch(xet.work, "ingest") as cache:
        xet.ingesters.run(upload, files, target, cache)


def upload(files: list[tuple[Path, Sha256]], target: Target, cache: Path) -> None:
    """Run in the child. A cache folder of its own: a client trusts its cache, and ours outlives garbage collection."""
    os.environ["HF_XET_CACHE"] = os.environ["HF_HOME"] = str(cache)
    os.environ["HF_XET_TELEMETRY_ENABLED"] = "false"
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost,::1"
    # Imported by name here only: loading it anywhere else would cost every process its threads and memory.
    client = importlib.import_module("hf_xet")
    session = client.XetSession()
    with session.new_upload_commit(endpoint=target.cas_url, token=target.token, token_expiry_unix_secs=target.expires) as commit:
        for path, sha256 in files:
            commit.start_upload_file(str(path), sha256=sha256)
