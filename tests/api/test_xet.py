"""The Xet service by raw HTTP: honest uploads, two dozen lies, and what strangers may learn."""

from __future__ import annotations

import hashlib
import json
import struct

import httpx
import lz4.frame
import pytest

from tests import xet_data as xd
from tests.conftest import RunningHub
from tulou.wire import xet_hash as xh
from tulou.wire import xet_shard as xs
from tulou.wire.xet_xorb import ChunkTable, decoded


class Cas:
    """The service as the holder of one token meets it."""

    def __init__(self, hub: RunningHub, token: str | None, repo: str, scope: str = "write") -> None:
        self.hub = hub
        self.answer = hub.http(token).get(f"/api/models/{repo}/xet-{scope}-token/main")
        self.http = hub.http(self.answer.json().get("accessToken", "none"))

    def put_xorb(self, made: xd.Made, body: bytes | None = None, name: str | None = None) -> httpx.Response:
        return self.http.post(f"/v1/xorbs/default/{name or made.name}", content=made.body if body is None else body)

    def put_shard(self, body: bytes, version: int = 1) -> httpx.Response:
        return self.http.post(f"/v{version}/shards", content=body)

    def plan(self, name: str, span: str | None = None, version: int = 2) -> httpx.Response:
        return self.http.get(f"/v{version}/reconstructions/{name}", headers={"range": span} if span else {})

    def upload(self, file: xd.WholeFile) -> None:
        assert self.put_xorb(file.made).status_code == 200
        answer = self.put_shard(file.shard())
        assert answer.status_code == 200, answer.text


@pytest.fixture
def alice(hub: RunningHub) -> str:
    token = hub.user("alice")
    hub.repo("alice/m")
    hub.repo("alice/other")
    return token


@pytest.fixture
def cas(hub: RunningHub, alice: str) -> Cas:
    return Cas(hub, alice, "alice/m")


@pytest.fixture
def file() -> xd.WholeFile:
    return xd.WholeFile(xd.xorb())


def fetch(hub: RunningHub, plan: dict[str, object], size: int) -> bytes:
    """Put a file together as a client does, from a plan of version 2."""
    chunks: dict[tuple[str, int], bytes] = {}
    for name, entries in plan["xorbs"].items():  # type: ignore[attr-defined]
        for entry in entries:
            (part,) = entry["ranges"]
            span = f"bytes={part['bytes']['start']}-{part['bytes']['end']}"
            got = httpx.get(entry["url"], headers={"range": span}, trust_env=False)
            assert got.status_code == 206
            for i, raw in enumerate(decoded(got.content)):
                chunks[name, part["chunks"]["start"] + i] = bytes(raw)
    terms = plan["terms"]
    whole = b"".join(chunks[t["hash"], i] for t in terms for i in range(t["range"]["start"], t["range"]["end"]))  # type: ignore[attr-defined]
    skip = int(str(plan["offset_into_first_range"]))
    return whole[skip : skip + size]


def test_a_token_comes_as_json_and_as_headers_for_any_revision(hub: RunningHub, alice: str) -> None:
    for revision in ("main", "None", "refs%2Fpr%2F1", "0" * 40):
        got = hub.http(alice).get(f"/api/models/alice/m/xet-write-token/{revision}")
        assert got.status_code == 200, got.text
        body = got.json()
        assert body["casUrl"] == got.headers["x-xet-cas-url"] == f"{hub.url}/cas/e1"
        assert body["accessToken"] == got.headers["x-xet-access-token"]
        assert body["exp"] == int(got.headers["x-xet-token-expiration"])


