"""Buckets as people use them: the client's own commands, against our service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import RunningHub

pytestmark = [pytest.mark.story, pytest.mark.timeout(300)]


class Person:
    """Somebody at a machine, with the client's command line."""

    def __init__(self, hub: RunningHub, token: str, home: Path) -> None:
        self.home = home
        self._environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "HF_HOME": str(home / "hf"), "HF_ENDPOINT": hub.url, "HF_TOKEN": token,
            "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1", "NO_PROXY": "127.0.0.1", "NO_COLOR": "1",
        }  # fmt: skip
        home.mkdir()

    def hf(self, *words: str, fails: bool = False) -> str:
        """Run `hf` and return what it says, both streams."""
        program = str(Path(sys.executable).with_name("hf"))
        done = subprocess.run(
            [program, *words], env=self._environment, cwd=self.home, capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout + (done.stderr if fails else "")

    def listed(self, bucket: str) -> set[str]:
        """Return the paths of all files of a bucket."""
        said = self.hf("buckets", "ls", bucket, "-R", "--format", "json")
        return {entry["path"] for entry in json.loads(said or "[]") if entry.get("type", "file") == "file"}


@pytest.fixture
def alice(hub: RunningHub, tmp_path: Path) -> Person:
    return Person(hub, hub.user("alice"), tmp_path / "alice")


def test_a_folder_goes_to_a_bucket_changes_there_and_comes_back(hub, alice, tmp_path):
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "note.txt").write_text("first")
    (source / "empty").write_bytes(b"")
    (source / "sub" / "weights.bin").write_bytes(os.urandom(300_000))
    alice.hf("buckets", "create", "alice/work", "--private")
    alice.hf("buckets", "sync", str(source), "hf://buckets/alice/work/run")
    assert alice.listed("alice/work") == {"run/note.txt", "run/empty", "run/sub/weights.bin"}
    # Only what changed goes up; what is gone here goes there.
    (source / "note.txt").write_text("second, and longer")
    (source / "empty").unlink()
    said = alice.hf("buckets", "sync", str(source), "hf://buckets/alice/work/run", "--delete")
    assert "Uploads: 1" in said, said
    assert "Deletes: 1" in said, said
    back = tmp_path / "back"
    alice.hf("buckets", "sync", "hf://buckets/alice/work/run", str(back))
    assert {p.relative_to(back): p.read_bytes() for p in back.rglob("*") if p.is_file()} == {
        p.relative_to(source): p.read_bytes() for p in source.rglob("*") if p.is_file()
    }


def test_single_files_are_copied_up_down_and_between_buckets_and_removed(alice, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    alice.hf("buckets", "create", "one")
    alice.hf("buckets", "create", "alice/two")
    alice.hf("buckets", "cp", str(tmp_path / "a.txt"), "hf://buckets/alice/one/deep/a.txt")
    alice.hf("buckets", "cp", "hf://buckets/alice/one/deep/a.txt", "hf://buckets/alice/two/b.txt")
    alice.hf("buckets", "cp", "hf://buckets/alice/two/b.txt", str(tmp_path / "b.txt"))
    assert (tmp_path / "b.txt").read_text() == "a"
    assert "deep" in alice.hf("buckets", "ls", "alice/one")
    alice.hf("buckets", "rm", "alice/one/deep/a.txt", "-y")
    assert alice.listed("alice/one") == set()
    alice.hf("buckets", "move", "alice/two", "alice/three")
    assert alice.listed("alice/three") == {"b.txt"}
    alice.hf("buckets", "delete", "alice/three", "-y")
    assert "three" not in alice.hf("buckets", "list")


def test_an_outsider_does_not_learn_of_a_private_bucket(hub, alice, tmp_path):
    (tmp_path / "secret").write_text("secret")
    alice.hf("buckets", "create", "alice/closed", "--private")
    alice.hf("buckets", "cp", str(tmp_path / "secret"), "hf://buckets/alice/closed/secret")
    mallory = Person(hub, hub.user("mallory"), tmp_path / "mallory")
    for words in (["info", "alice/closed"], ["ls", "alice/closed"], ["cp", "hf://buckets/alice/closed/secret", "here"]):
        assert "not found" in mallory.hf("buckets", *words, fails=True).lower()
    assert "closed" not in mallory.hf("buckets", "list", "alice")
    mallory.hf("buckets", "cp", str(tmp_path / "secret"), "hf://buckets/alice/closed/mine", fails=True)
    assert alice.listed("alice/closed") == {"secret"}
