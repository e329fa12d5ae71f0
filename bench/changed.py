"""Bytes that a fresh client sends for a large file of which a little changed, with real huggingface_hub and hf_xet."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.proxy import CountingProxy
from bench.result import Result
from bench.server import TOKEN, client, hub

SIZE = 200_000_000
CHANGED = 1_000_000
BAR_MB = 2.0
_UPLOAD = """
import sys
from huggingface_hub import HfApi
HfApi().upload_file(path_or_fileobj=sys.argv[1], path_in_repo="big.bin", repo_id="alice/big")
"""


def run(work: Path) -> Iterator[Result]:
    file = work / "big.bin"
    noise = random.Random(1)
    with file.open("wb") as out:
        for _ in range(SIZE // 1_000_000):
            out.write(noise.randbytes(1_000_000))
    with hub(work / "changed") as server, client(server) as alice:
        alice.post("/api/repos/create", json={"name": "big", "type": "model"}).raise_for_status()
        with CountingProxy(server.port) as proxy:
            _upload(proxy.url, file, work / "home-1")
            whole = proxy.sent / 1e6
        for number, (what, at) in enumerate((("in the middle", SIZE // 2 + 12_345), ("inserted near the front", 3_000_000)), 2):
            _change(file, at, noise.randbytes(CHANGED), insert="inserted" in what)
            with CountingProxy(server.port) as proxy:
                _upload(proxy.url, file, work / f"home-{number}")
                note = f"1 MB {what}; the first upload sent {whole:.0f} MB"
                yield Result("200 MB file, bytes sent", "", None, proxy.sent / 1e6, "MB", BAR_MB, is_floor=False, note=note)


def _change(file: Path, at: int, content: bytes, *, insert: bool) -> None:
    with file.open("r+b") as out:
        out.seek(at)
        rest = out.read() if insert else b""
        out.seek(at)
        out.write(content + rest)


def _upload(url: str, file: Path, home: Path) -> None:
    """Upload in a process of its own, with a cache of its own."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    environment |= {"HF_ENDPOINT": url, "HF_TOKEN": TOKEN, "HF_HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1",
                    "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "127.0.0.1"}  # fmt: skip
    subprocess.run([sys.executable, "-c", _UPLOAD, str(file)], check=True, env=environment)
