"""Every failure of the disk is an answer, not a wound: each write path with its n-th system call failing, for every n."""

from __future__ import annotations

import errno
import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from tests import xet_data
from tests.api.test_commit import body, file
from tests.api.test_xet import Cas
from tests.conftest import RunningHub
from tests.stories.programs import Git, Refused
from tulou.db import tables
from tulou.fsio import faults

# What a refused write must leave as it was. Reservations, and xorbs that no file refers to, expire by themselves.
TRUTH = (
    tables.account, tables.repo, tables.repo_gram, tables.redirect, tables.ref, tables.pack, tables.lfs_object,
    tables.repo_object, tables.xet_file, tables.repo_file, tables.outbox, tables.audit,
)  # fmt: skip
# At these the write has happened already: only its answer is lost.
AFTERWARDS = {"db.committed", "land.committed", "lfs.recorded", "shard.registered"}
REFUSALS = {errno.EIO: 500, errno.ENOSPC: 507}


@dataclass
class Fault:
    """Fails one of the moments that `faults` names: the n-th that `chosen` accepts."""

    n: int
    problem: Callable[[], Exception]
    chosen: Callable[[str], bool]
    seen: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, name: str) -> None:
        if not self.chosen(name):
            return
        with self.lock:
            self.seen.append(name)
            due = len(self.seen) == self.n
        if due:
            raise self.problem()

    @property
    def fired(self) -> bool:
        return len(self.seen) >= self.n

    @property
    def where(self) -> str:
        return self.seen[self.n - 1]


@contextmanager
def failing(fault: Fault) -> Iterator[Fault]:
    faults.install(fault)
    try:
        yield fault
    finally:
        faults.install(None)


def is_disk(name: str) -> bool:
    return name.startswith("io.") or name == "db.commit"


class World:
    """A hub with alice and a repository of hers, and everything that she can write."""

    def __init__(self, hub: RunningHub, folder: Path) -> None:
        self.hub = hub
        token = hub.user("alice")
        self.alice = hub.http(token)
        for name in ("alice/m", "alice/x", "alice/name-0"):
            hub.repo(name)
        self.cas = Cas(hub, token, "alice/x")
        self.git = Git(folder, "alice", token).knows(hub.url)
        self.clone = self.git.clone(f"{hub.url}/alice/m")
        self.moves = itertools.count(1)

    def truth(self) -> dict[str, list[tuple[object, ...]]]:
        with self.hub.m.db.read() as connection:
            return {table.name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr) for table in TRUTH}

    # Each of these prepares a write of its own and returns it: the write may be repeated until it succeeds.

    def creating(self, key: str) -> Callable[[], int]:
        return lambda: self._post("/api/repos/create", {"name": key, "type": "dataset"})

    def committing(self, key: str) -> Callable[[], int]:
        return lambda: (
            self.alice.post(
                "/api/models/alice/m/commit/main", content=body(*(file(f"{key}/{i}.txt", key.encode()) for i in range(3)))
            ).status_code
        )

    def uploading(self, key: str) -> Callable[[], int]:
        content, href = self._claim(key)
        return lambda: httpx.put(href, content=content, trust_env=False, timeout=60).status_code

    def committing_a_large_file(self, key: str) -> Callable[[], int]:
        content, href = self._claim(key)
        httpx.put(href, content=content, trust_env=False, timeout=60).raise_for_status()
        oid = hashlib.sha256(content).hexdigest()
        line = ("lfsFile", {"path": f"{key}.bin", "algo": "sha256", "oid": oid, "size": len(content)})
        return lambda: self.alice.post("/api/models/alice/m/commit/main", content=body(line)).status_code

    def uploading_a_xorb(self, key: str) -> Callable[[], int]:
        made = self._xorb(key)
        return lambda: self.cas.put_xorb(made).status_code

    def registering_a_shard(self, key: str) -> Callable[[], int]:
        whole = xet_data.WholeFile(self._xorb(key))
        assert self.cas.put_xorb(whole.made).status_code == 200
        return lambda: self.cas.put_shard(whole.shard()).status_code

    def branching(self, key: str) -> Callable[[], int]:
        return lambda: self._post(f"/api/models/alice/m/branch/{key}", {})

    def tagging(self, key: str) -> Callable[[], int]:
        return lambda: self._post("/api/models/alice/m/tag/main", {"tag": key, "message": "release"})

    def squashing(self, key: str) -> Callable[[], int]:
        return lambda: self._post("/api/models/alice/m/super-squash/main", {"message": key})

    def moving(self, _key: str) -> Callable[[], int]:
        number = next(self.moves)
        names = {"fromRepo": f"alice/name-{number - 1}", "toRepo": f"alice/name-{number}", "type": "model"}
        return lambda: self._post("/api/repos/move", names)

    def changing_settings(self, key: str) -> Callable[[], int]:
        wanted = "auto" if len(key) % 2 else "manual"
        return lambda: self.alice.put("/api/models/alice/x/settings", json={"gated": wanted}).status_code

    def deleting(self, key: str) -> Callable[[], int]:
        self.hub.repo(f"alice/{key}", kind="dataset")
        gone = {"name": key, "type": "dataset"}
        return lambda: self.alice.request("DELETE", "/api/repos/delete", json=gone).status_code

    def pushing(self, key: str) -> Callable[[], int]:
        self.git("fetch", "-q", "origin", cwd=self.clone)
        self.git("reset", "-q", "--hard", "origin/main", cwd=self.clone)
        self.git.commit(self.clone, **{f"{key}__txt": key})

        def push() -> int:
            try:
                self.git("push", "-q", "origin", "HEAD:main", cwd=self.clone)
            except Refused as problem:
                return 507 if "507" in str(problem) else 500
            return 200

        return push

    def _post(self, path: str, value: dict[str, object]) -> int:
        return self.alice.post(path, json=value).status_code

    def _claim(self, key: str) -> tuple[bytes, str]:
        content = xet_data.noise(50_000, seed=sum(key.encode()) * 1000 + len(key)) + key.encode()
        oid = hashlib.sha256(content).hexdigest()
        batch = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": len(content)}]}
        answer = self.alice.post("/alice/m.git/info/lfs/objects/batch", json=batch).raise_for_status().json()
        return content, answer["objects"][0]["actions"]["upload"]["href"]

    def _xorb(self, key: str) -> xet_data.Made:
        return xet_data.Made([xet_data.noise(20_000, seed=i) + key.encode() for i in range(3)])

    def check(self, folder: Path) -> None:
        """A fresh clone is whole, every file can be read, and nothing half-written lies about."""
        fresh = Git(folder, "fresh", self.git.token).knows(self.hub.url)
        clone = fresh.clone(f"{self.hub.url}/alice/m", into="fresh")
        fresh("fsck", "--full", "--strict", cwd=clone)
        for entry in self.alice.get("/api/models/alice/m/tree/main?recursive=true").raise_for_status().json():
            if entry["type"] == "file":
                got = self.alice.get(f"/alice/m/resolve/main/{entry['path']}").raise_for_status()
                assert len(got.content) == entry["size"]
        assert not [path for path in self.hub.m.work.rglob("*") if path.is_file()]
        assert not [path for path in self.hub.m.settings.data.rglob(".*") if path.is_file()]


