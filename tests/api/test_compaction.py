"""Many small packs become one, and nobody notices."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conftest import RunningHub
from tests.stories.programs import Git
from tulou.db.tables import pack
from tulou.features.content import compact


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact, "FROM", 4)


def commit(hub: RunningHub, token: str, number: int) -> str:
    content = base64.b64encode(f"content {number}\n".encode() * 100).decode()
    lines = [
        {"key": "header", "value": {"summary": f"number {number}"}},
        {"key": "file", "value": {"path": f"f{number}", "content": content, "encoding": "base64"}},
    ]
    body = "\n".join(json.dumps(line) for line in lines)
    headers = {"content-type": "application/x-ndjson"}
    answer = hub.http(token).post("/api/models/alice/m/commit/main", content=body, headers=headers)
    return answer.raise_for_status().json()["commitOid"]


def packs(hub: RunningHub) -> list[bool]:
    """Whether each pack of the only repository is live."""
    with hub.m.db.read() as connection:
        return [row.retired_at is None for row in connection.execute(sa.select(pack.c.retired_at))]


@pytest.mark.usefixtures("often")
def test_packs_are_merged_and_everything_can_still_be_read_cloned_and_pushed(hub, tmp_path):
    token = hub.user("alice")
    hub.repo("alice/m")
    commits = [commit(hub, token, number) for number in range(6)]
    alice = Git(tmp_path, "alice", token).knows(hub.url)
    folder = alice.clone(f"{hub.url}/alice/m")
    hub.settle()
    assert packs(hub).count(True) == 1
    assert len(packs(hub)) == 8
    for number, oid in enumerate(commits):
        assert hub.http().get(f"/alice/m/resolve/{oid}/f{number}", follow_redirects=True).text.startswith(f"content {number}")
    alice.commit(folder, more="1")
    alice("push", "-q", cwd=folder)
    mirror = alice.clone(f"{hub.url}/alice/m", "--mirror", into="mirror")
    alice("fsck", "--strict", cwd=mirror)


@pytest.mark.usefixtures("often")
def test_objects_that_no_branch_reaches_survive_a_merge(hub, tmp_path):
    """A push may be on its way that refers to them: its client was told that the hub has them."""
    token = hub.user("alice")
    hub.repo("alice/m")
    alice = Git(tmp_path, "alice", token).knows(hub.url)
    folder = alice.clone(f"{hub.url}/alice/m")
    oid = alice.commit(folder, side="1")
    alice("push", "-q", "origin", "HEAD:refs/heads/side", cwd=folder)
    alice("push", "-q", "origin", ":side", cwd=folder)
    for number in range(6):
        commit(hub, token, number)
    hub.settle()
    assert hub.http().get(f"/alice/m/resolve/{oid}/side", follow_redirects=True).text == "1"


@pytest.mark.usefixtures("often")
def test_a_fresh_cache_needs_only_the_merged_pack_and_forgotten_ones_leave_an_old_cache(hub):
    token = hub.user("alice")
    hub.repo("alice/m")
    last = [commit(hub, token, number) for number in range(6)][-1]
    hub.settle()
    with hub.m.db.read() as connection:
        repo_id = connection.execute(sa.select(pack.c.repo_id)).scalars().first()
    hub.m.git.forget(repo_id)
    assert hub.http().get(f"/alice/m/resolve/{last}/f0", follow_redirects=True).status_code == 200
    cached = Path(hub.m.git.path(repo_id)) / "objects" / "pack"
    assert len(list(cached.glob("*.pack"))) == 1
    (cached / "pack-0000.pack").write_bytes(b"left over")
    commit(hub, token, 7)
    hub.m.git.sync(repo_id)
    assert len(list(cached.glob("*.pack"))) == 2