@pytest.mark.parametrize("scheme", [0, 1, 2])
def test_an_uploaded_file_comes_back_whole_and_in_parts(hub: RunningHub, cas: Cas, scheme: int) -> None:
    file = xd.WholeFile(xd.xorb(scheme=scheme, size=60_001))
    cas.upload(file)
    content = file.made.content
    assert fetch(hub, cas.plan(file.name).json(), len(content)) == content
    end = len(content)
    for first, last in [(0, 0), (0, 60_000), (59_999, 60_002), (130_000, 250_000), (end - 1, end + 99)]:
        got = fetch(hub, cas.plan(file.name, f"bytes={first}-{last}").json(), min(last + 1, len(content)) - first)
        assert got == content[first : last + 1]
    assert b"".join(hub.m.xet.stream(xh.printed(file.hash), 100_000, 700_001)) == content[100_000:700_001]
    assert hub.m.xet.file_size(xh.printed(file.hash)) == len(content)


def test_both_versions_of_a_plan_name_the_same_ranges_and_every_alias_works(cas: Cas, file: xd.WholeFile) -> None:
    cas.upload(file)
    new, old = cas.plan(file.name).json(), cas.plan(file.name, version=1).json()
    assert new["terms"] == old["terms"]
    (entry,) = new["xorbs"][file.made.name]
    (info,) = old["fetch_info"][file.made.name]
    assert entry["ranges"] == [{"chunks": info["range"], "bytes": info["url_range"]}]
    for path in ("/reconstructions/", "/cas/e1/v1/reconstructions/", "/cas/e7/reconstructions/", "/cas/e1/v2/reconstructions/"):
        assert cas.http.get(path + file.name).status_code == 200
    many = cas.http.get("/v1/reconstructions", params={"file_id": [file.name, file.name]}).json()
    assert many["files"] == {file.name: new["terms"]}
    assert cas.http.head(f"/v1/xorbs/default/{file.made.name}").headers["content-length"] == str(len(file.made.body))
    assert cas.http.head(f"/v1/files/{file.name}").headers["content-length"] == str(file.made.size)
    second = xd.WholeFile(xd.xorb(seed=2))
    assert cas.http.post(f"/cas/e1/xorbs/default/{second.made.name}", content=second.made.body).json() == {"was_inserted": True}
    assert cas.http.post("/cas/e1/shards", content=second.shard()).json() == {"result": 1}


def test_the_second_version_of_shards_answers_with_a_stream_that_ends_in_a_result(cas: Cas, file: xd.WholeFile) -> None:
    cas.put_xorb(file.made)
    lines = [json.loads(line) for line in cas.put_shard(file.shard(), 2).text.splitlines()]
    assert lines[0]["type"] == "validating"
    assert lines[-1] == {"type": "result", "result": 1}
    bad = [json.loads(line) for line in cas.put_shard(file.shard(ranges=[b"x" * 32]), 2).text.splitlines()]
    assert (bad[-1]["type"], bad[-1]["retryable"]) == ("error", False)


def test_a_footer_of_old_clients_is_cut_off(hub: RunningHub, cas: Cas, file: xd.WholeFile) -> None:
    assert cas.put_xorb(file.made, file.made.body + b"XETBLOB\x01" + bytes(900)).status_code == 200
    assert cas.put_shard(file.shard()).status_code == 200
    assert cas.http.head(f"/v1/xorbs/default/{file.made.name}").headers["content-length"] == str(len(file.made.body))


def test_a_xorb_that_is_not_what_it_says_is_refused(cas: Cas, file: xd.WholeFile) -> None:
    body = file.made.body
    flipped = bytearray(body)
    flipped[5000] ^= 1
    bomb = lz4.frame.compress(bytes(20_000_000))
    lies = {
        "a flipped bit": bytes(flipped),
        "a torn end": body[:-7],
        "garbage behind": body + b"\x07" * 9,
        "nothing": b"",
        "a bomb": struct.pack("<II", len(bomb) << 8, 100_000 << 8 | 1) + bomb,
        "an unknown compression": struct.pack("<II", 10 << 8, 10 << 8 | 3) + bytes(10),
        "an unknown version": struct.pack("<II", 10 << 8 | 1, 10 << 8) + bytes(10),
        "a huge chunk": struct.pack("<II", 131_073 << 8, 131_073 << 8) + bytes(131_073),
        "an empty chunk": struct.pack("<II", 0, 0),
        "only a footer": b"XETBLOB\x01" + bytes(100),
        "too many chunks": struct.pack("<II", 1 << 8, 1 << 8) + b"x",
    }
    lies["too many chunks"] *= 8193
    for what, lie in lies.items():
        got = cas.put_xorb(file.made, lie)
        assert (what, got.status_code) == (what, 400), got.text
    assert cas.put_xorb(file.made, name="zz").status_code == 400
    assert cas.put_xorb(file.made, name=xh.printed(b"q" * 32)).status_code == 400
    assert cas.put_shard(file.shard()).status_code == 400


