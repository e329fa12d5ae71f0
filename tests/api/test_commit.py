"""Commits by the API: what lands, what is refused, and who may."""

from __future__ import annotations

import base64
import json

from tests.conftest import RunningHub


def body(*lines: tuple[str, dict[str, object]], parent: str | None = None) -> bytes:
    """Return a commit body of these operations."""
    header: dict[str, object] = {"summary": "test commit", "description": ""}
    if parent:
        header["parentCommit"] = parent
    return b"\n".join(json.dumps({"key": k, "value": v}).encode() for k, v in [("header", header), *lines])


def file(path: str, content: bytes) -> tuple[str, dict[str, object]]:
    """Return the operation that writes a small file."""
    return "file", {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"}


def test_a_committed_file_is_served_by_branch_commit_and_short_id(hub: RunningHub) -> None:
    alice = hub.http(hub.user("alice"))
    hub.repo("alice/m")
    answer = alice.post("/api/models/alice/m/commit/main", content=body(file("a/b.txt", b"hello"))).json()
    commit = answer["commitOid"]
    assert answer["commitUrl"] == f"{hub.url}/alice/m/commit/{commit}"
    for revision in ("main", commit, commit[:10], "refs%2Fheads%2Fmain"):
        got = alice.get(f"/alice/m/resolve/{revision}/a/b.txt")
        assert (got.status_code, got.content, got.headers["x-repo-commit"]) == (200, b"hello", commit)


def test_an_outsider_gets_the_same_answer_for_a_private_repo_and_a_missing_one(hub: RunningHub) -> None:
    hub.user("alice")
    outsider = hub.http(hub.user("mallory"))
    hub.repo("alice/secret", private=True)
    for person in (outsider, hub.http()):
        hidden = person.post("/api/models/alice/secret/commit/main", content=body(file("a", b"x")))
        missing = person.post("/api/models/alice/nothing/commit/main", content=body(file("a", b"x")))
        assert hidden.status_code == missing.status_code
        assert hidden.content == missing.content
        assert hidden.headers["x-error-code"] == missing.headers["x-error-code"] == "RepoNotFound"


def test_a_reader_may_not_commit_and_a_writer_of_the_organization_may(hub: RunningHub) -> None:
    people = {name: hub.http(hub.user(name)) for name in ("wanda", "rita", "otto")}
    hub.org("acme", wanda="write", rita="read")
    hub.repo("acme/m")
    expected = {"wanda": 200, "rita": 403, "otto": 403}
    for name, status in expected.items():
        got = people[name].post("/api/models/acme/m/commit/main", content=body(file(name, b"x")))
        assert (name, got.status_code) == (name, status), got.text


def test_a_stale_parent_is_refused_with_412_and_changes_nothing(hub: RunningHub) -> None:
    alice = hub.http(hub.user("alice"))
    hub.repo("alice/m")
    first = alice.post("/api/models/alice/m/commit/main", content=body(file("a", b"1"))).json()["commitOid"]
    alice.post("/api/models/alice/m/commit/main", content=body(file("a", b"2")))
    late = alice.post("/api/models/alice/m/commit/main", content=body(file("a", b"3"), parent=first))
    assert late.status_code == 412
    assert late.json()["error"] == "The branch was updated since you opened this page. Please refresh and try again."
    assert alice.get("/alice/m/resolve/main/a").content == b"2"


def test_deleting_what_is_not_there_is_refused(hub: RunningHub) -> None:
    alice = hub.http(hub.user("alice"))
    hub.repo("alice/m")
    got = alice.post("/api/models/alice/m/commit/main", content=body(("deletedFile", {"path": "nope"})))
    assert (got.status_code, got.headers["x-error-code"]) == (404, "EntryNotFound")
    assert "A file with this name doesn't exist" in got.json()["error"]


def test_a_path_that_leaves_the_repository_is_refused_with_422(hub: RunningHub) -> None:
    alice = hub.http(hub.user("alice"))
    hub.repo("alice/m")
    for path in ("../x", "a/../b", "..\\x", ".git/config", "a//b", "/a", "a\x00b", ".GIT/x", "con", "x/nul.txt"):
        got = alice.post("/api/models/alice/m/commit/main", content=body(file(path, b"x")))
        assert got.status_code == 422, path


def test_a_large_file_that_was_never_uploaded_cannot_be_committed(hub: RunningHub) -> None:
    alice = hub.http(hub.user("alice"))
    hub.repo("alice/m")
    line = ("lfsFile", {"path": "w.bin", "algo": "sha256", "oid": "a" * 64, "size": 5})
    got = alice.post("/api/models/alice/m/commit/main", content=body(line))
    assert got.status_code == 404, got.text


def test_a_pull_request_by_a_reader_makes_its_own_ref(hub: RunningHub) -> None:
    hub.user("alice")
    reader = hub.http(hub.user("rita"))
    hub.repo("alice/m")
    got = reader.post("/api/models/alice/m/commit/main?create_pr=1", content=body(file("new", b"x"))).json()
    assert got["pullRequestUrl"] == f"{hub.url}/alice/m/discussions/1"
    assert reader.get("/alice/m/resolve/refs%2Fpr%2F1/new").content == b"x"
    assert reader.get("/alice/m/resolve/main/new").status_code == 404
    more = reader.post("/api/models/alice/m/commit/refs%2Fpr%2F1", content=body(file("more", b"y")))
    assert more.status_code == 200, more.text


def test_a_renamed_repository_is_found_under_its_old_name(hub: RunningHub) -> None:
    alice = hub.http(hub.user("alice"))
    hub.repo("alice/old")
    alice.post("/api/models/alice/old/commit/main", content=body(file("a", b"1")))
    moved = alice.post("/api/repos/move", json={"fromRepo": "alice/old", "toRepo": "alice/new", "type": "model"})
    assert moved.status_code == 200, moved.text
    got = alice.get("/alice/old/resolve/main/a")
    assert (got.status_code, got.headers["location"]) == (307, "/alice/new/resolve/main/a")
    assert alice.post("/api/models/alice/old/commit/main", content=body(file("b", b"2"))).status_code == 200
