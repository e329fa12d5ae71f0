"""Garbage collection: what goes, what stays, and how long it takes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conftest import RunningHub, run_hub, settings_for
from tulou.db.tables import repo as repo_table
from tulou.features.content import collect, commit, lifecycle, resolve, revisions
from tulou.features.repos import lookup
from tulou.fsio import faults
from tulou.kernel.actor import SYSTEM
from tulou.kernel.clock import FixedClock
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.platform.blobs.gc import DAY
from tulou.wire.hf_commit import File, Header

SECONDS = DAY // 1000


@pytest.fixture
def clock() -> FixedClock:
    """A clock that the test moves, starting now so that file times make sense beside it."""
    return FixedClock(time.time_ns() // 1_000_000)


@pytest.fixture
def hub(tmp_path: Path, clock: FixedClock) -> Iterator[RunningHub]:
    """A hub on the test's clock."""
    yield from run_hub(settings_for(tmp_path / "data"), clock=clock)


def packs(hub: RunningHub) -> set[str]:
    """Return the keys of all packs in the store."""
    return {stored.key for stored in hub.m.store.list("packs/") if stored.key.endswith(".pack")}


def put(hub: RunningHub, name: str, content: bytes) -> None:
    """Commit one file to alice/m."""
    repo = lookup.by_name(hub.m, parse_repo_id(RepoKind.MODEL, "alice/m"))
    assert repo is not None
    commit.commit(hub.m, SYSTEM, repo, "main", Header(f"add {name}", "", None), [File(name, content)])


class Cut(Exception):
    """The power went out here."""


def test_what_an_interrupted_commit_left_goes_after_its_grace_and_not_before(hub: RunningHub, clock: FixedClock) -> None:
    hub.user("alice")
    hub.repo("alice/m")
    put(hub, "kept", b"kept")
    before = packs(hub)

    def cut(name: str) -> None:
        if name == "land.published":
            raise Cut

    faults.install(cut)
    try:
        with pytest.raises(Cut):
            put(hub, "lost", b"lost")
    finally:
        faults.install(None)
    orphans = packs(hub) - before
    assert len(orphans) == 1
    for days, left in ((0, 1), (1.5, 1), (1.5, 0)):
        clock.advance(seconds=days * SECONDS)
        collect.run(hub.m)
        assert len(packs(hub) - before) == left
    assert packs(hub) == before
    assert hub.http().get("/alice/m/resolve/main/kept").content == b"kept"


def test_a_condemned_pack_that_is_committed_again_is_spared(hub: RunningHub, clock: FixedClock) -> None:
    hub.user("alice")
    hub.repo("alice/m")
    put(hub, "kept", b"kept")
    repo = lookup.by_name(hub.m, parse_repo_id(RepoKind.MODEL, "alice/m"))
    assert repo is not None
    everything = packs(hub)
    clock.advance(seconds=2 * SECONDS)
    collect.run(hub.m)
    clock.advance(seconds=2 * SECONDS)
    swept = collect.run(hub.m)
    assert (swept.deleted, packs(hub)) == (0, everything)


def test_a_deleted_repository_keeps_its_bytes_for_a_week_and_its_copy_for_ever(hub: RunningHub, clock: FixedClock) -> None:
    hub.user("alice")
    hub.repo("alice/m")
    put(hub, "a", b"content")
    source = lookup.by_name(hub.m, parse_repo_id(RepoKind.MODEL, "alice/m"))
    assert source is not None
    lifecycle.duplicate(hub.m, SYSTEM, source, parse_repo_id(RepoKind.MODEL, "alice/copy"), visibility=None)
    put(hub, "b", b"only in the original")
    full = packs(hub)
    lifecycle.delete(hub.m, SYSTEM, source.name)
    clock.advance(seconds=6 * SECONDS)
    collect.run(hub.m)
    assert packs(hub) == full
    for _ in range(4):
        clock.advance(seconds=2 * SECONDS)
        collect.run(hub.m)
    assert len(packs(hub)) == len(full) - 1
    assert hub.http().get("/alice/copy/resolve/main/a").content == b"content"


def test_storage_is_counted_again_from_what_is_left(hub: RunningHub, clock: FixedClock) -> None:
    hub.user("alice")
    hub.repo("alice/m")
    put(hub, "a", os.urandom(50_000))
    collect.run(hub.m)
    stored = sum(s.size for s in hub.m.store.list("packs/") if s.key.endswith(".pack"))
    with hub.m.db.read() as connection:
        assert connection.execute(sa.select(repo_table.c.storage_bytes)).scalar_one() == stored


def test_two_commits_that_race_both_land(hub: RunningHub) -> None:
    hub.user("alice")
    hub.repo("alice/m")
    threads = [threading.Thread(target=put, args=(hub, f"f{i}", b"x")) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    repo = lookup.by_name(hub.m, parse_repo_id(RepoKind.MODEL, "alice/m"))
    assert repo is not None
    head = revisions.head(hub.m, repo)
    assert all(resolve.read_file(hub.m, repo, head, f"f{i}", 10) == b"x" for i in range(6))
