"""A commit of ten small files by the API, beside `git add` and `git commit` that sync everything."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench.result import Result, rounds
from bench.server import client, hub
from tests.commits import commit

ROUNDS = 25
FILES = 10
BYTES = 2000
BAR = 3.0


def run(work: Path) -> Iterator[Result]:
    clone = work / "clone"
    clone.mkdir()
    _git(clone, "init", "-q")
    peer, ours = [], []
    with hub(work / "commit") as server, client(server) as alice:
        alice.post("/api/repos/create", json={"name": "c", "type": "model"}).raise_for_status()
        for number in range(ROUNDS + 2):
            files = {f"f{i}.txt": os.urandom(BYTES // 2).hex().encode() for i in range(FILES)}
            by_git, by_api = _by_git(clone, files, number), _timed(lambda files=files: commit(alice, "alice/c", files))
            if number >= 2:  # the first ones warm up
                peer.append(by_git * 1000)
                ours.append(by_api * 1000)
    yield rounds(f"commit of {FILES} files", "git add + commit, fsync", peer, ours, "ms", BAR, is_floor=False)


def _by_git(clone: Path, files: dict[str, bytes], number: int) -> float:
    for name, content in files.items():
        (clone / name).write_bytes(content)

    def add_and_commit() -> None:
        _git(clone, "add", ".")
        _git(clone, "commit", "-q", "-m", f"commit {number}")

    return _timed(add_and_commit)


def _timed(call) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _git(folder: Path, *arguments: str) -> None:
    settings = ["-c", "core.fsync=all", "-c", "user.name=alice", "-c", "user.email=alice@example.org", "-c", "gc.auto=0"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, env=environment)
