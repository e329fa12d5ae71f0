"""Room is held before bytes come, and given back when they do not."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.conftest import RunningHub, run_hub, settings_for
from tulou.db.tables import repo
from tulou.features.accounts import lookup
from tulou.features.content import lifecycle
from tulou.features.quota import limit, use
from tulou.kernel.actor import SYSTEM
from tulou.kernel.clock import FixedClock
from tulou.kernel.errors import AccountNotFound, QuotaExceeded
from tulou.kernel.limits import GIB
from tulou.kernel.names import RepoKind, parse_repo_id


def account(hub: RunningHub) -> str:
    hub.user("alice")
    limit.set_limit(hub.m, SYSTEM, "alice", 1)
    return lookup.user(hub.m, "alice").id


def test_what_fits_alone_does_not_fit_together(hub: RunningHub):
    alice = account(hub)
    with hub.m.db.write() as tx:
        use.reserve(tx, hub.m, alice, "a", GIB // 2, 60)
    with pytest.raises(QuotaExceeded), hub.m.db.write() as tx:
        use.reserve(tx, hub.m, alice, "b", GIB // 2 + 1, 60)
    with hub.m.db.write() as tx:
        use.reserve(tx, hub.m, alice, "b", GIB // 2, 60)
    assert use.of(hub.m, alice).used == GIB


def test_the_same_key_is_counted_once(hub: RunningHub):
    alice = account(hub)
    for size in (GIB, GIB // 3, GIB):
        with hub.m.db.write() as tx:
            use.reserve(tx, hub.m, alice, "a", size, 60)
        assert use.of(hub.m, alice).reserved == size


def test_settling_gives_the_room_back(hub: RunningHub):
    alice = account(hub)
    with hub.m.db.write() as tx:
        use.reserve(tx, hub.m, alice, "a", GIB, 60)
        use.settle(tx, alice, "a")
    assert use.of(hub.m, alice).used == 0


def test_a_reservation_ends_by_itself(tmp_path, database_url: str):
    clock = FixedClock()
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url), clock):
        alice = account(hub)
        with hub.m.db.write() as tx:
            use.reserve(tx, hub.m, alice, "a", GIB, 60)
        clock.advance(seconds=60)
        assert use.of(hub.m, alice).reserved == 0
        with hub.m.db.write() as tx:
            use.reserve(tx, hub.m, alice, "b", GIB, 60)
            assert use.sweep(tx, hub.m) == 1


def test_a_deleted_repository_counts_until_its_bytes_go(hub: RunningHub):
    alice = account(hub)
    hub.repo("alice/m")
    with hub.m.db.write() as tx:
        tx.execute(sa.update(repo).values(storage_bytes=GIB))
    lifecycle.delete(hub.m, SYSTEM, parse_repo_id(RepoKind.MODEL, "alice/m"))
    with pytest.raises(QuotaExceeded), hub.m.db.write() as tx:
        use.require(tx, hub.m, alice, 1)


def test_without_a_limit_nothing_is_refused_and_the_default_is_the_hubs(tmp_path, database_url: str):
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url, default_quota_gb=1)):
        alice = account(hub)
        limit.set_limit(hub.m, SYSTEM, "alice", None)
        with pytest.raises(QuotaExceeded), hub.m.db.write() as tx:
            use.reserve(tx, hub.m, alice, "a", GIB + 1, 60)
        limit.set_limit(hub.m, SYSTEM, "alice", 2)
        with hub.m.db.write() as tx:
            use.reserve(tx, hub.m, alice, "a", GIB + 1, 60)


def test_an_account_that_does_not_exist_has_no_use(hub: RunningHub):
    with pytest.raises(AccountNotFound):
        use.of(hub.m, "0" * 24)
