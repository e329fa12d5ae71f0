"""Stories of people who use plain git against the hub."""

from __future__ import annotations

import gzip
import hashlib
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from tests.conftest import RunningHub
from tests.stories.programs import Git, Refused
from tulou.db.tables import account
from tulou.delivery.kit import intake
from tulou.features.accounts import lookup
from tulou.features.accounts.tokens import create_token
from tulou.kernel.actor import SYSTEM, TokenRole
from tulou.wire import pktline

pytestmark = [pytest.mark.story, pytest.mark.timeout(300)]

EMPTY_PACK = b"PACK\0\0\0\2\0\0\0\0"
EMPTY_PACK += hashlib.sha1(EMPTY_PACK).digest()


@pytest.fixture
def alice(hub: RunningHub, tmp_path: Path) -> Git:
    git = Git(tmp_path, "alice", hub.user("alice")).knows(hub.url)
    hub.repo("alice/m")
    return git


@pytest.fixture
def outsider(hub: RunningHub, alice: Git, tmp_path: Path) -> Git:
    return Git(tmp_path, "eve", hub.user("eve")).knows(hub.url)


@pytest.fixture
def stranger(tmp_path: Path) -> Git:
    return Git(tmp_path, "nobody")


def branches(hub: RunningHub, repo: str = "alice/m") -> dict[str, str]:
    answer = hub.http().get(f"/api/models/{repo}/refs").raise_for_status().json()
    return {ref["ref"]: ref["targetCommit"] for ref in answer["branches"] + answer["tags"]}


@pytest.mark.parametrize("suffix", ["", ".git"])
@pytest.mark.parametrize(
    ("kind", "prefix"), [("model", ""), ("dataset", "datasets/"), ("space", "spaces/"), ("kernel", "kernels/")]
)
def test_all_four_kinds_can_be_cloned_and_pushed_with_and_without_the_suffix(hub, alice, kind, prefix, suffix):
    hub.repo("alice/x", kind, sdk="static" if kind == "space" else None)
    folder = alice.clone(f"{hub.url}/{prefix}alice/x{suffix}")
    pushed = alice.commit(folder, a__txt="hello\n")
    alice("push", "-q", cwd=folder)
    again = alice.clone(f"{hub.url}/{prefix}alice/x{suffix}", into="again")
    assert alice("rev-parse", "HEAD", cwd=again).strip() == pushed
    assert (again / "a.txt").read_text() == "hello\n"


def test_what_is_pushed_can_be_resolved_at_once(hub, alice):
    folder = alice.clone(f"{hub.url}/alice/m")
    commit = alice.commit(folder, README__md="# hi\n")
    alice("push", "-q", cwd=folder)
    answer = hub.http().get("/alice/m/resolve/main/README.md", follow_redirects=True)
    assert (answer.text, answer.headers["x-repo-commit"]) == ("# hi\n", commit)


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_every_version_of_the_protocol_can_fetch(hub, alice, stranger, version):
    folder = alice.clone(f"{hub.url}/alice/m")
    pushed = alice.commit(folder, a="1")
    alice("push", "-q", cwd=folder)
    cloned = stranger.clone(f"{hub.url}/alice/m", "-c", f"protocol.version={version}")
    assert stranger("rev-parse", "HEAD", cwd=cloned).strip() == pushed


def test_a_shallow_clone_has_one_commit_and_can_be_deepened(hub, alice, stranger):
    folder = alice.clone(f"{hub.url}/alice/m")
    for n in range(3):
        alice.commit(folder, f"number {n}", a=str(n))
    alice("push", "-q", cwd=folder)
    cloned = stranger.clone(f"{hub.url}/alice/m", "--depth=1")
    assert stranger("rev-list", "--count", "HEAD", cwd=cloned).strip() == "1"
    stranger("fetch", "-q", "--unshallow", cwd=cloned)
    assert stranger("rev-list", "--count", "HEAD", cwd=cloned).strip() == "4"


def test_a_push_from_a_shallow_clone_lands(hub, alice):
    folder = alice.clone(f"{hub.url}/alice/m")
    alice.commit(folder, a="1")
    alice("push", "-q", cwd=folder)
    shallow = alice.clone(f"{hub.url}/alice/m", "--depth=1", into="shallow")
    pushed = alice.commit(shallow, b="2")
    alice("push", "-q", cwd=shallow)
    assert branches(hub)["refs/heads/main"] == pushed


