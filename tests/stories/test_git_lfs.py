"""Stories of people who use git-lfs against the hub."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.conftest import RunningHub
from tests.stories.programs import Git, Refused, needs_git_lfs
from tulou.features.content import lfs as lfs_use_cases
from tulou.wire.lfs import LfsPointer, format_pointer

pytestmark = [pytest.mark.story, pytest.mark.timeout(300), needs_git_lfs]
SCRIPTS = sysconfig.get_path("scripts")


@pytest.fixture
def alice(hub: RunningHub, tmp_path: Path) -> Git:
    git = Git(tmp_path, "alice", hub.user("alice")).knows(hub.url)
    git("lfs", "install", "--skip-repo")
    hub.repo("alice/m")
    return git


def person(hub: RunningHub, tmp_path: Path, name: str) -> Git:
    git = Git(tmp_path, name, hub.user(name)).knows(hub.url)
    git("lfs", "install", "--skip-repo")
    return git


def pointer_of(content: bytes) -> str:
    return format_pointer(LfsPointer(hashlib.sha256(content).hexdigest(), len(content))).decode()  # type: ignore[arg-type]


def test_a_large_file_travels_by_push_clone_and_resolve(hub, alice, tmp_path):
    content = b"weights" * 1_000_000
    folder = alice.clone(f"{hub.url}/alice/m")
    alice.commit(folder, model__safetensors=content)
    alice("push", "-q", cwd=folder)
    assert hub.http().get("/alice/m/resolve/main/model.safetensors", follow_redirects=True).content == content
    reader = Git(tmp_path, "reader")
    reader("lfs", "install", "--skip-repo")
    cloned = reader.clone(f"{hub.url}/alice/m")
    assert (cloned / "model.safetensors").read_bytes() == content
    assert reader("lfs", "fsck", cwd=cloned).strip() == "Git LFS fsck OK"


@pytest.mark.parametrize("prefix", ["datasets/", "spaces/", "kernels/"])
def test_every_kind_of_repository_takes_large_files(hub, alice, prefix):
    kind = prefix.rstrip("s/")
    hub.repo("alice/x", kind, sdk="static" if kind == "space" else None)
    folder = alice.clone(f"{hub.url}/{prefix}alice/x.git")
    alice.commit(folder, a__bin=b"\0" * 1000)
    alice("push", "-q", cwd=folder)
    again = alice.clone(f"{hub.url}/{prefix}alice/x", into="again")
    assert (again / "a.bin").read_bytes() == b"\0" * 1000


def test_a_private_large_file_is_fetched_with_credentials_only(hub, alice, tmp_path):
    hub.repo("alice/secret", private=True)
    folder = alice.clone(f"{hub.url}/alice/secret")
    alice.commit(folder, a__bin=b"secret bytes")
    alice("push", "-q", cwd=folder)
    again = alice.clone(f"{hub.url}/alice/secret", into="again")
    assert (again / "a.bin").read_bytes() == b"secret bytes"
    eve = person(hub, tmp_path, "eve")
    with pytest.raises(Refused):
        eve.clone(f"{hub.url}/alice/secret")


def test_an_empty_large_file_travels(hub, alice):
    folder = alice.clone(f"{hub.url}/alice/m")
    alice.commit(folder, empty__bin=b"", other__bin=b"x")
    alice("push", "-q", cwd=folder)
    again = alice.clone(f"{hub.url}/alice/m", into="again")
    assert (again / "empty.bin").read_bytes() == b""


def test_a_pointer_without_its_bytes_is_refused_and_the_reason_shown(hub, alice):
    folder = alice.clone(f"{hub.url}/alice/m")
    (folder / "sub").mkdir()
    alice.commit(folder, sub__txt=pointer_of(b"never uploaded"))
    with pytest.raises(Refused, match=r"(?s)Large files are missing on this hub: sub\.txt.*git lfs push --all"):
        alice("push", "--no-verify", cwd=folder)


def test_knowing_a_hash_is_not_having_the_bytes(hub, alice, tmp_path):
    """Mallory pushes a pointer to a private file of Alice's: refused; nor does any answer tell that the file exists."""
    secret = b"a private large file"
    hub.repo("alice/secret", private=True)
    folder = alice.clone(f"{hub.url}/alice/secret")
    alice.commit(folder, a__bin=secret)
    alice("push", "-q", cwd=folder)

    mallory = person(hub, tmp_path, "mallory")
    hub.repo("mallory/loot")
    loot = mallory.clone(f"{hub.url}/mallory/loot")
    mallory.commit(loot, a__txt=pointer_of(secret))
    with pytest.raises(Refused, match="Large files are missing"):
        mallory("push", "--no-verify", cwd=loot)

    oid, size = hashlib.sha256(secret).hexdigest(), len(secret)
    client = hub.http(mallory.token)
    for wanted in (oid, hashlib.sha256(b"no such file").hexdigest()):
        asked = {"operation": "upload", "objects": [{"oid": wanted, "size": size}]}
        [told] = client.post("/mallory/loot.git/info/lfs/objects/batch", json=asked).json()["objects"]
        assert set(told["actions"]) == {"upload", "verify"}
        asked["operation"] = "download"
        [told] = client.post("/mallory/loot.git/info/lfs/objects/batch", json=asked).json()["objects"]
        assert told["error"] == {"code": 404, "message": "This repository has no such object."}


