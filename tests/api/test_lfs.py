"""The git-lfs batch API and its links, request by request."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import sqlalchemy as sa

from tests.conftest import RunningHub
from tulou.db.tables import account, lfs_object, token, xet_file
from tulou.features.content import lfs as lfs_use_cases
from tulou.features.content.lfs_upload import expire
from tulou.kernel import limits
from tulou.platform.blobs.store import blob_key

CONTENT = b"some large content"
OID, SIZE = hashlib.sha256(CONTENT).hexdigest(), len(CONTENT)
OTHER = hashlib.sha256(b"something else").hexdigest()
URL = "/alice/m.git/info/lfs/objects/batch"


@pytest.fixture
def alice(hub: RunningHub) -> httpx.Client:
    client = hub.http(hub.user("alice"))
    hub.repo("alice/m")
    return client


def ask(client: httpx.Client, operation: str, *objects: dict, url: str = URL, **more) -> httpx.Response:
    return client.post(url, json={"operation": operation, "objects": list(objects), **more})


def upload(client: httpx.Client, content: bytes, url: str = URL) -> None:
    oid = hashlib.sha256(content).hexdigest()
    [told] = ask(client, "upload", {"oid": oid, "size": len(content)}, url=url).raise_for_status().json()["objects"]
    httpx.put(told["actions"]["upload"]["href"], content=content, trust_env=False).raise_for_status()


def obj(oid: object = OID, size: object = SIZE) -> dict:
    return {"oid": oid, "size": size}


def test_a_batch_says_for_each_object_what_to_do(alice):
    upload(alice, CONTENT)
    told = ask(alice, "upload", obj(), obj(OTHER, 5)).json()
    assert told["transfer"] == "basic"
    assert told["objects"][0] == {"oid": OID, "size": SIZE}, "no `actions` at all: clients crash on null"
    assert set(told["objects"][1]["actions"]) == {"upload", "verify"}
    told = ask(alice, "download", obj(), obj(OTHER, 5)).json()
    assert set(told["objects"][0]["actions"]) == {"download"}
    assert told["objects"][1]["error"]["code"] == 404


@pytest.mark.parametrize("operation", ["upload", "download"])
@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (obj(size=-1), 422), (obj(size=1.5), 422), (obj(size="5"), 422), (obj(size=None), 422), (obj(size=True), 422),
        (obj(size=2**63), 422), (obj("A" * 64), 422), (obj("0" * 63), 422), (obj("../" * 21 + "x"), 422), (obj(""), 422),
    ],
)  # fmt: skip
def test_an_impossible_object_is_an_error_of_that_object_only(alice, operation, wanted, code):
    upload(alice, CONTENT)
    told = ask(alice, operation, wanted, obj()).json()["objects"]
    assert told[0]["error"]["code"] == code
    assert "error" not in told[1]


@pytest.mark.parametrize("operation", ["upload", "download"])
def test_an_object_of_another_size_is_an_error(alice, operation):
    upload(alice, CONTENT)
    assert ask(alice, operation, obj(size=SIZE + 1)).json()["objects"][0]["error"]["code"] == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422), ({"operation": "delete", "objects": []}, 422), ({"operation": "upload"}, 422),
        ({"operation": "upload", "objects": {}}, 422),
        ({"operation": "upload", "objects": [1]}, 422), ({"operation": "upload", "objects": [{}]}, 422),
        ({"operation": "upload", "objects": [{"oid": 1, "size": 1}]}, 422),
        ({"operation": "upload", "objects": [], "transfers": "basic"}, 422),
        ({"operation": "upload", "objects": [], "transfers": ["ssh"]}, 422),
        ({"operation": "upload", "objects": [], "hash_algo": "sha512"}, 409),
        ({"operation": "upload", "objects": [{"oid": OID, "size": 1}] * 1001}, 422),
        ({"operation": "upload", "objects": []}, 200), ({"operation": "download", "objects": []}, 200),
        ({"operation": "download", "objects": [], "hash_algo": "sha256", "ref": {"name": "refs/heads/main"}}, 200),
    ],
)  # fmt: skip
def test_a_batch_as_a_whole_is_checked(alice, body, status):
    answer = alice.post(URL, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/vnd.git-lfs+json"
    assert status == 200 or answer.json()["message"]


def test_a_body_that_is_no_json_object_is_a_400_with_a_message(alice):
    for body in (b"[]", b"{", b"\xff", b'{"operation": "\\ud800"}'):
        answer = alice.post(URL, content=body)
        assert (answer.status_code, set(answer.json())) in ((400, {"message", "code"}), (422, {"message", "code"}))


def test_who_may_not_write_may_not_upload_and_strangers_are_asked_who_they_are(hub, alice):
    reader = hub.http(hub.user("reader"))
    assert ask(reader, "upload", obj()).status_code == 403
    answer = ask(hub.http(), "upload", obj())
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="tulou"')
    hub.repo("alice/secret", private=True)
    for name in ("secret", "missing"):
        url = f"/alice/{name}.git/info/lfs/objects/batch"
        assert ask(reader, "download", obj(), url=url).status_code == 404
        assert ask(hub.http(), "download", obj(), url=url).status_code == 401


def test_content_that_does_not_match_its_name_is_refused_and_not_stored(hub, alice):
    [told] = ask(alice, "upload", obj()).json()["objects"]
    href = told["actions"]["upload"]["href"]
    for wrong in (b"x" * SIZE, CONTENT[:-1], CONTENT + b"x", b""):
        assert httpx.put(href, content=wrong, trust_env=False).status_code == 422
    chunked = httpx.put(href, content=iter([CONTENT, b"more"]), trust_env=False)
    assert chunked.status_code == 413
    verify = told["actions"]["verify"]["href"]
    assert alice.post(verify, json=obj()).status_code == 404
    assert httpx.put(href, content=CONTENT, trust_env=False).status_code == 200
    assert alice.post(verify, json=obj()).status_code == 200
    assert alice.post(verify, json=obj(size=SIZE + 1)).status_code == 422
    assert not [path for path in Path(hub.m.work).iterdir() if path.name.startswith("body")], "nothing is left behind"


def test_a_link_is_worth_nothing_for_anything_else(hub, alice):
    hub.repo("alice/other")
    upload(alice, CONTENT)
    [get] = ask(alice, "download", obj()).json()["objects"]
    [put] = ask(alice, "upload", obj(OTHER, 14)).json()["objects"]
    read, write = get["actions"]["download"]["href"], put["actions"]["upload"]["href"]
    claim = parse_qs(urlsplit(write).query)["claim"][0]
    bodies = {"PUT": b"something else"}
    tries = [
        ("PUT", read), ("GET", write), ("POST", write), ("PUT", write.replace(OTHER, OID)), ("GET", read.replace(OID, OTHER)),
        ("PUT", write.replace("?claim=", "?claim=A")), ("PUT", write.split("?")[0]), ("PUT", write.split("?")[0] + "?claim="),
        ("PUT", write.split("?")[0] + "?" + urlencode({"claim": claim.split(".")[0] + "."})),
        ("POST", write.replace("?", "/verify?")),
        ("PUT", write.replace("?", "/part?")), ("PUT", write.split("?")[0] + "?claim=%C3%A9.%C3%A9"),
    ]  # fmt: skip
    for method, href in tries:
        assert httpx.request(method, href, content=bodies.get(method), trust_env=False).status_code == 403, (method, href)


def test_a_link_dies_with_the_right_behind_it(hub, alice):
    hub.repo("alice/secret", private=True)
    url = "/alice/secret.git/info/lfs/objects/batch"
    upload(alice, CONTENT, url)
    [get] = ask(alice, "download", obj(), url=url).json()["objects"]
    [put] = ask(alice, "upload", obj(OTHER, 14), url=url).json()["objects"]
    assert httpx.get(get["actions"]["download"]["href"], trust_env=False).content == CONTENT
    _revoke_everything(hub, "alice")
    assert httpx.get(get["actions"]["download"]["href"], trust_env=False).status_code == 403
    assert httpx.put(put["actions"]["upload"]["href"], content=b"something else", trust_env=False).status_code == 403


def _revoke_everything(hub: RunningHub, name: str) -> None:
    mine = sa.select(account.c.id).where(account.c.key == name).scalar_subquery()
    with hub.m.db.write() as tx:
        tx.execute(sa.update(token).where(token.c.account_id == mine).values(revoked_at=hub.m.clock.now()))


def test_a_download_takes_ranges_and_entity_tags(alice):
    upload(alice, CONTENT)
    [get] = ask(alice, "download", obj()).json()["objects"]
    href = get["actions"]["download"]["href"]
    part = httpx.get(href, headers={"range": "bytes=5-9"}, trust_env=False)
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, CONTENT[5:10], f"bytes 5-9/{SIZE}")
    assert httpx.get(href, headers={"if-none-match": f'"{OID}"'}, trust_env=False).status_code == 304
    assert httpx.get(href, headers={"range": "bytes=900-"}, trust_env=False).status_code == 416


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 10 bytes from 20 bytes on, so that a test needs no gigabytes."""
    monkeypatch.setattr(lfs_use_cases, "LFS_PART", 10)
    monkeypatch.setattr(lfs_use_cases, "LFS_MULTIPART_FROM", 20)


