"""Nothing that was acknowledged is lost, whenever the hub is killed: commits, pushes, large files, xet uploads, buckets."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests import xet_data as xd
from tests.crash.process import HubProcess

ROUNDS = int(os.environ.get("TULOU_TEST_KILLS", "24"))
SEED = """
users:
  - {name: alice, tokens: [{name: crash, role: write, value: hf_crash_test_token_0000000000000000}]}
"""
TOKEN = "hf_crash_test_token_0000000000000000"


@dataclass
class Journal:
    """What the hub acknowledged: repository and path → SHA-256 of the content."""

    files: dict[tuple[str, str], str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, repo: str, path: str, content: bytes) -> None:
        """Note one acknowledged file."""
        with self.lock:
            self.files[repo, path] = hashlib.sha256(content).hexdigest()


@dataclass
class Writer:
    """Repeats one kind of write until told to stop; a failed one is forgotten, as a client that got no answer would."""

    name: str
    write: Callable[[int], None]
    stopped: threading.Event
    count: int = 0

    def run(self) -> None:
        """Write and write."""
        while not self.stopped.is_set():
            self.count += 1
            try:
                self.write(self.count)
            except (httpx.HTTPError, subprocess.CalledProcessError, OSError):
                # The hub is dead or dying: what was not acknowledged is not counted.
                self.stopped.wait(0.05)


def commit_body(operation: dict[str, object], key: str) -> bytes:
    """Return the body of a commit with one operation."""
    lines = [{"key": "header", "value": {"summary": "crash", "description": ""}}, {"key": key, "value": operation}]
    return b"\n".join(json.dumps(line).encode() for line in lines)


class Story:
    """The five writers, and the check of everything they were told is safe."""

    def __init__(self, hub: HubProcess, folder: Path) -> None:
        self.hub = hub
        self.journal = Journal()
        self.folder = folder
        self.uploader: subprocess.Popen[str] | None = None
        self.http = httpx.Client(base_url=hub.url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=20, trust_env=False)
        for name in ("commits", "lfs", "git", "xet"):
            self.http.post("/api/repos/create", json={"name": name, "type": "model"}).raise_for_status()
        self.http.post("/api/buckets/alice/bucket", json={}).raise_for_status()
        remote = f"{hub.url.replace('http://', f'http://alice:{TOKEN}@')}/alice/git"
        self._git("clone", "-q", remote, str(folder / "clone"), cwd=folder)

    def by_api(self, number: int) -> None:
        """Commit an inline file."""
        content = os.urandom(500)
        operation = {"path": f"f{number}", "content": base64.b64encode(content).decode(), "encoding": "base64"}
        self.http.post("/api/models/alice/commits/commit/main", content=commit_body(operation, "file")).raise_for_status()
        self.journal.add("commits", f"f{number}", content)

    def by_lfs(self, number: int) -> None:
        """Upload a large file by the LFS protocol and commit it."""
        content = os.urandom(20_000)
        oid = hashlib.sha256(content).hexdigest()
        batch = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": len(content)}]}
        answer = self.http.post("/alice/lfs.git/info/lfs/objects/batch", json=batch).raise_for_status().json()
        actions = answer["objects"][0]["actions"]
        httpx.put(actions["upload"]["href"], content=content, timeout=20, trust_env=False).raise_for_status()
        operation: dict[str, object] = {"path": f"f{number}.bin", "algo": "sha256", "oid": oid, "size": len(content)}
        self.http.post("/api/models/alice/lfs/commit/main", content=commit_body(operation, "lfsFile")).raise_for_status()
        self.journal.add("lfs", f"f{number}.bin", content)

    def by_git(self, number: int) -> None:
        """Commit in a clone and push."""
        clone = self.folder / "clone"
        content = os.urandom(300).hex().encode()
        (clone / f"g{number}.txt").write_bytes(content)
        self._git("add", ".", cwd=clone)
        self._git("commit", "-qm", f"push {number}", cwd=clone)
        self._git("push", "-q", "origin", "HEAD:main", cwd=clone)
        self.journal.add("git", f"g{number}.txt", content)

    def by_xet(self, number: int) -> None:
        """Upload with the client's default path, through hf_xet."""
        content = os.urandom(150_000)
        source = self.folder / "xet.bin"
        source.write_bytes(content)
        uploader = self._uploader()
        if uploader.stdin is None or uploader.stdout is None:
            raise OSError("the uploader has no pipes")
        uploader.stdin.write(f"{self.hub.url} {TOKEN} {source} x{number}.bin\n")
        uploader.stdin.flush()
        if uploader.stdout.readline().strip() != "ok":
            raise OSError("not acknowledged")
        self.journal.add("xet", f"x{number}.bin", content)

    def by_bucket(self, number: int) -> None:
        """Upload to a bucket, and put the content there under a new name and over an old one."""
        file = xd.WholeFile(xd.xorb(count=2, size=3_000, seed=number))
        token = self.http.get("/api/buckets/alice/bucket/xet-write-token").raise_for_status().json()["accessToken"]
        with httpx.Client(
            base_url=self.hub.url, headers={"authorization": f"Bearer {token}"}, timeout=20, trust_env=False
        ) as cas:
            cas.post(f"/v1/xorbs/default/{file.made.name}", content=file.made.body).raise_for_status()
            cas.post("/v1/shards", content=file.shard()).raise_for_status()
        lines = [{"type": "addFile", "path": path, "xetHash": file.name} for path in (f"b{number}", "latest")]
        answer = self.http.post("/api/buckets/alice/bucket/batch", content="\n".join(map(json.dumps, lines))).raise_for_status()
        if answer.json()["failed"]:
            raise OSError("not acknowledged")
        self.journal.add("bucket", f"b{number}", file.made.content)

    def _uploader(self) -> subprocess.Popen[str]:
        """One client process for all xet uploads: starting Python takes longer than a round."""
        if self.uploader is None:
            environment = {
                **os.environ, "HF_HOME": str(self.folder / "hf"), "HF_XET_CLIENT_RETRY_MAX_ATTEMPTS": "1",
                "HF_XET_CLIENT_RETRY_BASE_DELAY": "50ms", "HF_ENDPOINT": self.hub.url, "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            }  # fmt: skip
            self.uploader = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("xet_writer.py"))],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
            )  # fmt: skip
        return self.uploader

    def close(self) -> None:
        """End the client processes."""
        self.http.close()
        if self.uploader is not None:
            with self.uploader:
                self.uploader.kill()

    def verify(self, sample: int | None = None) -> None:
        """Read back everything, or a sample of it, and compare."""
        acknowledged = list(self.journal.files.items())
        if sample is not None and len(acknowledged) > sample:
            acknowledged = random.sample(acknowledged, sample)
        for (repo, path), digest in acknowledged:
            where = f"/buckets/alice/bucket/resolve/{path}" if repo == "bucket" else f"/alice/{repo}/resolve/main/{path}"
            answer = self.http.get(where)
            assert answer.status_code == 200, (repo, path, answer.status_code)
            assert hashlib.sha256(answer.content).hexdigest() == digest, (repo, path)

    def _git(self, *arguments: str, cwd: Path) -> None:
        identity = ["-c", "user.name=alice", "-c", "user.email=alice@example.org", "-c", "protocol.version=2"]
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1", "HOME": str(self.folder)}
        subprocess.run(["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True, timeout=60, env=environment)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """A hub process with alice, four repositories and a clone."""
    hub = HubProcess(tmp_path / "data")
    (tmp_path / "seed.yaml").write_text(SEED)
    hub.command("seed", str(tmp_path / "seed.yaml"))
    hub.start()
    made = Story(hub, tmp_path)
    try:
        yield made
    finally:
        made.close()
        hub.kill()


@pytest.mark.crash
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_acknowledged_write_is_lost_when_the_hub_is_killed(story: Story) -> None:
    writers = {"api": story.by_api, "lfs": story.by_lfs, "git": story.by_git, "xet": story.by_xet, "bucket": story.by_bucket}
    slowest = 0.0
    for _ in range(ROUNDS):
        stopped = threading.Event()
        threads = [threading.Thread(target=Writer(n, w, stopped, count=time.time_ns()).run) for n, w in writers.items()]
        for thread in threads:
            thread.start()
        time.sleep(random.uniform(0.3, 2.5))  # the moment of the kill is what is being tested
        story.hub.kill()
        stopped.set()
        for thread in threads:
            thread.join()
        slowest = max(slowest, story.hub.start())
        story.verify(sample=60)
    story.verify()
    by_kind = {repo: sum(1 for r, _ in story.journal.files if r == repo) for repo in ("commits", "lfs", "git", "xet", "bucket")}
    assert all(count > 0 for count in by_kind.values()), by_kind
    assert slowest < 20, slowest
    assert story.hub.stop() == 0
