"""What buckets keep and what they let go: garbage collection, quota, crashes, and undoing a deletion."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests import xet_data as xd
from tests.bucket_client import BucketClient, add, copy, delete, small
from tests.conftest import RunningHub, run_hub, settings_for
from tulou.db.tables import account, xet_file, xorb
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts import signin
from tulou.features.buckets.change import change
from tulou.features.content import collect, restore, storage
from tulou.features.quota import use
from tulou.features.repos import lookup
from tulou.features.repos.model import Repo
from tulou.fsio import faults
from tulou.kernel.actor import SYSTEM, TokenRole
from tulou.kernel.clock import FixedClock
from tulou.kernel.ids import XetHash
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.platform.blobs.store import xorb_key
from tulou.wire.bucket_batch import AddFile

DAY = 24 * 3600


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(time.time_ns() // 1_000_000)


@pytest.fixture
def hub(tmp_path: Path, database_url: str, clock: FixedClock) -> Iterator[RunningHub]:
    yield from run_hub(settings_for(tmp_path / "data", database_url=database_url), clock=clock)


@pytest.fixture
def mine(hub: RunningHub) -> BucketClient:
    return BucketClient(hub, hub.user("alice"), "alice/b")


def repo_of(hub: RunningHub, full: str) -> Repo:
    found = lookup.by_name(hub.m, parse_repo_id(RepoKind.BUCKET, full))
    assert found is not None
    return found


def wait(hub: RunningHub, clock: FixedClock, days: int) -> None:
    """Let days pass, collecting garbage each of them."""
    for _ in range(days):
        clock.advance(seconds=DAY)
        collect.run(hub.m)


def xorbs(hub: RunningHub) -> set[str]:
    """Return the xorbs that are on record, all of which must be in the store."""
    with hub.m.db.read() as connection:
        found = set(connection.execute(sa.select(xorb.c.hash)).scalars())
    in_store = {stored.key for stored in hub.m.store.list("xorbs/")}
    assert {xorb_key(name) for name in found} <= in_store
    return found


def test_files_of_a_bucket_outlive_every_collection(hub: RunningHub, clock: FixedClock, mine: BucketClient) -> None:
    sent, copied = small(1), small(2)
    other = BucketClient(hub, hub.token("alice", TokenRole.WRITE), "alice/other")
    other.put(x=copied)
    mine.put(a=sent)
    mine.batch(copy("b", copied, "alice/other"))
    other.batch(delete("x"))
    wait(hub, clock, 60)
    assert mine.get("a").content == sent.made.content
    assert mine.get("b").content == copied.made.content
    assert xorbs(hub) == {sent.made.name, copied.made.name}


def test_a_name_that_only_a_bucket_uses_is_kept_beside_another_for_the_same_bytes(
    hub: RunningHub, clock: FixedClock, mine: BucketClient
) -> None:
    whole = small(3)
    recut = xd.WholeFile(xd.Made([whole.made.content[:1_000], whole.made.content[1_000:]]))
    mine.put(a=recut)
    other = BucketClient(hub, hub.token("alice", TokenRole.WRITE), "alice/other")
    other.put(x=whole)
    mine.batch(delete("a"))
    wait(hub, clock, 60)
    assert other.get("x").content == whole.made.content
    assert other.cas("read").get(f"/v1/reconstructions/{recut.name}").status_code == 200


def test_what_nobody_put_into_a_bucket_is_forgotten_after_a_week(hub: RunningHub, clock: FixedClock, mine: BucketClient) -> None:
    waiting = small(4)
    mine.send(waiting)
    wait(hub, clock, 5)
    assert mine.batch(add("a", waiting)).json()["failed"] == []
    mine.batch(delete("a"))
    wait(hub, clock, 9)
    assert mine.batch(add("a", waiting)).status_code == 422
    wait(hub, clock, 40)
    assert xorbs(hub) == set()


def test_what_was_overwritten_lingers_for_a_day_and_then_goes(hub: RunningHub, clock: FixedClock, mine: BucketClient) -> None:
    old, new = small(5), small(6)
    mine.put(a=old)
    wait(hub, clock, 30)
    mine.put(a=new)
    clock.advance(seconds=DAY // 2)
    collect.run(hub.m)
    assert mine.cas("read").get(f"/v1/reconstructions/{old.name}").status_code == 200
    assert mine.batch(add("again", old)).json()["failed"] == []
    mine.batch(delete("again"))
    wait(hub, clock, 2)
    assert mine.cas("read").get(f"/v1/reconstructions/{old.name}").status_code == 404
    assert mine.batch(add("again", old)).status_code == 422
    wait(hub, clock, 40)
    assert xorbs(hub) == {new.made.name}
    assert mine.get("a").content == new.made.content


def test_a_deleted_bucket_can_be_brought_back_for_a_week_and_is_gone_after(
    hub: RunningHub, clock: FixedClock, mine: BucketClient
) -> None:
    file = small(7)
    mine.put(a=file, b__c=file)
    bucket = repo_of(hub, "alice/b")
    actor = signin.actor(hub.m, signin.by_id(hub.m, accounts.user(hub.m, "alice").id, None), "127.0.0.1", "r")
    mine.http.delete(mine.api)
    wait(hub, clock, 5)
    assert [one.name.path for one in restore.deleted(hub.m, actor)] == ["buckets/alice/b"]
    restore.restore(hub.m, actor, bucket.id)
    hub.settle()
    assert mine.paths() == ["a", "b/c"]
    assert mine.get("b/c").content == file.made.content
    mine.http.delete(mine.api)
    wait(hub, clock, 45)
    assert xorbs(hub) == set()
    with hub.m.db.read() as connection:
        assert connection.execute(sa.select(xet_file)).first() is None
        assert connection.execute(sa.text("SELECT COUNT(*) FROM bucket_file")).scalar_one() == 0


def test_a_bucket_uses_the_quota_of_its_account_until_files_go(hub: RunningHub, clock: FixedClock, mine: BucketClient) -> None:
    one, two, big = small(8), small(9), xd.WholeFile(xd.xorb(count=3, size=60_000, seed=9))
    alice = accounts.user(hub.m, "alice").id
    with hub.m.db.write() as tx:
        tx.execute(sa.update(account).where(account.c.id == alice).values(quota_bytes=15_000))
    mine.put(a=one)
    assert use.of(hub.m, alice).used == one.made.size
    refused = mine.cas().post(f"/v1/xorbs/default/{big.made.name}", content=big.made.body)
    assert (refused.status_code, refused.json()["code"]) == (403, "quota_exceeded")
    mine.put(b=two)
    mine.batch(copy("c", one, "alice/b"))
    assert use.of(hub.m, alice).used == one.made.size + two.made.size
    bob = BucketClient(hub, hub.user("bob"), "bob/b")
    third = small(10)
    bob.put(x=third)
    assert mine.batch(copy("d", third, "bob/b")).json()["code"] == "quota_exceeded"
    assert mine.paths() == ["a", "b", "c"]
    mine.batch(delete("b"))
    assert mine.batch(copy("d", third, "bob/b")).json()["failed"] == []
    assert use.of(hub.m, alice).used == one.made.size + third.made.size
    before = repo_of(hub, "alice/b")
    collect.run(hub.m)
    assert use.of(hub.m, alice).stored == one.made.size + third.made.size
    held = storage.of_repo(hub.m, before)
    assert (held.files, held.files_bytes) == (2, one.made.size + third.made.size)


class Cut(Exception):
    """The power went out here."""


@pytest.mark.parametrize(("when", "there"), [("db.commit", False), ("db.committed", True)])
def test_a_batch_is_there_whole_or_not_at_all(hub: RunningHub, mine: BucketClient, when: str, there: bool) -> None:
    file = small(11)
    mine.send(file)
    bucket = repo_of(hub, "alice/b")

    def cut(name: str) -> None:
        if name == when:
            raise Cut

    faults.install(cut)
    try:
        with pytest.raises(Cut):
            change(hub.m, SYSTEM, bucket, [AddFile(path, XetHash(file.name), None, None) for path in ("a", "b")])
    finally:
        faults.install(None)
    assert mine.paths() == (["a", "b"] if there else [])
    assert mine.info()["totalFiles"] == (2 if there else 0)
    assert mine.batch(add("a", file), add("b", file)).json()["failed"] == []
    assert mine.info()["totalFiles"] == 2