def test_a_xorb_over_the_limit_is_refused_whether_or_not_its_length_is_told(cas: Cas, file: xd.WholeFile) -> None:
    huge = bytes(67 << 20)
    assert cas.put_xorb(file.made, huge).status_code == 413
    blocks = (huge[i : i + (1 << 20)] for i in range(0, len(huge), 1 << 20))
    assert cas.http.post(f"/v1/xorbs/default/{file.made.name}", content=blocks).status_code == 413


def test_a_shard_that_is_not_true_is_refused(cas: Cas, file: xd.WholeFile) -> None:
    cas.put_xorb(file.made)
    made, other = file.made, xd.xorb(seed=9)
    shorter = xd.Made(made.chunks[:-1])
    lies: dict[str, bytes] = {
        "no proof of possession": file.shard(ranges=[b"r" * 32]),
        "no verification section": file.shard(flags=xs.HAS_SHA256, ranges=[]),
        "another file hash": file.shard(name=b"n" * 32),
        "a forged SHA-256": file.shard(sha256=hashlib.sha256(b"victim").hexdigest()),
        "a term beyond its xorb": file.shard(terms=[xs.Term(made.hash, made.size, 0, 21)]),
        "an empty term": file.shard(terms=[xs.Term(made.hash, 0, 3, 3)]),
        "a backward term": file.shard(terms=[xs.Term(made.hash, made.size, 5, 0)]),
        "a wrong length": file.shard(terms=[xs.Term(made.hash, made.size - 1, 0, 20)]),
        "a xorb nobody sent": file.shard(terms=[other.term()], xorbs=[]),
        "a xorb section about a xorb nobody sent": file.shard(xorbs=[other.entry()]),
        "forged chunks": file.shard(xorbs=[made.entry([b"f" * 32, *made.hashes[1:]])]),
        "fewer chunks": file.shard(xorbs=[shorter.entry().replace(shorter.hash, made.hash)]),
        "a torn end": file.shard()[:-50],
        "bytes behind": file.shard() + bytes(48),
        "another magic": b"x" + file.shard()[1:],
        "another version": file.shard()[:32] + struct.pack("<Q", 3) + file.shard()[40:],
        "a count of four billion": file.shard()[:48] + bytes(32) + struct.pack("<II", 3 << 30, 0xFFFFFFFF) + bytes(104),
        "nothing": b"",
        "more than a terabyte": file.shard(terms=[xs.Term(made.hash, 0xFFFFFFFF, 0, 20)] * 300, ranges=[file.range_hash] * 300),
    }
    for what, lie in lies.items():
        got = cas.put_shard(lie)
        assert (what, got.status_code) == (what, 413 if what == "more than a terabyte" else 400), got.text
    assert cas.plan(file.name).status_code == 404
    assert cas.put_shard(file.shard()).status_code == 200


def test_a_token_is_needed_and_reading_is_not_writing(hub: RunningHub, alice: str, cas: Cas, file: xd.WholeFile) -> None:
    reader = Cas(hub, alice, "alice/m", "read")
    nobody = hub.http()
    secret = cas.answer.json()["accessToken"]
    forged = hub.http(secret[:-2] + ("A" if secret[-2] != "A" else "B") + secret[-1])
    for client, status in ((nobody, 401), (forged, 401), (hub.http(alice), 401), (reader.http, 403)):
        assert client.post(f"/v1/xorbs/default/{file.made.name}", content=file.made.body).status_code == status
        assert client.post("/v2/shards", content=file.shard()).status_code == status
    cas.upload(file)
    assert reader.plan(file.name).status_code == 200
    for client in (nobody, forged):
        assert client.get(f"/v2/reconstructions/{file.name}").status_code == 401


