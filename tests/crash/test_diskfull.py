"""A full disk is survivable: uploads stop before it is, reading and signing in go on, and with room everything goes on."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.test_commit import body, file
from tests.conftest import RunningHub, run_hub, settings_for
from tests.stories.programs import Git, Refused
from tulou.features.content import collect
from tulou.fsio import space
from tulou.kernel.actor import TokenRole
from tulou.kernel.clock import FixedClock
from tulou.kernel.limits import MIB

DISK = 64 * MIB
RESERVE = 16 * MIB
ROUNDS = int(os.environ.get("TULOU_TEST_FILLS", "5"))
MONTHS = 70 * 24 * 3600


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own. Needs the right to mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tulou-test", str(folder)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"NOT TESTED: what happens when the disk is full. This user may not mount a tmpfs: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(time.time_ns() // 1_000_000)


@pytest.fixture
def hub(disk: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningHub]:
    monkeypatch.setattr(space, "DISK_RESERVE", RESERVE)
    yield from run_hub(settings_for(disk / "data"), clock=clock)


def upload(alice: httpx.Client, repo: str, size: int) -> int:
    """Upload a large file and commit it; return the status of the first step that was refused, or 200."""
    content = os.urandom(size)
    oid = hashlib.sha256(content).hexdigest()
    batch = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": size}]}
    answer = alice.post(f"/{repo}.git/info/lfs/objects/batch", json=batch)
    if answer.status_code != 200:
        return answer.status_code
    promised = answer.json()["objects"][0]
    if "error" in promised:
        return promised["error"]["code"]
    sent = httpx.put(promised["actions"]["upload"]["href"], content=content, timeout=60, trust_env=False)
    if sent.status_code != 200:
        return sent.status_code
    line = ("lfsFile", {"path": f"{oid}.bin", "algo": "sha256", "oid": oid, "size": size})
    return alice.post(f"/api/models/{repo}/commit/main", content=body(line)).status_code


def fill(junk: Path, left: int) -> None:
    """Let somebody else use the disk until `left` bytes remain."""
    with junk.open("wb", buffering=0) as out:
        while (free := space.free_bytes(junk.parent)) > left:
            try:
                out.write(bytes(min(MIB, free - left)))
            except OSError:  # full to the last byte
                return


def branch_until_refused(alice: httpx.Client, name: str) -> Iterator[int]:
    """Make branches, which are rows only, until the database has no room for one more; it may find some in its log."""
    for number in range(300):
        yield (status := alice.post(f"/api/models/alice/m/branch/{name}-{number}", json={}).status_code)
        if status != 200:
            return


def still_reads(hub: RunningHub, alice: httpx.Client) -> None:
    """Everything that writes nothing works, and so does signing in."""
    assert alice.get("/alice/m/resolve/main/small.txt").content == b"small"
    assert alice.get("/api/whoami-v2").status_code == 200
    assert alice.get("/api/models?author=alice").status_code == 200
    assert alice.get("/api/models/alice/m/tree/main").status_code == 200


@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.timeout(300)
def test_a_disk_that_fills_up_loses_nothing_and_needs_nothing_but_room(
    hub: RunningHub, disk: Path, clock: FixedClock, tmp_path: Path
):
    token = hub.user("alice")
    alice = hub.http(token)
    git = Git(tmp_path, "alice", token).knows(hub.url)
    for name in ("alice/m", "alice/big-0"):
        hub.repo(name)
    alice.post("/api/models/alice/m/commit/main", content=body(file("small.txt", b"small"))).raise_for_status()
    clone = git.clone(f"{hub.url}/alice/m")
    junk, noise = disk / "junk", random.Random(5)

    for number in range(ROUNDS):
        # Uploads are refused before the reserve is touched.
        statuses = [upload(alice, f"alice/big-{number}", noise.randrange(2 * MIB, 6 * MIB)) for _ in range(24)]
        assert set(statuses) <= {200, 507}, statuses
        assert 507 in statuses
        assert space.free_bytes(disk) > RESERVE - MIB
        still_reads(hub, alice)
        hub.token("alice", TokenRole.READ)  # writing a row still fits: that is what the reserve is for

        # Somebody else takes the reserve as well, to anything between the last byte and the last half megabyte.
        fill(junk, noise.choice((0, 4096, 65_536, MIB // 2)))
        big = alice.post("/api/models/alice/m/commit/main", content=body(file(f"n{number}", os.urandom(200_000))))
        assert big.status_code == 507, big.text
        assert alice.post("/api/repos/create", json={"name": f"more-{number}"}).status_code == 507
        git.commit(clone, **{f"pushed-{number}": os.urandom(5000)})
        with pytest.raises(Refused):
            git("push", "-q", "origin", "HEAD:main", cwd=clone)
        assert set(branch_until_refused(alice, f"b{number}")) <= {200, 507}
        still_reads(hub, alice)

        # What is deleted makes room after its time, and everything goes on.
        junk.unlink()
        alice.request("DELETE", "/api/repos/delete", json={"name": f"big-{number}", "type": "model"}).raise_for_status()
        before = space.free_bytes(disk)
        for _ in range(3):  # the deleted repository, what only it referred to, and its bytes: each after its own grace
            clock.advance(seconds=MONTHS)
            collect.run(hub.m)
        assert space.free_bytes(disk) > before + 20 * MIB
        git("push", "-q", "origin", "HEAD:main", cwd=clone)
        hub.repo(f"alice/big-{number + 1}")
        assert upload(alice, f"alice/big-{number + 1}", MIB) == 200

    fresh = Git(tmp_path, "fresh", token).knows(hub.url)
    whole = fresh.clone(f"{hub.url}/alice/m", into="whole")
    fresh("fsck", "--full", "--strict", cwd=whole)
    assert {path.name for path in whole.iterdir()} >= {"small.txt", *(f"pushed-{number}" for number in range(ROUNDS))}