def test_a_partial_clone_fetches_blobs_when_they_are_needed(hub, alice, stranger):
    folder = alice.clone(f"{hub.url}/alice/m")
    alice.commit(folder, a="old content")
    alice.commit(folder, a="new content")
    alice("push", "-q", cwd=folder)
    cloned = stranger.clone(f"{hub.url}/alice/m", "--filter=blob:none", "--no-checkout")
    missing = stranger("rev-list", "--objects", "--missing=print", "HEAD", cwd=cloned)
    assert "?" in missing
    assert stranger("show", "HEAD~1:a", cwd=cloned) == "old content"


def test_a_filter_that_makes_the_server_walk_is_refused(hub, alice, stranger):
    for name in ("sparse:oid=main:.gitattributes", "combine:tree:3+blob:none"):
        with pytest.raises(Refused, match="not supported"):
            stranger.clone(f"{hub.url}/alice/m", f"--filter={name}", "--no-checkout")
    stranger.clone(f"{hub.url}/alice/m", "--filter=blob:limit=1k", "--no-checkout")


def test_a_force_push_replaces_history_and_a_plain_one_does_not(hub, alice):
    folder = alice.clone(f"{hub.url}/alice/m")
    alice.commit(folder, a="1")
    alice("push", "-q", cwd=folder)
    alice("reset", "-q", "--hard", "HEAD~1", cwd=folder)
    rewritten = alice.commit(folder, a="2")
    with pytest.raises(Refused, match=r"non-fast-forward|behind"):
        alice("push", "-q", cwd=folder)
    alice("push", "-q", "--force", cwd=folder)
    assert branches(hub)["refs/heads/main"] == rewritten


def test_tags_of_both_sorts_travel_and_can_be_deleted(hub, alice, stranger):
    folder = alice.clone(f"{hub.url}/alice/m")
    commit = alice.commit(folder, a="1")
    alice("tag", "light", cwd=folder)
    alice("tag", "-a", "v1", "-m", "the first", cwd=folder)
    alice("push", "-q", "origin", "main", "light", "v1", cwd=folder)
    assert branches(hub)["refs/tags/v1"] == commit
    cloned = stranger.clone(f"{hub.url}/alice/m")
    assert stranger("cat-file", "-t", "v1", cwd=cloned).strip() == "tag"
    assert stranger("cat-file", "-t", "light", cwd=cloned).strip() == "commit"
    alice("push", "-q", "origin", "--delete", "v1", cwd=folder)
    assert "refs/tags/v1" not in branches(hub)


def test_a_branch_can_be_made_at_a_known_commit_and_deleted_but_not_the_default_one(hub, alice):
    folder = alice.clone(f"{hub.url}/alice/m")
    alice("push", "-q", "origin", "main:refs/heads/side", cwd=folder)
    assert branches(hub)["refs/heads/side"] == branches(hub)["refs/heads/main"]
    alice("push", "-q", "origin", ":side", cwd=folder)
    assert "refs/heads/side" not in branches(hub)
    with pytest.raises(Refused, match="the default branch cannot be deleted"):
        alice("push", "origin", ":main", cwd=folder)


@pytest.mark.parametrize(
    "ref", ["refs/pr/1", "refs/convert/parquet", "refs/meta/x", "refs/notes/commits", "refs/replace/" + "a" * 40]
)
def test_refs_outside_branches_and_tags_are_refused(hub, alice, ref):
    folder = alice.clone(f"{hub.url}/alice/m")
    with pytest.raises(Refused, match="only branches and tags can be pushed"):
        alice("push", "origin", f"main:{ref}", cwd=folder)


def test_an_atomic_push_moves_all_refs_or_none_and_a_plain_one_what_it_can(hub, alice):
    folder = alice.clone(f"{hub.url}/alice/m")
    before = branches(hub)
    pushed = alice.commit(folder, a="1")
    with pytest.raises(Refused):
        alice("push", "--atomic", "origin", "main", "main:refs/meta/x", cwd=folder)
    assert branches(hub) == before
    with pytest.raises(Refused, match="only branches and tags"):
        alice("push", "origin", "main", "main:refs/meta/x", cwd=folder)
    assert branches(hub)["refs/heads/main"] == pushed


