"""Large files by the default client: its own chunker, deduplication and parallel connections against our service."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conftest import RunningHub
from tulou.db.tables import lfs_object, xorb
from tulou.features.content import xet_tasks

pytestmark = [pytest.mark.story, pytest.mark.timeout(300)]

PROGRAM = Path(__file__).parents[1] / "xet_client.py"
MB = 1_000_000


class Person:
    """Somebody at a machine with caches of its own."""

    def __init__(self, hub: RunningHub, token: str, home: Path, python: str = sys.executable) -> None:
        self._python = python
        self._environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "HF_HOME": str(home / "hf"), "HF_ENDPOINT": hub.url, "HF_TOKEN": token,
            "HF_HUB_DISABLE_PROGRESS_BARS": "1", "NO_PROXY": "127.0.0.1", "PYTHONWARNINGS": "ignore",
        }  # fmt: skip
        home.mkdir()

    def run(self, verb: str, repo: str, name: str, path: Path, **env: str) -> str:
        done = subprocess.run(
            [self._python, str(PROGRAM), verb, repo, name, str(path)],
            env=self._environment | env, capture_output=True, text=True, timeout=240, check=False,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout.strip()


def stored(hub: RunningHub) -> int:
    """Return the bytes of all xorbs."""
    with hub.m.db.read() as connection:
        return int(connection.execute(sa.select(sa.func.coalesce(sa.func.sum(xorb.c.stored_size), 0))).scalar_one())


@pytest.fixture
def token(hub: RunningHub) -> str:
    secret = hub.user("alice")
    hub.repo("alice/m")
    return secret


def test_a_file_goes_up_by_xet_and_comes_back_equal_by_every_way(hub, token, tmp_path):
    person = Person(hub, token, tmp_path / "home")
    content = random.Random(5).randbytes(12 * MB) + bytes(5 * MB)
    source = tmp_path / "weights.bin"
    source.write_bytes(content)
    person.run("upload", "alice/m", "weights.bin", source)
    assert 12 * MB < stored(hub) < 13 * MB
    digest = hashlib.sha256(content).hexdigest()
    assert person.run("download", "alice/m", "weights.bin", tmp_path / "by-xet") == digest
    assert person.run("download", "alice/m", "weights.bin", tmp_path / "by-http", HF_HUB_DISABLE_XET="1") == digest
    part = hub.http(token).get("/alice/m/resolve/main/weights.bin", headers={"range": "bytes=11999990-12000009"})
    assert part.content == content[11_999_990:12_000_010]


@pytest.mark.slow
def test_a_small_edit_of_a_large_file_uploads_little_from_a_fresh_machine(hub, token, tmp_path):
    content = bytearray(random.Random(7).randbytes(200 * MB))
    source = tmp_path / "weights.bin"
    source.write_bytes(content)
    Person(hub, token, tmp_path / "first").run("upload", "alice/m", "weights.bin", source)
    whole = stored(hub)
    assert whole >= 200 * MB
    content[90 * MB : 91 * MB] = random.Random(8).randbytes(MB)
    source.write_bytes(content)
    Person(hub, token, tmp_path / "second").run("upload", "alice/m", "weights.bin", source)
    assert stored(hub) - whole <= 2 * MB
    # A changed beginning is what the clients' own queries cannot see through: the service tells what the repository has.
    content[:1000] = random.Random(9).randbytes(1000)
    source.write_bytes(content)
    before = stored(hub)
    third = Person(hub, token, tmp_path / "third")
    third.run("upload", "alice/m", "weights.bin", source)
    assert stored(hub) - before <= MB
    assert third.run("download", "alice/m", "weights.bin", tmp_path / "back") == hashlib.sha256(content).hexdigest()


def test_a_whole_file_that_came_by_lfs_is_turned_into_xet_in_the_background(hub, token, tmp_path):
    content = random.Random(3).randbytes(3 * MB)
    source = tmp_path / "weights.bin"
    source.write_bytes(content)
    person = Person(hub, token, tmp_path / "home")
    person.run("upload", "alice/m", "weights.bin", source, HF_HUB_DISABLE_XET="1")
    assert stored(hub) == 0
    head = hub.http(token).head("/alice/m/resolve/main/weights.bin")
    assert "x-xet-hash" not in head.headers
    hub.settle()
    assert stored(hub) >= 3 * MB
    head = hub.http(token).head("/alice/m/resolve/main/weights.bin")
    assert len(head.headers["x-xet-hash"]) == 64
    digest = hashlib.sha256(content).hexdigest()
    with hub.m.db.write() as tx:
        tx.execute(sa.update(lfs_object).values(created_at=1))
    xet_tasks.drop_blobs(hub.m, {})
    with hub.m.db.read() as connection:
        assert connection.execute(sa.select(lfs_object.c.has_blob)).scalar_one() is False
    assert person.run("download", "alice/m", "weights.bin", tmp_path / "by-xet") == digest
    assert person.run("download", "alice/m", "weights.bin", tmp_path / "by-http", HF_HUB_DISABLE_XET="1") == digest


def test_conversions_one_after_the_other_share_a_child_but_no_cache(hub, token, tmp_path):
    person = Person(hub, token, tmp_path / "home")
    for number in range(3):
        source = tmp_path / f"{number}.bin"
        source.write_bytes(random.Random(number).randbytes(2 * MB))
        person.run("upload", "alice/m", source.name, source, HF_HUB_DISABLE_XET="1")
        hub.settle()
        assert "x-xet-hash" in hub.http(token).head(f"/alice/m/resolve/main/{source.name}").headers
        assert [path.name for path in hub.m.work.iterdir()] == []


def test_a_large_file_is_copied_to_another_repository_without_sending_it(hub, token, tmp_path):
    content = random.Random(11).randbytes(12 * MB)
    source = tmp_path / "weights.bin"
    source.write_bytes(content)
    Person(hub, token, tmp_path / "alice").run("upload", "alice/m", "weights.bin", source)
    before = stored(hub)
    bob = Person(hub, hub.user("bob"), tmp_path / "bob")
    hub.repo("bob/copy")
    bob.run("copy", "bob/copy", "weights.bin", Path("alice/m"))
    assert stored(hub) == before
    assert bob.run("download", "bob/copy", "weights.bin", tmp_path / "got") == hashlib.sha256(content).hexdigest()


def test_a_reader_uploads_a_large_file_for_a_pull_request(hub, token, tmp_path):
    content = random.Random(12).randbytes(12 * MB)
    source = tmp_path / "weights.bin"
    source.write_bytes(content)
    bob = Person(hub, hub.user("bob"), tmp_path / "bob")
    bob.run("upload-for-review", "alice/m", "weights.bin", source)
    got = bob.run("download@refs/pr/1", "alice/m", "weights.bin", tmp_path / "got")
    assert got == hashlib.sha256(content).hexdigest()
    assert hub.http(token).get("/alice/m/resolve/main/weights.bin").status_code == 404


def test_a_folder_of_many_files_goes_up_together_and_again_from_elsewhere_for_nearly_nothing(hub, token, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number}.bin").write_bytes(random.Random(number).randbytes(MB // 2))
    person = Person(hub, token, tmp_path / "home")
    person.run("upload-folder", "alice/m", "data", folder)
    once = stored(hub)
    assert 15 * MB < once < 16 * MB
    Person(hub, token, tmp_path / "elsewhere").run("upload-folder", "alice/m", "again", folder)
    assert stored(hub) - once < MB
    for name in ("data/0.bin", "again/29.bin"):
        expected = hashlib.sha256((folder / name.split("/")[1]).read_bytes()).hexdigest()
        assert person.run("download", "alice/m", name, tmp_path / name.split("/")[0]) == expected


def test_people_who_upload_the_same_file_at_once_all_succeed(hub, tmp_path):
    content = random.Random(13).randbytes(30 * MB)
    source = tmp_path / "weights.bin"
    source.write_bytes(content)
    people = {}
    for name in ("ann", "ben", "cat"):
        people[name] = Person(hub, hub.user(name), tmp_path / name)
        hub.repo(f"{name}/m", private=True)
    with ThreadPoolExecutor(len(people)) as threads:
        runs = [threads.submit(person.run, "upload", f"{name}/m", "weights.bin", source) for name, person in people.items()]
        for run in runs:
            run.result()
    digest = hashlib.sha256(content).hexdigest()
    for name, person in people.items():
        assert person.run("download", f"{name}/m", "weights.bin", tmp_path / f"{name}-got") == digest