def multipart(client: httpx.Client, content: bytes) -> dict:
    oid = hashlib.sha256(content).hexdigest()
    told = ask(client, "upload", obj(oid, len(content)), transfers=["basic", "multipart"]).json()
    assert told["transfer"] == "multipart"
    return told["objects"][0]["actions"]


@pytest.mark.usefixtures("small_parts")
def test_a_file_in_parts_is_joined_and_proven(alice):
    content = bytes(range(95))
    actions = multipart(alice, content)
    header = actions["upload"]["header"]
    size = int(header.pop("chunk_size"))
    assert (size, list(header)) == (10, [f"{n:05}" for n in range(1, 11)])
    parts = []
    for number, href in enumerate(header.values(), 1):
        piece = content[(number - 1) * size : number * size]
        assert httpx.put(href, content=piece + b"x", trust_env=False).status_code == 422
        etag = httpx.put(href, content=piece, trust_env=False).raise_for_status().headers["etag"]
        parts.append({"partNumber": number, "etag": etag})
    oid = hashlib.sha256(content).hexdigest()
    join = actions["upload"]["href"]
    assert httpx.post(join, json={"oid": oid, "parts": parts[:-1]}, trust_env=False).status_code == 422
    forged = [*parts[:-1], {"partNumber": 10, "etag": "../../../etc/passwd"}]
    assert httpx.post(join, json={"oid": oid, "parts": forged}, trust_env=False).status_code == 422
    for _ in range(2):  # the second time as if the first answer was lost
        assert httpx.post(join, json={"oid": oid, "parts": parts}, trust_env=False).status_code == 200
    assert alice.post(actions["verify"]["href"], json=obj(oid, 95)).status_code == 200
    [get] = ask(alice, "download", obj(oid, 95)).json()["objects"]
    assert httpx.get(get["actions"]["download"]["href"], trust_env=False).content == content