def test_whoever_has_the_bytes_may_upload_them_again_elsewhere(hub, alice, tmp_path):
    content = b"a file that two people have"
    folder = alice.clone(f"{hub.url}/alice/m")
    alice.commit(folder, a__bin=content)
    alice("push", "-q", cwd=folder)
    bob = person(hub, tmp_path, "bob")
    hub.repo("bob/m")
    mine = bob.clone(f"{hub.url}/bob/m")
    bob.commit(mine, a__bin=content)
    bob("push", "-q", cwd=mine)
    assert hub.http().get("/bob/m/resolve/main/a.bin", follow_redirects=True).content == content


@pytest.mark.skipif(shutil.which("hf", path=SCRIPTS) is None, reason="there is no hf program in this environment")
def test_the_hub_client_sends_very_large_files_in_parts(hub, alice, monkeypatch):
    """As users do after `hf lfs-enable-largefiles`, with parts of 100 kB in place of 128 MiB."""
    monkeypatch.setattr(lfs_use_cases, "LFS_PART", 100_000)
    monkeypatch.setattr(lfs_use_cases, "LFS_MULTIPART_FROM", 300_000)
    content = random.Random(2).randbytes(1_234_567)
    alice.environment["PATH"] += f":{SCRIPTS}"
    folder = alice.clone(f"{hub.url}/alice/m")
    subprocess.run(
        [f"{SCRIPTS}/hf", "lfs-enable-largefiles", "."], cwd=folder, env=alice.environment, check=True, capture_output=True
    )
    alice.commit(folder, huge__bin=content, small__bin=b"small")
    alice("push", "-q", cwd=folder)
    again = alice.clone(f"{hub.url}/alice/m", into="again")
    assert (again / "huge.bin").read_bytes() == content
    assert (again / "small.bin").read_bytes() == b"small"
    assert not list(Path(hub.m.work).glob("lfs-*")), "the parts are gone"


def test_a_malformed_pointer_is_refused(hub, alice):
    folder = alice.clone(f"{hub.url}/alice/m")
    alice.commit(folder, a__txt="version https://git-lfs.github.com/spec/v1\noid sha256:../../etc/passwd\nsize 1\n")
    with pytest.raises(Refused, match=r"a\.txt looks like a git-lfs pointer"):
        alice("push", "--no-verify", cwd=folder)


def test_two_people_lock_files(hub, alice, tmp_path):
    bob = person(hub, tmp_path, "bob")
    hub.org("team", alice="admin", bob="write")
    hub.repo("team/m")
    ours, theirs = alice.clone(f"{hub.url}/team/m"), bob.clone(f"{hub.url}/team/m")
    alice.commit(ours, a__bin=b"1", b__bin=b"2")
    alice("push", "-q", cwd=ours)
    bob("pull", "-q", cwd=theirs)
    alice("lfs", "lock", "a.bin", cwd=ours)
    with pytest.raises(Refused, match=r"(?i)already"):
        bob("lfs", "lock", "a.bin", cwd=theirs)
    bob("lfs", "lock", "b.bin", cwd=theirs)
    assert sorted((lock["path"], lock["owner"]["name"]) for lock in json.loads(bob("lfs", "locks", "--json", cwd=theirs))) == [
        ("a.bin", "alice"), ("b.bin", "bob"),
    ]  # fmt: skip
    bob.commit(theirs, a__bin=b"changed")
    with pytest.raises(Refused, match=r"(?i)locked"):
        bob("-c", "lfs.locksverify=true", "push", cwd=theirs)
    with pytest.raises(Refused):
        bob("lfs", "unlock", "--force", "a.bin", cwd=theirs)
    alice("lfs", "unlock", "--force", "b.bin", cwd=ours)
    alice("lfs", "unlock", "a.bin", cwd=ours)
    assert json.loads(alice("lfs", "locks", "--json", cwd=ours)) == []
    bob("-c", "lfs.locksverify=true", "push", "-q", cwd=theirs)