def test_a_foreign_file_and_a_missing_one_get_the_same_404(hub: RunningHub, alice: str, cas: Cas, file: xd.WholeFile) -> None:
    cas.upload(file)
    other = Cas(hub, alice, "alice/other")
    foreign, missing = other.plan(file.name), other.plan("0" * 63 + "1")
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert other.http.head(f"/v1/xorbs/default/{file.made.name}").status_code == 404
    assert other.http.head(f"/v1/files/{file.name}").status_code == 404


def test_a_reader_cannot_register_files_and_an_outsider_cannot_claim_chunks_by_name(
    hub: RunningHub, cas: Cas, file: xd.WholeFile,
) -> None:
    """Who learns xorb hash, indices and file hash, but does not have the chunks, cannot make them theirs."""
    cas.upload(file)
    token = hub.user("mallory")
    hub.repo("mallory/x")
    assert Cas(hub, token, "alice/m", "read").put_shard(file.shard()).status_code == 403
    mallory = Cas(hub, token, "mallory/x")
    assert mallory.put_shard(file.shard(ranges=[xh.range_hash(b"guess" * 128)], xorbs=[])).status_code == 400
    assert mallory.plan(file.name).status_code == 404


def test_that_somebody_else_has_a_xorb_does_not_show(hub: RunningHub, cas: Cas, file: xd.WholeFile) -> None:
    cas.upload(file)
    token = hub.user("mallory")
    hub.repo("mallory/x", private=True)
    mallory = Cas(hub, token, "mallory/x")
    assert mallory.put_xorb(file.made, b"garbage" * 100).status_code == 400
    assert mallory.put_xorb(file.made).json() == {"was_inserted": True}
    assert cas.put_xorb(file.made).json() == {"was_inserted": False}
    assert mallory.put_shard(file.shard(ranges=[b"?" * 32])).status_code == 400
    assert mallory.put_shard(file.shard()).status_code == 200


def test_an_outsider_gets_no_token_for_a_private_repo_and_a_reader_none_for_writing(hub: RunningHub, alice: str) -> None:
    hub.repo("alice/secret", private=True)
    bob = hub.http(hub.user("bob"))
    hidden, missing = (bob.get(f"/api/models/alice/{name}/xet-read-token/main") for name in ("secret", "nothing"))
    assert (hidden.status_code, hidden.content) == (404, missing.content)
    assert bob.get("/api/models/alice/m/xet-write-token/main").status_code == 403
    assert bob.get("/api/models/alice/m/xet-write-token/None?create_pr=1").status_code == 200
    only_reads = hub.http(hub.user("rita", role="read"))
    assert only_reads.get("/api/models/alice/m/xet-write-token/None?create_pr=1").status_code == 403
    assert only_reads.get("/api/models/alice/m/xet-read-token/main").status_code == 200
    assert hub.http().get("/api/models/alice/m/xet-write-token/None?create_pr=1").status_code in {401, 403}
    assert hub.http().get("/api/models/alice/m/xet-read-token/main").status_code == 200


def test_a_token_is_worth_nothing_once_its_right_is_gone(hub: RunningHub, alice: str, cas: Cas, file: xd.WholeFile) -> None:
    cas.upload(file)
    bob = Cas(hub, hub.user("bob"), "alice/m", "read")
    assert bob.plan(file.name).status_code == 200
    changed = hub.http(alice).put("/api/models/alice/m/settings", json={"private": True})
    assert changed.status_code == 200, changed.text
    assert bob.plan(file.name).status_code == 401
    gone = hub.http(alice).request("DELETE", "/api/repos/delete", json={"type": "model", "name": "m", "organization": "alice"})
    assert gone.status_code == 200, gone.text
    assert cas.plan(file.name).status_code == 401
    assert cas.put_xorb(file.made).status_code == 401