def test_names_that_clash_are_refused_with_a_reason(hub, alice):
    folder = alice.clone(f"{hub.url}/alice/m")
    for clash in ("Main", "main/below"):
        with pytest.raises(Refused, match="conflicting name"):
            alice("push", "origin", f"main:refs/heads/{clash}", cwd=folder)


def test_of_pushes_that_race_one_wins_and_the_others_are_told_to_fetch(hub, alice):
    folders = [alice.clone(f"{hub.url}/alice/m", into=f"racer-{n}") for n in range(4)]
    commits = [alice.commit(folder, a=str(n)) for n, folder in enumerate(folders)]

    def push(folder: Path) -> str:
        try:
            return alice("push", cwd=folder)
        except Refused as refused:
            return f"refused: {refused}"

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(push, folders))
    won = [n for n, text in enumerate(said) if not text.startswith("refused")]
    assert [commits[n] for n in won] == [branches(hub)["refs/heads/main"]]
    assert all("fetch first" in text for n, text in enumerate(said) if n not in won)


def test_a_push_that_expects_another_state_of_the_branch_is_refused(hub, alice):
    head = branches(hub)["refs/heads/main"]
    command = pktline.encode(f"{'1' * 40} {head} refs/heads/main\0report-status".encode()) + pktline.FLUSH
    answer = hub.http(alice.token).post("/alice/m.git/git-receive-pack", content=command + EMPTY_PACK)
    assert b"ng refs/heads/main it moved meanwhile, fetch first" in answer.content


def test_a_large_plain_file_is_refused_with_advice(hub, alice):
    folder = alice.clone(f"{hub.url}/alice/m")
    before = branches(hub)
    alice.commit(folder, weights__data=b"\0" * (10 * 1024 * 1024 + 1))
    with pytest.raises(Refused, match=r"(?s)weights\.data has 10\.0 MiB.*git lfs migrate import"):
        alice("push", cwd=folder)
    assert branches(hub) == before


def test_a_card_that_nobody_could_read_is_refused_and_a_good_one_taken(hub, alice):
    folder = alice.clone(f"{hub.url}/alice/m")
    alice.commit(folder, README__md="---\ntags: [a\n---\n# hi\n")
    with pytest.raises(Refused, match=r"metadata at the top of README\.md cannot be read"):
        alice("push", cwd=folder)
    alice.commit(folder, README__md="---\ntags: [a]\n---\n# hi\n")
    alice("push", "-q", cwd=folder)


def test_a_push_past_the_quota_is_refused(hub, alice):
    with hub.m.db.write() as tx:
        tx.execute(sa.update(account).where(account.c.key == "alice").values(quota_bytes=50_000))
    folder = alice.clone(f"{hub.url}/alice/m")
    alice.commit(folder, noise=random.Random(3).randbytes(100_000))
    with pytest.raises(Refused, match="quota"):
        alice("push", cwd=folder)


def test_more_clones_at_once_than_there_are_turns_all_end_well(hub, alice, stranger, monkeypatch):
    monkeypatch.setattr(intake, "PROCESSES", 2)
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda n: stranger.clone(f"{hub.url}/alice/m", into=f"clone-{n}"), range(8)))
    assert all((folder / ".gitattributes").exists() for folder in folders)


def test_a_client_that_leaves_in_the_middle_takes_git_with_it(hub, alice):
    folder = alice.clone(f"{hub.url}/alice/m")
    head = alice.commit(folder, noise=random.Random(4).randbytes(9 << 20), more=random.Random(5).randbytes(9 << 20))
    alice("push", "-q", cwd=folder)
    want = pktline.encode(f"want {head}".encode()) + pktline.encode(b"done") + pktline.FLUSH
    body = pktline.encode(b"command=fetch") + b"0001" + want
    before = children()
    url = "/alice/m.git/git-upload-pack"
    with hub.http().stream("POST", url, content=body, headers={"git-protocol": "version=2"}) as answer:
        blocks = answer.iter_raw(1)
        next(blocks)
        assert children() - before
    wait_for(lambda: not children() - before)


def children() -> set[int]:
    """The processes that this one started and that still run."""
    return {child.pid for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE}


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"
        threading.Event().wait(0.02)


def test_a_file_of_exactly_the_limit_is_taken(hub, alice):
    folder = alice.clone(f"{hub.url}/alice/m")
    alice.commit(folder, weights__data=b"\0" * (10 * 1024 * 1024))
    alice("push", "-q", cwd=folder)