WRITES = [
    World.creating, World.committing, World.uploading, World.committing_a_large_file, World.uploading_a_xorb,
    World.registering_a_shard, World.branching, World.tagging, World.squashing, World.moving, World.changing_settings,
    World.deleting, World.pushing,
]  # fmt: skip
every_write = pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)


@pytest.fixture
def world(hub: RunningHub, tmp_path: Path) -> World:
    return World(hub, tmp_path)


@pytest.mark.slow
@pytest.mark.crash
@every_write
@pytest.mark.parametrize("number", REFUSALS, ids=errno.errorcode.get)
def test_a_disk_that_fails_at_any_call_refuses_the_write_and_leaves_everything_as_it_was(world, tmp_path, write, number):
    for n in itertools.count(1):
        attempt = write(world, f"k{'x' * (n % 2)}{n}")
        before = world.truth()
        with failing(Fault(n, lambda: OSError(number, "made up for this test"), is_disk)) as fault:
            status = attempt()
        if not fault.fired:
            assert status < 300
            break
        assert status == REFUSALS[number], (n, fault.where)
        assert world.truth() == before, (n, fault.where)
        assert attempt() < 300, (n, fault.where)
        assert world.truth() != before or write is World.uploading_a_xorb
    assert n > 1
    world.check(tmp_path)


@pytest.mark.slow
@pytest.mark.crash
@every_write
def test_a_stop_between_any_two_steps_leaves_the_old_state_or_the_new_one(world, tmp_path, write):
    for n in itertools.count(1):
        attempt = write(world, f"s{'x' * (n % 2)}{n}")
        before = world.truth()
        with failing(Fault(n, lambda: RuntimeError("stopped by the test"), lambda name: not name.startswith("io."))) as fault:
            status = attempt()
        if not fault.fired:
            assert status < 300
            break
        assert status >= 500, (n, fault.where)
        if world.truth() == before:
            assert attempt() < 300, (n, fault.where)
        else:
            assert fault.where in AFTERWARDS, (n, fault.where)
    assert n > 1
    world.check(tmp_path)