@pytest.mark.usefixtures("small_parts")
def test_parts_that_are_not_the_file_make_no_object(alice):
    content = bytes(range(30))
    actions = multipart(alice, content)
    header = actions["upload"]["header"]
    del header["chunk_size"]
    parts = [
        {"partNumber": n, "etag": httpx.put(href, content=b"0123456789", trust_env=False).headers["etag"]}
        for n, href in enumerate(header.values(), 1)
    ]
    assert httpx.post(actions["upload"]["href"], json={"parts": parts}, trust_env=False).status_code == 422
    assert alice.post(actions["verify"]["href"], json={}).status_code == 404


@pytest.mark.usefixtures("small_parts")
def test_parts_that_nobody_joins_are_deleted_in_time(hub, alice):
    actions = multipart(alice, bytes(range(30)))
    httpx.put(actions["upload"]["header"]["00001"], content=bytes(range(10)), trust_env=False).raise_for_status()
    [folder] = [path for path in Path(hub.m.work).iterdir() if path.name.startswith("lfs-")]
    expire(hub.m, {"upload": folder.name.removeprefix("lfs-")})
    assert not folder.exists()


def test_parts_grow_when_a_batch_would_have_too_many(alice, monkeypatch):
    monkeypatch.setattr(lfs_use_cases, "LFS_PARTS", 4)
    monkeypatch.setattr(lfs_use_cases, "LFS_PART", 10)
    monkeypatch.setattr(lfs_use_cases, "LFS_MULTIPART_FROM", 20)
    header = multipart(alice, bytes(range(95)))["upload"]["header"]
    assert (header["chunk_size"], len(header) - 1) == ("30", 4)


def test_a_client_that_speaks_xet_is_sent_there(hub, alice):
    upload(alice, CONTENT)
    told = ask(alice, "upload", obj(), obj(OTHER, 14), transfers=["basic", "xet"]).json()
    assert told["transfer"] == "xet"
    assert told["objects"][0] == {"oid": OID, "size": SIZE}
    action = told["objects"][1]["actions"]["upload"]
    assert action["href"] == f"{hub.url}/api/models/alice/m/xet-write-token/main"
    assert set(action["header"]) == {"X-Xet-Cas-Url", "X-Xet-Access-Token", "X-Xet-Token-Expiration", "X-Xet-Session-Id"}


def test_an_upload_past_the_quota_is_refused_before_a_byte_is_sent(hub, alice):
    with hub.m.db.write() as tx:
        tx.execute(sa.update(account).where(account.c.key == "alice").values(quota_bytes=100_000))
    answer = ask(alice, "upload", obj(size=200_000))
    assert (answer.status_code, answer.json()["code"]) == (403, "quota_exceeded")
    upload(alice, CONTENT)