def test_a_push_of_many_megabytes_lands_with_its_probe_request(hub, alice, stranger):
    """git asks with an empty request whether it may push before it streams more than `http.postBuffer`."""
    folder = alice.clone(f"{hub.url}/alice/m")
    content = bytes(range(256)) * 4096
    noise = random.Random(1).randbytes(9 * 1024 * 1024)
    alice.commit(folder, noise=noise, pattern=content)
    alice("-c", "http.postBuffer=100000", "push", "-q", cwd=folder)
    cloned = stranger.clone(f"{hub.url}/alice/m")
    assert (cloned / "noise").read_bytes() == noise


def test_an_outsider_may_read_but_not_push(hub, alice, outsider):
    folder = outsider.clone(f"{hub.url}/alice/m")
    outsider.commit(folder, a="mine")
    with pytest.raises(Refused, match=r"(?s)remote: You need write access to this repository\..*403"):
        outsider("push", cwd=folder)


def test_a_private_repository_looks_missing_to_an_outsider_and_asks_a_stranger_for_credentials(hub, alice, outsider, stranger):
    hub.repo("alice/secret", private=True)
    alice.clone(f"{hub.url}/alice/secret", into="secret")
    with pytest.raises(Refused, match="not found"):
        outsider.clone(f"{hub.url}/alice/secret")
    for name in ("secret", "missing"):
        with pytest.raises(Refused, match="could not read Username"):
            stranger.clone(f"{hub.url}/alice/{name}")
    answers = [hub.http().get(f"/alice/{name}/info/refs?service=git-upload-pack") for name in ("secret", "missing")]
    shapes = {(answer.status_code, answer.text, answer.headers["www-authenticate"]) for answer in answers}
    assert shapes == {(401, answers[0].text, 'Basic realm="tulou"')}


def test_a_stranger_who_pushes_to_a_public_repository_is_asked_for_credentials(hub, alice):
    for path in ("info/refs?service=git-receive-pack", "git-receive-pack"):
        answer = hub.http().request("GET" if "?" in path else "POST", f"/alice/m.git/{path}")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic")


def test_a_read_token_cannot_push(hub, alice, tmp_path):
    owner = lookup.by_name(hub.m, "alice")
    token = create_token(hub.m, SYSTEM, owner.id, name="ro", role=TokenRole.READ).secret
    reader = Git(tmp_path / "ro", "alice", token).knows(hub.url)
    folder = reader.clone(f"{hub.url}/alice/m")
    reader.commit(folder, a="1")
    with pytest.raises(Refused, match="403"):
        reader("push", cwd=folder)


def test_the_dumb_protocol_is_refused(hub, alice):
    client = hub.http()
    assert client.get("/alice/m.git/info/refs").status_code == 400
    assert client.get("/alice/m.git/info/refs?service=git-upload-archive").status_code == 400
    assert client.get("/alice/m.git/HEAD").status_code == 404
    assert client.get("/alice/m.git/objects/info/packs").status_code == 404


def test_a_packed_request_body_is_unpacked_within_its_limit(hub, alice):
    want = pktline.encode(b"command=ls-refs\n") + pktline.FLUSH
    headers = {"content-encoding": "gzip", "git-protocol": "version=2"}
    answer = hub.http().post("/alice/m.git/git-upload-pack", content=gzip.compress(want), headers=headers)
    assert b"refs/heads/main" in answer.content
    bomb = gzip.compress(b"\0" * (80 << 20))
    assert hub.http().post("/alice/m.git/git-upload-pack", content=bomb, headers=headers).status_code == 413
    cut = gzip.compress(want)[:-4]
    assert hub.http().post("/alice/m.git/git-upload-pack", content=cut, headers=headers).status_code == 400
    odd = headers | {"content-encoding": "br"}
    assert hub.http().post("/alice/m.git/git-upload-pack", content=want, headers=odd).status_code == 415


def test_git_refuses_nothing_that_the_hub_made_itself(hub, alice):
    """`git fsck` on a fresh clone of commits made through the API and by push."""
    folder = alice.clone(f"{hub.url}/alice/m")
    alice.commit(folder, a="1")
    alice("push", "-q", cwd=folder)
    mirror = alice.clone(f"{hub.url}/alice/m", "--mirror", into="mirror")
    alice("fsck", "--strict", cwd=mirror)
