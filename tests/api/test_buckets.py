"""Buckets by raw HTTP: who may, what a batch does, listings, downloads, and names."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import sqlalchemy as sa

from tests import xet_data as xd
from tests.api.test_matrix import PERSONAS, people, visible
from tests.bucket_client import BucketClient, add, copy, delete, small
from tests.conftest import RunningHub, run_hub, settings_for
from tulou.db.tables import audit, repo, repo_object
from tulou.db.tables import bucket as bucket_table
from tulou.features.access import scopes
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts import signin
from tulou.features.accounts.tokens import create_token
from tulou.features.buckets import browse
from tulou.features.repos import lookup
from tulou.kernel.actor import SYSTEM, Action, TokenRole
from tulou.kernel.names import RepoKind, parse_repo_id

VALUES = {"rev": "main", "path": "a.txt", "prefix": "a"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[RunningHub]:
    """One hub for all tests here: each has people and buckets of its own."""
    if request.config.getoption("--db") == "sqlite":
        yield from run_hub(settings_for(tmp_path_factory.mktemp("buckets") / "data"))
        return
    with request.getfixturevalue("postgres").database() as url:
        yield from run_hub(settings_for(tmp_path_factory.mktemp("buckets") / "data", database_url=url))


@pytest.fixture
def owner(hub: RunningHub, request: pytest.FixtureRequest) -> str:
    """The name of somebody whom no other test knows."""
    return f"u{zlib.crc32(request.node.name.encode())}"


@pytest.fixture
def mine(hub: RunningHub, owner: str) -> BucketClient:
    """A public bucket of theirs."""
    return BucketClient(hub, hub.user(owner), f"{owner}/b")


def knock(hub: RunningHub, client: httpx.Client, account: str, name: str) -> Iterator[tuple[Action, httpx.Response]]:
    """Make every request that is about one bucket but its deletion, with a harmless empty body."""
    for route in hub.hub.router.routes:
        if route.kind is not RepoKind.BUCKET or not isinstance(route.access, Action) or route.login.name == "COOKIE":
            continue
        path = route.pattern
        for key, value in {**VALUES, "account": account, "name": name}.items():
            path = path.replace(f"{{{key}*}}", value).replace(f"{{{key}}}", value)
        for method in route.methods:
            if method != "DELETE":
                yield route.access, client.request(method, path, json={} if method in {"POST", "PUT"} else None)


def test_every_door_to_a_bucket_keeps_to_the_table_of_rights_and_tells_strangers_nothing(tmp_path: Path):
    for hub in run_hub(settings_for(tmp_path / "data")):
        clients = people(hub)
        clients["owner"].post("/api/buckets/acme/b", json={"visibility": "private"})
        for persona, right in PERSONAS.items():
            answers = zip(knock(hub, clients[persona], "acme", "b"), knock(hub, clients[persona], "acme", "nothing"), strict=True)
            for (action, hidden), (_, missing) in answers:
                if right is None:
                    assert visible(hidden) == visible(missing), (persona, hidden.url)
                    assert hidden.status_code == (401 if persona == "anonymous" else 404), (persona, hidden.url)
                    assert hidden.headers["x-error-code"] == "RepoNotFound"
                elif action > right:
                    assert hidden.status_code == 403, (persona, hidden.url)
                else:
                    assert hidden.status_code not in {401, 403, 500, 503}, (persona, hidden.url, hidden.text)
        assert clients["outsider"].get("/api/buckets/acme").json() == []
        assert clients["writer"].delete("/api/buckets/acme/b").status_code == 403
        assert clients["outsider"].delete("/api/buckets/acme/b").status_code == 404
        assert clients["reader"].get("/api/buckets/acme/b").status_code == 200
        assert clients["owner"].delete("/api/buckets/acme/b").status_code == 200


def test_a_bucket_is_made_found_listed_closed_renamed_and_deleted(hub: RunningHub, owner: str):
    token = hub.user(owner)
    http = hub.http(token)
    made = http.post("/api/buckets/me/Mixed.Case", json={})
    assert (made.status_code, made.json()) == (200, {"url": f"{hub.url}/buckets/{owner}/Mixed.Case"})
    again = http.post(f"/api/buckets/{owner}/mixed.case", json={})
    assert (again.status_code, again.json()["url"]) == (409, made.json()["url"])
    assert http.get(f"/api/buckets/{owner}/MIXED.case").json()["id"] == f"{owner}/Mixed.Case"
    http.post("/api/buckets/me/second", json={"visibility": "private"})
    assert [one["id"] for one in http.get("/api/buckets/me").json()] == [f"{owner}/Mixed.Case", f"{owner}/second"]
    assert [one["id"] for one in http.get(f"/api/buckets/{owner}", params={"search": "ECO"}).json()] == [f"{owner}/second"]
    assert [one["id"] for one in hub.http().get(f"/api/buckets/{owner}").json()] == [f"{owner}/Mixed.Case"]
    assert hub.http().get("/api/buckets/me").status_code == 401
    assert hub.http().get("/api/buckets/nobody-of-that-name").status_code == 404

    assert http.put(f"/api/buckets/{owner}/second/settings", json={"private": False}).status_code == 200
    assert hub.http().get(f"/api/buckets/{owner}/second").json()["private"] is False
    assert http.put(f"/api/buckets/{owner}/second/settings", json={"gated": "auto"}).status_code == 501
    renamed = {"fromRepo": f"{owner}/second", "toRepo": f"{owner}/third", "type": "bucket"}
    assert http.post("/api/repos/move", json=renamed).status_code == 200
    assert http.get(f"/api/buckets/{owner}/second", follow_redirects=True).json()["id"] == f"{owner}/third"
    taken = http.post("/api/repos/move", json=renamed | {"fromRepo": f"{owner}/third", "toRepo": f"{owner}/Mixed.Case"})
    assert (taken.status_code, taken.json()["error"]) == (409, f"A bucket repository called {owner}/Mixed.Case already exists")
    assert http.delete(f"/api/buckets/{owner}/third").status_code == 200
    assert http.get(f"/api/buckets/{owner}/third").status_code == 404
    hub.settle()


def test_an_account_says_how_open_its_buckets_are_and_only_its_writers_make_any(hub: RunningHub, owner: str):
    token = hub.user(owner)
    hub.org(f"{owner}-org", **{owner: "admin"})
    account = accounts.by_name(hub.m, f"{owner}-org")
    assert account is not None
    with hub.m.db.write() as tx:
        tx.execute(sa.text("UPDATE account SET default_visibility = 'private' WHERE id = :id"), {"id": account.id})
    assert hub.http(token).post(f"/api/buckets/{owner}-org/b", json={}).status_code == 200
    assert hub.http(token).get(f"/api/buckets/{owner}-org/b").json()["private"] is True
    stranger = hub.http(hub.user(f"{owner}x"))
    assert stranger.post(f"/api/buckets/{owner}-org/c", json={}).status_code == 403
    assert stranger.post(f"/api/buckets/{owner}-org/b", json={}).json().get("url") is None
    assert stranger.post("/api/buckets/me/c", json={"region": "eu"}).status_code == 501
    assert hub.http().post(f"/api/buckets/{owner}/c", json={}).status_code == 401


def test_files_come_go_and_are_counted(mine: BucketClient):
    one, two = small(1), small(2)
    mine.put(a=one, deep__b=one, deep__c=two)
    size = one.made.size
    assert (mine.info()["totalFiles"], mine.info()["size"]) == (3, 3 * size)
    assert stored(mine) == 2 * size  # the same content is kept once
    answer = mine.batch(add("a", two), delete("deep/b"), delete("never/was"), add("new", one), delete("new"))
    assert answer.json() == {"success": True, "processed": 5, "succeeded": 5, "failed": []}
    assert mine.paths() == ["a", "deep/c"]
    assert (mine.info()["totalFiles"], mine.info()["size"], stored(mine)) == (2, 2 * size, size)
    with mine.hub.m.db.read() as connection:
        last = connection.execute(sa.select(audit).where(audit.c.action == "bucket.change").order_by(audit.c.id.desc())).first()
    assert last is not None
    assert json.loads(last.detail) == {"deleted": 1, "written": 1}


def stored(client: BucketClient) -> int:
    """Return what the bucket counts for, which garbage collection would count alike."""
    found = lookup.by_name(client.hub.m, parse_repo_id(RepoKind.BUCKET, client.full))
    assert found is not None
    with client.hub.m.db.read() as connection:
        claims = sa.select(sa.func.coalesce(sa.func.sum(repo_object.c.size), 0))
        counted = connection.execute(claims.where(repo_object.c.repo_id == found.id, repo_object.c.committed)).scalar_one()
        kept = connection.execute(sa.select(repo.c.storage_bytes).where(repo.c.id == found.id)).scalar_one()
    assert kept == counted
    return int(kept)


def test_a_batch_does_what_it_can_and_says_what_it_could_not(mine: BucketClient):
    one = small(3)
    mine.put(a=one)
    bad = copy("x", "0" * 64, mine.full)
    some = mine.batch(copy("b", one, mine.full), bad, add("../up", one), add("c", "1" * 64))
    assert some.status_code == 200
    assert [failure["path"] for failure in some.json()["failed"]] == ["x", "../up", "c"]
    assert all(failure["error"] for failure in some.json()["failed"])
    assert mine.paths() == ["a", "b"]
    nothing = mine.batch(bad)
    assert (nothing.status_code, [failure["path"] for failure in nothing.json()["failed"]]) == (422, ["x"])


def test_nobody_gets_content_by_naming_its_hash(hub: RunningHub, owner: str, mine: BucketClient):
    secret = small(4)
    hidden = BucketClient(hub, hub.user(f"{owner}-victim"), f"{owner}-victim/hidden", private=True)
    hidden.put(secret=secret)
    named, unknown = mine.batch(add("x", secret)), mine.batch(add("x", "2" * 64))
    assert named.json() == unknown.json()
    taken, missing = mine.batch(copy("x", secret, hidden.full)), mine.batch(copy("x", secret, f"{owner}-victim/none"))
    assert taken.json() == missing.json()
    elsewhere = mine.batch(copy("x", secret, mine.full))
    assert elsewhere.json() == mine.batch(copy("x", "2" * 64, mine.full)).json()
    assert mine.paths() == []
    assert mine.cas("read").get(f"/v1/reconstructions/{secret.name}").status_code == 404
    hidden.http.put(f"{hidden.api}/settings", json={"private": False})
    assert mine.batch(copy("x", secret, hidden.full)).json()["failed"] == []
    # What was uploaded to an open bucket but never put there is not its readers' to take.
    waiting = small(5)
    hidden.send(waiting)
    assert mine.batch(copy("y", waiting, hidden.full)).status_code == 422


def test_large_files_of_a_repository_are_copied_from_its_history_alone(hub: RunningHub, owner: str, mine: BucketClient):
    hub.repo(f"{owner}/m")
    landed, waiting = small(6), small(7)
    token = mine.http.get(f"/api/models/{owner}/m/xet-write-token/main").json()["accessToken"]
    for file in (landed, waiting):
        hub.http(token).post(f"/v1/xorbs/default/{file.made.name}", content=file.made.body)
        assert hub.http(token).post("/v1/shards", content=file.shard()).status_code == 200
    pointer = {"path": "weights.bin", "algo": "sha256", "oid": landed.sha256, "size": landed.made.size}
    lines = [{"key": "header", "value": {"summary": "add"}}, {"key": "lfsFile", "value": pointer}]
    body = "\n".join(map(json.dumps, lines))
    assert mine.http.post(f"/api/models/{owner}/m/commit/main", content=body).status_code == 200
    assert mine.batch(copy("w", landed, f"{owner}/m", "model")).json()["failed"] == []
    assert mine.get("w").content == landed.made.content
    assert mine.batch(copy("v", waiting, f"{owner}/m", "model")).status_code == 422


@pytest.mark.parametrize("prefix", ["", "a", "a/", "a/b", "a/b/", "b", "ü", "zz"])
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_a_level_holds_the_files_and_folders_that_a_plain_reckoning_gives(hub: RunningHub, listing: BucketClient, prefix, limit):
    bucket = lookup.by_name(hub.m, parse_repo_id(RepoKind.BUCKET, listing.full))
    assert bucket is not None
    depth = prefix.rstrip("/").count("/") + 2 if prefix else 1
    parts = [path.split("/") for path in PATHS if path.startswith(prefix)]
    expected = {"/".join(p[:depth]) + ("/" if len(p) > depth else "") for p in parts}
    for look, wanted in ((browse.level, expected), (browse.everything, {p for p in PATHS if p.startswith(prefix)})):
        got: list[str] = []
        cursor = None
        while True:
            page = look(hub.m, bucket, prefix, cursor=cursor, limit=limit)
            assert len(page.entries) <= limit
            got += [entry.path + ("/" if isinstance(entry, browse.Folder) else "") for entry in page.entries]
            cursor = page.cursor
            if cursor is None:
                break
        assert got == sorted(wanted, key=lambda path: path.encode())


PATHS = sorted(
    ["a", "a-b", "a.txt", "a/b", "a/b/c", "a/b/d/e", "a/bc/x", "a/b0", "ab/c", "b", "b/1", "ü/x", "ü/y/z", "Z/z", "z"]
    + [f"a/many/{i}" for i in range(12)]
    + [f"c{i}/x" for i in range(9)]
)


@pytest.fixture(scope="module")
def listing(hub: RunningHub) -> BucketClient:
    """A bucket with the same content under many paths."""
    client = BucketClient(hub, hub.user("lister"), "lister/b")
    file = small(8)
    client.send(file)
    assert client.batch(*(add(path, file) for path in PATHS)).json()["failed"] == []
    return client


def test_listings_are_deep_unless_told_otherwise_and_come_in_pages(listing: BucketClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tulou.delivery.hf.buckets.TREE_PAGE", 4)
    assert listing.paths() == listing.paths(recursive="true") == sorted(PATHS, key=str.encode)
    top = listing.paths(recursive="false")
    assert top[:4] == ["Z/", "a", "a-b", "a.txt"]
    assert listing.paths("a%2Fb", recursive="false") == ["a/b", "a/b/c", "a/b/d/", "a/b0", "a/bc/x"]
    assert listing.paths(quote("ü")) == ["ü/x", "ü/y/z"]
    found = listing.http.post(f"{listing.api}/paths-info", json={"paths": ["z", "nothing", "a/b", "", "x\0"]}).json()
    assert [entry["path"] for entry in found] == ["z", "a/b"]
    assert found[0] | {"uploadedAt": None, "xetHash": None} == {
        "type": "file", "path": "z", "size": 6_000, "xetHash": None, "mtime": "2023-11-14T22:13:20.000Z", "uploadedAt": None,
    }  # fmt: skip


def test_a_folder_says_when_its_last_file_came_unless_it_has_too_many(listing: BucketClient, monkeypatch: pytest.MonkeyPatch):
    def times() -> dict[str, str | None]:
        entries = listing.http.get(f"{listing.api}/tree?recursive=false").json()
        return {entry["path"]: entry.get("uploadedAt") for entry in entries if entry["type"] == "directory"}

    assert set(times()) == {"Z", "a", "ab", "b", "ü", *(f"c{i}" for i in range(9))}
    assert all(times().values())
    monkeypatch.setattr("tulou.features.buckets.queries.BUCKET_FOLDER_ROWS", 28)  # two for each of the fourteen
    assert {path for path, at in times().items() if at is None} == {"a"}


def test_a_file_is_served_whole_in_parts_and_never_as_something_that_runs(mine: BucketClient):
    file = small(9)
    mine.send(file)
    kinds = {"page.html": "text/html", "pic": "image/png", "b.svg": "image/svg+xml", "t.txt": None}
    mine.batch(*(add(path, file, **({"contentType": kind} if kind else {})) for path, kind in kinds.items()))
    whole = mine.get("pic")
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, file.made.content, "image/png")
    assert mine.get("page.html").headers["content-type"] == "application/octet-stream"
    assert mine.get("b.svg").headers["content-type"] == "application/octet-stream"
    assert mine.get("t.txt").headers["content-type"] == "text/plain; charset=utf-8"
    assert "sandbox" in whole.headers["content-security-policy"]
    part = mine.get("pic", range="bytes=2999-3000")
    assert (part.status_code, part.content) == (206, file.made.content[2999:3001])
    assert part.headers["content-range"] == f"bytes 2999-3000/{file.made.size}"
    assert mine.get("pic", range="bytes=6000-").status_code == 416
    assert mine.get("pic", **{"if-none-match": f'"{file.name}"'}).status_code == 304
    head = mine.http.head(f"/buckets/{mine.full}/resolve/{quote('page.html', safe='')}")
    assert (head.headers["content-length"], head.headers["x-linked-size"]) == ("6000", "6000")
    assert head.headers["x-xet-hash"] == file.name
    assert f'<{mine.hub.url}{mine.api}/xet-read-token>; rel="xet-auth"' in head.headers["link"]
    missing = mine.get("nothing")
    assert (missing.status_code, missing.headers["x-error-code"]) == (404, "EntryNotFound")
    info = mine.get("pic", accept="application/vnd.xet-fileinfo+json").json()
    assert info == {"hash": file.name, "size": 6000, "etag": file.name}


def test_content_cut_in_two_ways_is_held_under_one_name(mine: BucketClient):
    whole = small(10)
    recut = xd.WholeFile(xd.Made([whole.made.content[:1_000], whole.made.content[1_000:]]))
    assert recut.name != whole.name
    mine.put(a=whole)
    mine.put(b=recut)
    assert mine.get("b").content == whole.made.content
    assert stored(mine) == whole.made.size
    mine.batch(delete("a"))
    assert stored(mine) == whole.made.size
    mine.batch(delete("b"))
    assert stored(mine) == 0


NAMELESS = "0" * 64
NOT_LINES = (b"{", b"[]", b"1", b"\xff", b'{"type":"addFile"}', b'{"type":[],"path":"a"}', b'{"type":"addFile","path":"a"}')
NOT_OPERATIONS = (
    add("a", "A"), add("a", NAMELESS, mtime="x"), add("a", NAMELESS, mtime=1e30), add("a", NAMELESS, mtime=True),
    add("a", NAMELESS, mtime=float("nan")), add("a", NAMELESS, contentType="a\r\nb: c"), add("a", NAMELESS, contentType=5),
    add("a", NAMELESS) | {"type": "copyFile"}, copy("a", NAMELESS, "x", "planet"), copy("a", NAMELESS, "x/y", []),
    delete("\ud800"),
)  # fmt: skip
IN_VAIN = (copy("a", NAMELESS, "../.."), delete("a\0b"), delete(""), delete("a/" * 40))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *((line, 400) for line in NOT_LINES),
        *((json.dumps(operation).encode(), 400) for operation in NOT_OPERATIONS),
        *((json.dumps(operation).encode(), 422) for operation in IN_VAIN),
        (b"\n".join([json.dumps(delete("a")).encode()] * 5_001), 400),
        (b"", 200),
        (b"\n\n", 200),
        (b"\n" * 10_001, 400),
        (b" " * (17 << 20), 413),
    ],
)
def test_a_batch_that_is_none_is_refused_and_changes_nothing(listing: BucketClient, body: bytes, status: int):
    before = listing.info()["totalFiles"]
    assert listing.http.post(f"{listing.api}/batch", content=body).status_code == status
    assert listing.info()["totalFiles"] == before


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/tree/%00", None, 400), ("GET", "/tree?cursor=%00", None, 400), ("GET", "/tree?cursor=%ff", None, 200),
        ("GET", "/tree?recursive=false&cursor=/", None, 200), ("GET", "/tree/%ff", None, 400),
        ("GET", "/tree/..%2F..", None, 200),
        ("POST", "/paths-info", {"paths": "a"}, 400), ("POST", "/paths-info", {"paths": [1]}, 400),
        ("POST", "/paths-info", {}, 400),
        ("POST", "/paths-info", {"paths": ["a"] * 1_001}, 400), ("PUT", "/settings", {"private": "yes"}, 400),
        ("PUT", "/settings", {"visibility": "none"}, 400), ("PUT", "/settings", {}, 200), ("GET", "/events", None, 501),
        ("GET", "/commits/main", None, 404), ("PATCH", "", None, 405),
    ],
)  # fmt: skip
def test_strange_requests_get_an_answer_that_says_so(listing: BucketClient, method: str, path: str, body: object, status: int):
    answer = listing.http.request(method, listing.api + path, json=body)
    assert answer.status_code == status, answer.text


def test_a_bucket_is_no_repository_of_git(hub: RunningHub, mine: BucketClient, owner: str):
    mine.put(a=small(11))
    git = f"/buckets/{owner}/b.git/info/refs?service=git-upload-pack"
    for path in (git, f"/{owner}/b/resolve/main/a", f"/api/models/{owner}/b"):
        assert mine.http.get(path).status_code == 404
    assert mine.http.post("/api/repos/create", json={"name": "x", "type": "bucket"}).status_code == 400
    assert mine.http.get("/api/models", params={"author": owner}).json() == []
    assert [(one["id"], one["type"]) for one in mine.http.get("/api/settings/repositories").json()] == [(f"{owner}/b", "bucket")]


def test_a_token_for_one_bucket_reaches_no_other(hub: RunningHub, owner: str, mine: BucketClient):
    BucketClient(hub, mine.http.headers["authorization"].removeprefix("Bearer "), f"{owner}/other", private=True)
    account = accounts.by_name(hub.m, owner)
    assert account is not None
    actor = signin.actor(hub.m, signin.by_id(hub.m, account.id, None), "127.0.0.1", "r")
    scope = scopes.grant(hub.m, actor, f"buckets/{owner}/b", scopes.WRITE)
    made = create_token(hub.m, SYSTEM, account.id, name="narrow", role=TokenRole.FINE_GRAINED, scopes=(scope,))
    narrow = BucketClient(hub, made.secret, f"{owner}/b")
    narrow.put(a=small(12))
    assert narrow.http.get(f"/api/buckets/{owner}/other").status_code == 404
    assert [one["id"] for one in narrow.http.get("/api/buckets/me").json()] == [f"{owner}/b"]


def test_batches_that_race_leave_totals_that_fit(hub: RunningHub, owner: str, mine: BucketClient):
    files = [small(20 + number) for number in range(3)]
    mine.send(*files)

    def work(number: int) -> None:
        client = hub.http(mine.http.headers["authorization"].removeprefix("Bearer "))
        for turn in range(6):
            lines = [add(f"{turn % 3}/{number % 2}", files[(number + turn) % 3]), delete(f"{(turn + 1) % 3}/{number % 2}")]
            assert client.post(f"{mine.api}/batch", content="\n".join(map(json.dumps, lines))).status_code == 200

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    info = mine.info()
    assert info["totalFiles"] == len(mine.paths())
    assert info["size"] == 6_000 * len(mine.paths())
    kinds = {entry["xetHash"] for entry in mine.http.get(f"{mine.api}/tree").json()}
    assert stored(mine) == 6_000 * len(kinds)


def test_totals_are_what_the_rows_say(hub: RunningHub, listing: BucketClient):
    with hub.m.db.read() as connection:
        rows = connection.execute(
            sa.text("SELECT b.files, b.bytes, COUNT(f.path) AS n, COALESCE(SUM(f.size), 0) AS s FROM bucket b "
                    "LEFT JOIN bucket_file f ON f.repo_id = b.repo_id GROUP BY b.repo_id, b.files, b.bytes")
        ).all()  # fmt: skip
        assert rows
        assert all((row.files, row.bytes) == (row.n, row.s) for row in rows)
        assert connection.execute(sa.select(sa.func.count()).select_from(bucket_table)).scalar_one() == len(rows)