def test_locks_are_made_listed_paged_and_released(hub, alice):
    base = "/alice/m.git/info/lfs/locks"
    made = [alice.post(base, json={"path": f"f{n}", "ref": {"name": "refs/heads/main"}}) for n in range(3)]
    assert {answer.status_code for answer in made} == {201}
    again = alice.post(base, json={"path": "f0"})
    assert (again.status_code, again.json()["lock"], bool(again.json()["message"])) == (409, made[0].json()["lock"], True)
    listed = hub.http().get(base, params={"limit": 2}).json()
    assert len(listed["locks"]) == 2
    rest = hub.http().get(base, params={"cursor": listed["next_cursor"]}).json()
    assert {lock["path"] for lock in listed["locks"] + rest["locks"]} == {"f0", "f1", "f2"}
    assert "next_cursor" not in rest
    assert [lock["path"] for lock in hub.http().get(base, params={"path": "f1"}).json()["locks"]] == ["f1"]
    verified = alice.post(f"{base}/verify", json={}).json()
    assert (len(verified["ours"]), verified["theirs"]) == (3, [])
    lock_id = made[0].json()["lock"]["id"]
    assert alice.post(f"{base}/{lock_id}/unlock", json={}).json()["lock"]["path"] == "f0"
    assert alice.post(f"{base}/{lock_id}/unlock", json={}).status_code == 404


@pytest.mark.parametrize("body", [{}, {"path": ""}, {"path": "../x"}, {"path": 5}, {"path": "a" * 2000}, {"path": ".git/config"}])
def test_a_lock_needs_a_possible_path(alice, body):
    assert alice.post("/alice/m.git/info/lfs/locks", json=body).status_code in {400, 422}


def test_a_lock_of_another_repository_cannot_be_released_by_its_id(hub, alice):
    lock = alice.post("/alice/m.git/info/lfs/locks", json={"path": "a"}).json()["lock"]
    mallory = hub.http(hub.user("mallory"))
    hub.repo("mallory/m")
    for force in (False, True):
        assert mallory.post(f"/mallory/m.git/info/lfs/locks/{lock['id']}/unlock", json={"force": force}).status_code == 404
        assert mallory.post(f"/alice/m.git/info/lfs/locks/{lock['id']}/unlock", json={"force": force}).status_code == 403
    assert len(hub.http().get("/alice/m.git/info/lfs/locks").json()["locks"]) == 1


@pytest.mark.parametrize("query", [{"limit": "x"}, {"limit": "-1"}, {"limit": "9" * 40}, {"cursor": "\u00e9"}])
def test_odd_questions_about_locks_get_an_answer(alice, query):
    assert alice.get("/alice/m.git/info/lfs/locks", params=query).status_code in {200, 400}


def test_bytes_that_are_stored_as_xet_already_are_proven_by_upload_but_not_stored_twice(hub, alice):
    with hub.m.db.write() as tx:
        tx.execute(sa.insert(xet_file).values(hash="c" * 64, size=SIZE, terms=b"", sha256=OID, created_at=0))
        tx.execute(sa.insert(lfs_object).values(sha256=OID, size=SIZE, file_hash="c" * 64, created_at=hub.m.clock.now()))
    assert "error" in ask(alice, "download", obj()).json()["objects"][0], "it is not yet this repository's"
    upload(alice, CONTENT)
    assert "actions" in ask(alice, "download", obj()).json()["objects"][0]
    assert hub.m.store.size(blob_key(OID)) is None


def test_a_pointer_committed_as_text_needs_the_same_right_as_a_large_file(hub, alice):
    mallory = hub.http(hub.user("mallory"))
    hub.repo("mallory/m")
    upload(alice, CONTENT)
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize {SIZE}\n".encode()
    assert commit(alice, "/api/models/alice/m/commit/main", text).status_code == 200
    assert commit(mallory, "/api/models/mallory/m/commit/main", text).status_code == 404
    assert hub.http().get("/alice/m/resolve/main/a.txt", follow_redirects=True).content == CONTENT
    assert commit(alice, "/api/models/alice/m/commit/main", text.replace(b"size", b"siez")).status_code == 400


def commit(client: httpx.Client, url: str, content: bytes) -> httpx.Response:
    file = {"path": "a.txt", "content": base64.b64encode(content).decode(), "encoding": "base64"}
    lines = [{"key": "header", "value": {"summary": "x"}}, {"key": "file", "value": file}]
    return client.post(url, content="\n".join(map(json.dumps, lines)), headers={"content-type": "application/x-ndjson"})


def test_the_limits_of_the_tests_are_those_of_the_program():
    assert lfs_use_cases.LFS_PART == limits.LFS_PART
