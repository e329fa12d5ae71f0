"""Making repositories on the website, their settings, and undoing a deletion."""

from __future__ import annotations

import re

import httpx
import pytest
import sqlalchemy as sa

from tests.conftest import RunningHub, run_hub, settings_for
from tests.people import browser
from tulou.db import tables as t
from tulou.features.content import resolve, revisions, storage
from tulou.features.repos import lookup as repos
from tulou.features.repos.model import Repo
from tulou.kernel.clock import FixedClock
from tulou.kernel.names import RepoKind, parse_repo_id


def found(hub: RunningHub, full: str, kind: RepoKind = RepoKind.MODEL) -> Repo:
    """Return a repository that must exist."""
    repo = repos.by_name(hub.m, parse_repo_id(kind, full))
    assert repo is not None
    return repo


def test_a_repository_is_made_with_its_license_in_the_card(hub: RunningHub):
    hub.user("alice")
    client = browser(hub, "alice")
    form = {"kind": "model", "owner": "alice", "name": "m", "visibility": "private", "license": "apache-2.0"}
    answer = client.post("/new", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/alice/m")
    repo = found(hub, "alice/m")
    assert repo.is_private
    card = resolve.read_file(hub.m, repo, revisions.commit_of(hub.m, repo, "main"), "README.md", 1000)
    assert card == b"---\nlicense: apache-2.0\n---\n"
    assert client.post("/new", data=form).status_code == 409


def test_a_space_gets_its_sdk_and_a_plain_repository_no_card(hub: RunningHub):
    hub.user("alice")
    client = browser(hub, "alice")
    space = {"kind": "space", "owner": "alice", "name": "s", "sdk": "gradio", "license": "mit"}
    assert client.post("/new", data=space).headers["location"] == "/spaces/alice/s"
    assert hub.http().get("/spaces/alice/s/resolve/main/README.md").text == "---\ntitle: s\nsdk: gradio\nlicense: mit\n---\n"
    assert client.post("/new", data={"kind": "dataset", "owner": "alice", "name": "d"}).status_code == 303
    assert hub.http().get("/datasets/alice/d/resolve/main/README.md").status_code == 404


@pytest.mark.parametrize("change", [
    {"kind": "pudding"}, {"name": ""}, {"name": "../x"}, {"license": "x\nadmin: true"}, {"license": "no-such"},
    {"visibility": "secret"}, {"kind": "space", "sdk": "cobol"}, {"owner": "bob"}, {"owner": "acme"}, {"owner": "nobody"},
])  # fmt: skip
def test_what_cannot_be_made_is_refused_on_the_form(hub: RunningHub, change: dict[str, str]):
    hub.user("alice")
    hub.user("bob")
    hub.org("acme", alice="read", bob="admin")
    answer = browser(hub, "alice").post("/new", data={"kind": "model", "owner": "alice", "name": "m", **change})
    assert answer.status_code in {400, 403}
    assert "<form" in answer.text


def test_only_administrators_of_a_repository_reach_its_settings(hub: RunningHub):
    for name in ("alice", "bob", "rita", "mallory"):
        hub.user(name)
    hub.org("acme", alice="admin", bob="write", rita="read")
    hub.repo("acme/open")
    hub.repo("acme/secret", private=True)
    clients: dict[str | None, httpx.Client] = {name: browser(hub, name) for name in ("alice", "bob", "rita", "mallory")}
    clients[None] = browser(hub)
    paths = (("GET", ""), ("POST", ""), ("POST", "/move"), ("POST", "/delete"))
    for method, path in paths:
        for name, status in (("bob", 403), ("rita", 403), ("mallory", 403), (None, 401)):
            assert clients[name].request(method, f"/acme/open/settings{path}").status_code == status, (name, method, path)
        for name, status in (("bob", 403), ("rita", 403), ("mallory", 404), (None, 401)):
            assert clients[name].request(method, f"/acme/secret/settings{path}").status_code == status, (name, method, path)
        hidden, missing = (clients["mallory"].request(method, f"/acme/{repo}/settings{path}") for repo in ("secret", "nothing"))
        assert hidden.text.replace("secret", "nothing") == missing.text
    assert clients["alice"].get("/acme/secret/settings").status_code == 200


def test_visibility_and_gating_change_at_once(hub: RunningHub):
    hub.user("alice")
    hub.repo("alice/m")
    client = browser(hub, "alice")
    assert client.post("/alice/m/settings", data={"visibility": "private", "gated": ""}).status_code == 303
    assert hub.http().get("/api/models/alice/m").status_code == 401
    assert client.post("/alice/m/settings", data={"visibility": "public", "gated": "manual"}).status_code == 303
    assert hub.http().get("/api/models/alice/m").json()["gated"] == "manual"
    assert client.post("/alice/m/settings", data={"visibility": "everyone"}).status_code == 400


def test_renaming_and_deleting_want_the_name_typed(hub: RunningHub):
    hub.user("alice")
    hub.org("acme", alice="write")
    hub.repo("alice/m")
    client = browser(hub, "alice")
    move = {"owner": "acme", "name": "better", "confirm": "alice/M"}
    assert client.post("/alice/m/settings/move", data=move).status_code == 400
    answer = client.post("/alice/m/settings/move", data={**move, "name": "n", "owner": "alice", "confirm": "alice/m"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/alice/n/settings?done=renamed")
    assert client.get("/alice/m/settings").headers["location"] == "/alice/n/settings"
    assert client.post("/alice/n/settings/delete", data={"confirm": ""}).status_code == 400
    assert client.post("/alice/n/settings/delete", data={"confirm": "alice/n"}).status_code == 303
    assert client.get("/alice/n").status_code == 404


def deleted_id(client: httpx.Client) -> str:
    """Return the id of the one repository that can be restored."""
    ids = re.findall(r"/settings/deleted/([0-9a-f]{24})/restore", client.get("/settings/deleted").text)
    assert len(ids) == 1
    return ids[0]


def test_a_deleted_repository_comes_back_whole(hub: RunningHub):
    token = hub.user("alice")
    hub.repo("alice/m", private=True)
    client = browser(hub, "alice")
    before = hub.http(token).get("/api/models/alice/m").json()["sha"]
    client.post("/alice/m/settings/delete", data={"confirm": "alice/m"})
    hub.settle()
    answer = client.post(f"/settings/deleted/{deleted_id(client)}/restore")
    assert (answer.status_code, answer.headers["location"]) == (303, "/alice/m/settings?done=restored")
    hub.settle()
    found_again = hub.http(token).get("/api/models/alice/m").json()
    assert (found_again["sha"], found_again["private"]) == (before, True)
    assert [item["id"] for item in hub.http(token).get("/api/models?search=alice/m").json()] == ["alice/m"]


def test_a_name_that_was_taken_meanwhile_needs_another(hub: RunningHub):
    hub.user("alice")
    hub.repo("alice/m")
    client = browser(hub, "alice")
    client.post("/alice/m/settings/delete", data={"confirm": "alice/m"})
    hub.repo("alice/m")
    path = f"/settings/deleted/{deleted_id(client)}/restore"
    asked = client.post(path)
    assert asked.status_code == 409
    assert 'name="name"' in asked.text
    assert client.post(path, data={"name": "../x"}).status_code == 400
    assert client.post(path, data={"name": "m2"}).headers["location"] == "/alice/m2/settings?done=restored"


def test_nobody_else_restores_it_and_after_a_week_nobody(tmp_path, database_url: str):
    clock = FixedClock()
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url), clock):
        for name in ("alice", "bob", "mallory"):
            hub.user(name)
        hub.org("acme", alice="admin", bob="write")
        hub.repo("acme/m")
        client = browser(hub, "alice")
        client.post("/acme/m/settings/delete", data={"confirm": "acme/m"})
        path = f"/settings/deleted/{deleted_id(client)}/restore"
        for name in ("bob", "mallory"):
            other = browser(hub, name)
            assert "acme/m" not in other.get("/settings/deleted").text
            assert other.post(path).status_code == 404
        clock.advance(seconds=7 * 86_400 + 1)
        assert client.post(path).status_code == 404
        assert "acme/m" not in client.get("/settings/deleted").text


def test_storage_says_what_is_shared(hub: RunningHub):
    token = hub.user("alice")
    hub.repo("alice/m")
    alone = storage.of_repo(hub.m, found(hub, "alice/m"))
    assert (alone.packs.count, alone.packs.shared, alone.unique) == (1, 0, alone.bytes)
    answer = hub.http(token).post("/api/models/alice/m/duplicate", json={"repository": "alice/copy"})
    assert answer.status_code == 200
    both = storage.of_repo(hub.m, found(hub, "alice/m"))
    assert (both.packs.shared, both.unique) == (both.bytes, 0)
    assert storage.of_hub(hub.m).packs_bytes == alone.bytes


def test_storage_tells_chunks_of_one_repository_from_those_of_several(hub: RunningHub):
    hub.user("alice")
    hub.repo("alice/m")
    hub.repo("alice/n")
    mine, other = found(hub, "alice/m"), found(hub, "alice/n")
    # x1 is in a file of both; x2 in a file of m alone; x3 in an upload of m, and in a whole file of n; b is a blob of m.
    with hub.m.db.write() as tx:
        for name, size in (("x1", 100), ("x2", 20), ("x3", 3)):
            tx.execute(sa.insert(t.xorb).values(
                hash=name, chunks=1, raw_size=size, stored_size=size, created_at=1, touched_at=1
            ))  # fmt: skip
        for file, xorbs in (("f1", ["x1"]), ("f2", ["x1", "x2"]), ("f3", ["x3"])):
            tx.execute(sa.insert(t.xet_file).values(hash=file, size=1, terms=b"", created_at=1))
            tx.execute(sa.insert(t.file_xorb), [{"file_hash": file, "xorb_hash": name} for name in xorbs])
        for sha, file in (("s1", "f1"), ("s2", "f2"), ("s3", "f3"), ("b", None)):
            tx.execute(sa.insert(t.lfs_object).values(sha256=sha, size=7, file_hash=file, has_blob=file is None, created_at=1))
        for repo, sha in ((mine, "s1"), (other, "s1"), (mine, "s2"), (other, "s3"), (mine, "b")):
            tx.execute(sa.insert(t.repo_object).values(repo_id=repo.id, sha256=sha, size=7, committed=True, created_at=1))
        tx.execute(sa.insert(t.repo_file).values(repo_id=mine.id, file_hash="f3", created_at=1))
    held = storage.of_repo(hub.m, mine)
    assert (held.xorbs.count, held.xorbs.bytes, held.xorbs.unique) == (3, 123, 20)
    assert (held.blobs.count, held.blobs.bytes, held.blobs.unique) == (1, 7, 7)
    assert (held.files, held.files_bytes) == (3, 21)
    theirs = storage.of_repo(hub.m, other)
    assert (theirs.xorbs.count, theirs.xorbs.bytes, theirs.xorbs.unique) == (2, 103, 0)
