"""A download of 1 GiB, stored as a whole blob and stored as xet chunks, beside nginx's sendfile of the same bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from bench.result import Result, Skipped, rounds
from bench.server import TOKEN, Server, client, hub, nginx
from tests.api.test_commit import body

SIZE = 1 << 30
ROUNDS = 5
BAR = 0.7
_BLOCK = 1 << 22
_UPLOAD = """
import sys
from huggingface_hub import HfApi
HfApi().upload_file(path_or_fileobj=sys.argv[1], path_in_repo="big.bin", repo_id="alice/xet")
"""


def run(work: Path) -> Iterator[Result | Skipped]:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None:
        yield Skipped("1 GiB download", "nginx is not installed")
        return
    source = work / "files" / "big.bin"
    source.parent.mkdir()
    sha256 = _make(source)
    with nginx(program, source.parent, work) as peer, hub(work / "download") as ours, client(ours) as alice:
        for name in ("lfs", "xet"):
            alice.post("/api/repos/create", json={"name": name, "type": "model"}).raise_for_status()
        _upload_xet(ours.url, source, work / "home")
        ours.wait_idle()
        yield from _compare("xet chunks", peer, ours, "/alice/xet/resolve/main/big.bin")
    with nginx(program, source.parent, work) as peer, hub(work / "whole") as ours, client(ours) as alice:
        alice.post("/api/repos/create", json={"name": "lfs", "type": "model"}).raise_for_status()
        _upload_lfs(alice, source, sha256)
        ours.wait_idle()  # after the upload, the hub turns the file into chunks as well
        yield from _compare("whole blob", peer, ours, "/alice/lfs/resolve/main/big.bin")


def _compare(name: str, peer: Server, ours: Server, path: str) -> Iterator[Result]:
    _fetch(ours, path)  # into the page cache, as nginx's is
    _fetch(peer, "/big.bin")
    speeds: dict[str, list[float]] = {"peer": [], "ours": []}
    costs: dict[str, list[float]] = {"peer": [], "ours": []}
    for _ in range(ROUNDS):
        for who, server, address in (("peer", peer, "/big.bin"), ("ours", ours, path)):
            before = server.cpu_seconds()
            speeds[who].append(SIZE / 1e6 / _fetch(server, address))
            costs[who].append((server.cpu_seconds() - before) / (SIZE / 1e9))
    yield rounds(f"1 GiB download, {name}", "nginx sendfile", speeds["peer"], speeds["ours"], "MB/s", BAR, is_floor=True)
    yield rounds(
        f"1 GiB download, {name}: server CPU",
        "nginx sendfile",
        costs["peer"],
        costs["ours"],
        "CPU-s/GB",
        None,
        is_floor=False,
    )


def _fetch(server: Server, path: str) -> float:
    """Return the seconds that curl needs for the whole file."""
    started = time.perf_counter()
    said = subprocess.run(
        ["curl", "-sf", "-o", "/dev/null", "-w", "%{size_download}", server.url + path],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    if int(float(said)) != SIZE:
        raise RuntimeError(f"curl got {said} bytes")
    return time.perf_counter() - started


def _make(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as out:
        for _ in range(SIZE // _BLOCK):
            block = os.urandom(_BLOCK)
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def _upload_lfs(alice: httpx.Client, source: Path, sha256: str) -> None:
    batch = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": sha256, "size": SIZE}]}
    answer = alice.post("/alice/lfs.git/info/lfs/objects/batch", json=batch).raise_for_status().json()
    with source.open("rb") as stream:
        chunks = iter(lambda: stream.read(_BLOCK), b"")
        href = answer["objects"][0]["actions"]["upload"]["href"]
        httpx.put(href, content=chunks, headers={"content-length": str(SIZE)}, timeout=600, trust_env=False).raise_for_status()
    line = ("lfsFile", {"path": "big.bin", "algo": "sha256", "oid": sha256, "size": SIZE})
    alice.post("/api/models/alice/lfs/commit/main", content=body(line)).raise_for_status()


def _upload_xet(url: str, source: Path, home: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    environment |= {"HF_ENDPOINT": url, "HF_TOKEN": TOKEN, "HF_HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    subprocess.run([sys.executable, "-c", _UPLOAD, str(source)], check=True, env=environment)