def test_a_signed_url_gives_its_range_and_nothing_else(hub: RunningHub, cas: Cas, file: xd.WholeFile) -> None:
    cas.upload(file)
    plan = cas.plan(file.name, "bytes=130000-250000").json()
    (entry,) = plan["xorbs"][file.made.name]
    span = entry["ranges"][0]["bytes"]
    get = hub.http().get
    exact = get(entry["url"], headers={"range": f"bytes={span['start']}-{span['end']}"})
    assert (exact.status_code, exact.content) == (206, file.made.body[span["start"] : span["end"] + 1])
    assert get(entry["url"], headers={"range": f"bytes={span['start'] + 5}-{span['start'] + 9}"}).status_code == 206
    first, last = span["start"], span["end"]
    for wrong in ("bytes=0-400000", f"bytes={first}-", f"bytes={last}-{first}", f"bytes={first}-{first},{last}-{last}"):
        assert get(entry["url"], headers={"range": wrong}).status_code == 403
    assert get(entry["url"]).status_code == 403
    other = entry["url"].replace(file.made.name, "1" * 64)
    for url in (other, entry["url"][:-1] + "~", entry["url"].split("?")[0]):
        assert get(url, headers={"range": f"bytes={span['start']}-{span['end']}"}).status_code == 403
    assert cas.plan(file.name, "bytes=130000-250000").json()["terms"] == plan["terms"]


def test_a_range_past_the_end_is_416_and_so_is_a_strange_one(cas: Cas, file: xd.WholeFile) -> None:
    cas.upload(file)
    size = file.made.size
    for span in (f"bytes={size}-{size + 5}", "bytes=-5", "bytes=5-3", "lines=1-2", "bytes=0-1,3-4"):
        assert cas.plan(file.name, span).status_code == 416, span


def test_grants_are_not_offered_and_telemetry_is_thrown_away(hub: RunningHub, cas: Cas, file: xd.WholeFile) -> None:
    for prefix in ("", "/cas/e1"):
        assert cas.http.post(f"{prefix}/v1/xorb-grants/default/{file.made.name}", json={"length": 1}).status_code == 404
        assert hub.http().post(f"{prefix}/v1/telemetry", json={"a": 1}).status_code == 204


def answered(reply: bytes) -> tuple[bytes, dict[bytes, int]]:
    """Return the key of a deduplication answer and its xorbs with their chunk counts."""
    parsed = xs.parse(memoryview(reply))
    return reply[-200 + 72 : -200 + 104], {entry.hash: entry.count for entry in parsed.xorbs}


def test_a_known_chunk_is_answered_for_those_who_may_read_it_and_hidden_from_others(
    hub: RunningHub, alice: str, file: xd.WholeFile,
) -> None:
    hub.repo("alice/secret", private=True)
    mine = Cas(hub, alice, "alice/secret")
    mine.upload(file)
    chunk = xh.printed(file.made.hashes[0])
    got = mine.http.get(f"/v1/chunks/default/{chunk}")
    key, xorbs = answered(got.content)
    assert xorbs == {file.made.hash: 20}
    assert key != bytes(32)
    first = next(iter(xs.parse(memoryview(got.content)).xorbs[0].chunks()))
    assert first == (xh.keyed_hash(key, file.made.hashes[0]), 0, 60_000)
    assert file.made.hashes[0] not in got.content
    assert Cas(hub, alice, "alice/m").http.get(f"/v1/chunks/default-merkledb/{chunk}").status_code == 200
    token = hub.user("mallory")
    hub.repo("mallory/x")
    assert Cas(hub, token, "mallory/x").http.get(f"/v1/chunks/default/{chunk}").status_code == 404


def test_an_unknown_chunk_is_answered_once_a_session_with_what_the_repository_has(cas: Cas, file: xd.WholeFile) -> None:
    unknown = f"/v1/chunks/default/{'5' * 64}"
    session = {"x-xet-session-id": "one"}
    cas.upload(file)
    _, xorbs = answered(cas.http.get(unknown, headers=session).content)
    assert xorbs == {file.made.hash: 20}
    assert cas.http.get(unknown, headers=session).status_code == 404
    assert cas.http.get(unknown, headers={"x-xet-session-id": "two"}).status_code == 200


