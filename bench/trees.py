"""A page of a folder with 100,000 files, beside one with 100."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx

from bench.result import Result, rounds
from bench.server import TOKEN, client, hub

SMALL, LARGE = 100, 100_000
COMMITS = 20
PAGE = 100
ROUNDS = 15
BAR = 3.0


def run(work: Path) -> Iterator[Result]:
    with hub(work / "trees") as server, client(server) as alice:
        for name, files in (("small", SMALL), ("large", LARGE)):
            alice.post("/api/repos/create", json={"name": name, "type": "dataset"}).raise_for_status()
            _push(work / name, files, f"{server.url.replace('http://', f'http://alice:{TOKEN}@')}/datasets/alice/{name}")
        server.wait_idle(limit=600)
        small, large = (f"/api/datasets/alice/{name}/tree/main/data" for name in ("small", "large"))
        cursor = _fiftieth(alice, large)
        plain, expand = {"limit": PAGE}, {"limit": PAGE, "expand": "true"}
        yield _compare(alice, "first page", small, large, plain, plain)
        yield _compare(alice, "50th page", small, large, plain, {**plain, "cursor": cursor})
        yield _compare(
            alice, "first page, recursive", small, large, {**plain, "recursive": "true"}, {**plain, "recursive": "true"}
        )
        yield _compare(alice, "first page, expanded", small, large, expand, expand)
        yield _compare(alice, "50th page, expanded", small, large, expand, {**expand, "cursor": cursor})


def _compare(alice: httpx.Client, name: str, small: str, large: str, of_small: dict, of_large: dict) -> Result:
    first_small, first_large = _ask(alice, small, of_small), _ask(alice, large, of_large)
    peer, ours = [], []
    for _ in range(ROUNDS):
        peer.append(_ask(alice, small, of_small))
        ours.append(_ask(alice, large, of_large))
    note = f"first time {first_large:.0f} ms, of the small one {first_small:.0f} ms"
    return rounds(f"tree of {LARGE:,} files, {name}", f"{SMALL} files", peer, ours, "ms", BAR, is_floor=False, note=note)


def _ask(alice: httpx.Client, path: str, query: dict) -> float:
    started = time.perf_counter()
    answer = alice.get(path, params=query).raise_for_status()
    seconds = time.perf_counter() - started
    if len(answer.json()) != PAGE:
        raise RuntimeError(f"{len(answer.json())} entries")
    return seconds * 1000


def _fiftieth(alice: httpx.Client, path: str) -> str:
    url = f"{path}?{urlencode({'limit': PAGE})}"
    for _ in range(49):
        url = alice.get(url).raise_for_status().links["next"]["url"]
    return httpx.URL(url).params["cursor"]


def _push(folder: Path, files: int, remote: str) -> None:
    """Push a repository of that many files, with a history in which every commit changes a few of them."""
    folder.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}

    def git(*arguments: str, stdin: bytes | None = None) -> None:
        subprocess.run(["git", *arguments], cwd=folder, check=True, env=environment, input=stdin, capture_output=True)

    git("init", "-q", "--bare")
    git("fast-import", "--quiet", stdin=b"".join(_history(files)))
    git("push", "-q", "-f", remote, "main:main")


def _history(files: int) -> Iterator[bytes]:
    for number in range(COMMITS):
        message = f"commit {number}".encode()
        yield b"commit refs/heads/main\ncommitter a <a@example.org> %d +0000\ndata %d\n%s\n" % (
            1_700_000_000 + number,
            len(message),
            message,
        )
        changed = range(files) if number == 0 else range(number, files, files // 10)
        for i in changed:
            content = b"file %d in commit %d\n" % (i, number)
            yield b"M 100644 inline data/f%06d.txt\ndata %d\n%s\n" % (i, len(content), content)
