"""What the Xet service stores: quota, interrupted uploads, collection, keys that change, and who pays for a pull request."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests import xet_data as xd
from tests.api.test_xet import Cas, answered
from tests.conftest import RunningHub, run_hub, settings_for
from tulou.db.tables import account, dedup_chunk, keyring, lfs_object, repo_file, xet_file, xorb
from tulou.features.content import collect, lifecycle, xet_tasks
from tulou.features.content import xet_rows as rows
from tulou.features.quota import use
from tulou.features.repos import lookup
from tulou.fsio import faults
from tulou.kernel.actor import SYSTEM
from tulou.kernel.clock import FixedClock
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.platform.blobs.store import shard_key, xorb_key
from tulou.platform.xet import dedup
from tulou.wire import xet_hash as xh

DAY = 24 * 3600


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(time.time_ns() // 1_000_000)


@pytest.fixture
def hub(tmp_path: Path, database_url: str, clock: FixedClock) -> Iterator[RunningHub]:
    yield from run_hub(settings_for(tmp_path / "data", database_url=database_url), clock=clock)


@pytest.fixture
def alice(hub: RunningHub) -> str:
    token = hub.user("alice")
    hub.repo("alice/m")
    return token


@pytest.fixture
def file() -> xd.WholeFile:
    return xd.WholeFile(xd.xorb())


def limit(hub: RunningHub, name: str, size: int) -> str:
    """Give an account a quota and return its id."""
    with hub.m.db.write() as tx:
        tx.execute(sa.update(account).where(account.c.name == name).values(quota_bytes=size))
        return str(tx.execute(sa.select(account.c.id).where(account.c.name == name)).scalar_one())


def count(hub: RunningHub, table: sa.Table) -> int:
    with hub.m.db.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def commit_body(file: xd.WholeFile) -> bytes:
    lfs = f'{{"path":"w.bin","algo":"sha256","oid":"{file.sha256}","size":{file.made.size}}}'
    return b'{"key":"header","value":{"summary":"s"}}\n{"key":"lfsFile","value":' + lfs.encode() + b"}"


def test_an_upload_counts_from_its_first_xorb_until_its_commit_and_only_once(hub, alice, file):
    owner = limit(hub, "alice", 10_000_000)
    cas = Cas(hub, alice, "alice/m")
    before = use.of(hub.m, owner)
    cas.put_xorb(file.made)
    assert use.of(hub.m, owner).reserved == len(file.made.body)
    assert cas.put_shard(file.shard()).status_code == 200
    assert use.of(hub.m, owner).reserved == file.made.size
    assert hub.http(alice).post("/api/models/alice/m/commit/main", content=commit_body(file)).status_code == 200
    after = use.of(hub.m, owner)
    assert after.reserved == 0
    assert file.made.size <= after.stored - before.stored < file.made.size + 5000
    cas.upload(file)
    assert use.of(hub.m, owner) == after


def test_an_account_without_room_is_refused_and_nothing_is_registered(hub, alice, file):
    limit(hub, "alice", 100_000)
    cas = Cas(hub, alice, "alice/m")
    refused = cas.put_xorb(file.made)
    assert (refused.status_code, refused.json()["code"]) == (403, "quota_exceeded")
    limit(hub, "alice", len(file.made.body) + 100_000)
    assert cas.put_xorb(file.made).status_code == 200
    # Terms may repeat: a small xorb can stand for a large file.
    twice = xd.shard([xd.file_entry(
        xd.file_hash_of(*[(file.made, 0, 20)] * 3), [file.made.term()] * 3, [file.range_hash] * 3, "0" * 64,
    )], [])  # fmt: skip
    assert cas.put_shard(twice).status_code == 403
    assert count(hub, xet_file) == count(hub, repo_file) == 0
    assert cas.put_shard(file.shard()).status_code == 200


def test_an_upload_for_a_pull_request_is_paid_by_who_uploads(hub, alice, file):
    bob = hub.user("bob")
    payer, owner = limit(hub, "bob", 10_000_000), limit(hub, "alice", 10_000_000)
    token = hub.http(bob).get("/api/models/alice/m/xet-write-token/None?create_pr=1").json()["accessToken"]
    cas = Cas(hub, bob, "alice/m", "read")
    cas.http = hub.http(token)
    cas.upload(file)
    assert use.of(hub.m, payer).reserved == file.made.size
    assert use.of(hub.m, owner).reserved == 0


@pytest.mark.parametrize("moment", ["xorb.table", "xorb.published", "shard.published"])
def test_an_upload_cut_off_at_any_moment_can_be_repeated_and_is_whole_afterwards(hub, alice, file, moment):
    cas = Cas(hub, alice, "alice/m")

    def cut(name: str) -> None:
        if name == moment:
            raise OSError("the power went out")

    faults.install(cut)
    try:
        answers = [cas.put_xorb(file.made).status_code, cas.put_shard(file.shard()).status_code]
    finally:
        faults.install(None)
    assert 500 in answers
    assert count(hub, repo_file) == count(hub, lfs_object) == 0
    cas.upload(file)
    assert b"".join(hub.m.xet.stream(xh.printed(file.hash), 0, file.made.size)) == file.made.content
    assert [path.name for path in hub.m.work.iterdir() if any(path.iterdir())] == []


def test_an_unused_xorb_is_kept_for_the_whole_grace_and_goes_afterwards(hub, alice, clock, file):
    cas = Cas(hub, alice, "alice/m")
    kept, lost = file, xd.xorb(seed=2)
    cas.upload(kept)
    assert hub.http(alice).post("/api/models/alice/m/commit/main", content=commit_body(kept)).status_code == 200
    cas.put_xorb(lost)
    clock.advance(seconds=29 * DAY)
    collect.run(hub.m)
    assert count(hub, xorb) == 2
    for _ in range(4):
        clock.advance(seconds=2 * DAY)
        collect.run(hub.m)
    assert count(hub, xorb) == 1
    assert hub.m.store.size(xorb_key(lost.name)) is None
    assert hub.m.store.size(xorb_key(kept.made.name)) is not None
    assert b"".join(hub.m.xet.stream(xh.printed(kept.hash), 0, kept.made.size)) == kept.made.content


def test_a_condemned_xorb_that_is_referred_to_again_is_spared(hub, alice, clock, file):
    cas = Cas(hub, alice, "alice/m")
    cas.put_xorb(file.made)
    clock.advance(seconds=31 * DAY)
    collect.run(hub.m)
    with hub.m.db.read() as connection:
        assert connection.execute(sa.select(xorb.c.condemned_at)).scalar_one() is not None
    cas = Cas(hub, alice, "alice/m")
    assert cas.put_shard(file.shard()).status_code == 200
    clock.advance(seconds=3 * DAY)
    collect.run(hub.m)
    assert Cas(hub, alice, "alice/m").plan(file.name).status_code == 200


def test_a_file_that_was_never_committed_is_forgotten_after_a_week(hub, alice, clock, file):
    Cas(hub, alice, "alice/m").upload(file)
    clock.advance(seconds=6 * DAY)
    collect.run(hub.m)
    assert Cas(hub, alice, "alice/m").plan(file.name).status_code == 200
    clock.advance(seconds=2 * DAY)
    collect.run(hub.m)
    assert Cas(hub, alice, "alice/m").plan(file.name).status_code == 404
    assert count(hub, xet_file) == count(hub, lfs_object) == 0


def test_the_key_of_deduplication_answers_changes_every_week_and_the_old_one_is_forgotten(hub, alice, clock, file):
    Cas(hub, alice, "alice/m").upload(file)
    chunk = xh.printed(file.made.hashes[0])
    keys = set()
    for _ in range(3):
        key, _xorbs = answered(Cas(hub, alice, "alice/m").http.get(f"/v1/chunks/default/{chunk}").content)
        again, _xorbs = answered(Cas(hub, alice, "alice/m").http.get(f"/v1/chunks/default/{chunk}").content)
        assert key == again
        keys.add(key)
        clock.advance(seconds=7 * DAY)
    assert len(keys) == 3
    with hub.m.db.read() as connection:
        rows = connection.execute(sa.select(keyring.c.secret).where(keyring.c.purpose == dedup.PURPOSE)).all()
    assert len(rows) == 1


def test_a_token_and_a_signed_url_expire(hub, alice, clock, file):
    cas = Cas(hub, alice, "alice/m")
    cas.upload(file)
    (entry,) = cas.plan(file.name).json()["xorbs"][file.made.name]
    clock.advance(seconds=3601)
    assert cas.plan(file.name).status_code == 401
    assert hub.http().get(entry["url"], headers={"range": "bytes=0-9"}).status_code == 403


def test_the_same_chunk_of_a_private_and_a_public_xorb_is_told_from_the_public_one(hub, alice):
    hub.repo("alice/secret", private=True)
    shared = xd.noise(50_000, 77)
    private, public = (xd.WholeFile(xd.Made([shared, xd.noise(50_000, seed)])) for seed in (1, 2))
    Cas(hub, alice, "alice/secret").upload(private)
    Cas(hub, alice, "alice/m").upload(public)
    bob = hub.user("bob")
    hub.repo("bob/x")
    _key, xorbs = answered(Cas(hub, bob, "bob/x").http.get(f"/v1/chunks/default/{xh.printed(public.made.hashes[0])}").content)
    assert set(xorbs) == {public.made.hash}
    assert count(hub, dedup_chunk) == 2


def test_a_gated_repo_tells_no_chunks_to_those_outside(hub, alice, file):
    Cas(hub, alice, "alice/m").upload(file)
    assert hub.http(alice).put("/api/models/alice/m/settings", json={"gated": "manual"}).status_code == 200
    bob = hub.user("bob")
    hub.repo("bob/x")
    chunk = xh.printed(file.made.hashes[0])
    assert Cas(hub, bob, "bob/x").http.get(f"/v1/chunks/default/{chunk}").status_code == 404
    assert Cas(hub, alice, "alice/m").http.get(f"/v1/chunks/default/{chunk}").status_code == 200


def test_the_uploaded_shard_is_kept_beside_the_xorbs(hub, alice, file):
    from blake3 import blake3

    Cas(hub, alice, "alice/m").upload(file)
    key = shard_key(blake3(file.shard()).hexdigest())
    assert hub.m.store.read(key, 0, 1 << 20) == file.shard()


def test_converting_a_file_of_a_deleted_repository_does_nothing(hub, alice):
    repo = lookup.by_name(hub.m, parse_repo_id(RepoKind.MODEL, "alice/m"))
    assert repo is not None
    with hub.m.db.write() as tx:
        tx.execute(sa.insert(lfs_object).values(sha256="a" * 64, size=5 << 20, has_blob=True, created_at=hub.m.clock.now()))
        rows.own(tx, hub.m.clock.now(), repo.id, None, [("a" * 64, 5 << 20, None)])
    lifecycle.delete(hub.m, SYSTEM, repo.name)
    xet_tasks.ingest_blob(hub.m, {"sha256": "a" * 64})
    assert count(hub, xorb) == 0