def test_an_uploaded_object_belongs_to_its_repository_and_can_be_copied_by_a_reader_once_committed(
    hub: RunningHub, alice: str, cas: Cas, file: xd.WholeFile,
) -> None:
    cas.upload(file)
    bob_token = hub.user("bob")
    hub.repo("bob/copy")
    bob, owner = hub.http(bob_token), hub.http(alice)
    named = {"xetHash": file.name, "sha256": file.sha256, "filename": "w.bin"}
    wish: dict[str, object] = {"target": {"type": "model", "name": "bob/copy"}, "files": [named]}
    early = bob.post("/api/models/alice/m/lfs-files/duplicate", json=wish)
    assert [f["sha256"] for f in early.json()["failed"]] == [file.sha256]
    lfs = {"key": "lfsFile", "value": {"path": "w.bin", "algo": "sha256", "oid": file.sha256, "size": file.made.size}}
    lines = b"\n".join(json.dumps(line).encode() for line in ({"key": "header", "value": {"summary": "s"}}, lfs))
    assert bob.post("/api/models/bob/copy/commit/main", content=lines).status_code >= 400
    assert owner.post("/api/models/alice/m/commit/main", content=lines).status_code == 200
    got = owner.get("/alice/m/resolve/main/w.bin")
    assert got.content == file.made.content
    assert got.headers["x-xet-hash"] == file.name
    assert bob.post("/api/models/alice/m/lfs-files/duplicate", json=wish).json() == {"failed": []}
    assert bob.post("/api/models/bob/copy/commit/main", content=lines).status_code == 200
    assert Cas(hub, bob_token, "bob/copy").plan(file.name).status_code == 200
    wish["target"] = {"type": "model", "name": "alice/m"}
    assert bob.post("/api/models/alice/m/lfs-files/duplicate", json=wish).status_code == 403


def test_a_chunk_table_on_disk_reads_back(hub: RunningHub, cas: Cas, file: xd.WholeFile) -> None:
    cas.upload(file)
    table = hub.m.xet.table(file.made.hash)
    assert ChunkTable.from_bytes(table.to_bytes()).hashes == b"".join(file.made.hashes)
    assert table.stored_size == len(file.made.body)


def test_a_shard_may_name_a_file_twice_and_an_empty_one(cas: Cas, file: xd.WholeFile) -> None:
    cas.put_xorb(file.made)
    entry = xd.file_entry(file.hash, [file.made.term()], [file.range_hash], file.sha256)
    empty = xd.file_entry(bytes(32), [], [], None, xs.HAS_RANGE_HASHES)
    assert cas.put_shard(xd.shard([entry, empty, entry], [file.made.entry(), file.made.entry()])).status_code == 200
    assert cas.plan(file.name).status_code == 200
    assert cas.plan("0" * 64).json() == {"offset_into_first_range": 0, "terms": [], "xorbs": {}}
    assert cas.plan("0" * 64, "bytes=0-").status_code == 416


def test_the_author_of_a_pull_request_may_upload_to_it_and_others_may_not(hub: RunningHub, alice: str) -> None:
    bob, eve = hub.http(hub.user("bob")), hub.http(hub.user("eve"))
    lines = b'{"key":"header","value":{"summary":"s"}}\n{"key":"file","value":{"path":"a","content":"YQ==","encoding":"base64"}}'
    opened = bob.post("/api/models/alice/m/commit/main?create_pr=1", content=lines)
    assert opened.status_code == 200, opened.text
    for person, status in ((bob, 200), (eve, 403), (hub.http(alice), 200), (hub.http(), 401)):
        assert person.get("/api/models/alice/m/xet-write-token/refs%2Fpr%2F1").status_code == status
    assert bob.get("/api/models/alice/m/xet-write-token/main").status_code == 403
