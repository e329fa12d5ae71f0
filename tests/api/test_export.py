"""A commit as files on this machine."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from tests.commits import commit
from tests.conftest import RunningHub
from tests.stories.programs import Git
from tulou.db.tables import repo_object
from tulou.features.content import export, revisions
from tulou.features.content.export import Exported
from tulou.features.repos import lookup
from tulou.kernel.errors import EntryNotFound, ObjectNotFound, TooLarge
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.platform.blobs.store import blob_key

LARGE = os.urandom(300_000)
OID = hashlib.sha256(LARGE).hexdigest()
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize {len(LARGE)}\n"


def write_out(hub: RunningHub, folder: Path, **how: object) -> Exported:
    repo = lookup.by_name(hub.m, parse_repo_id(RepoKind.MODEL, "alice/m"))
    assert repo is not None
    return export.tree(hub.m, repo, revisions.head(hub.m, repo), folder, **how)  # type: ignore[arg-type]


def mode(path: Path) -> int:
    return path.lstat().st_mode & 0o777


@pytest.fixture
def token(hub: RunningHub) -> str:
    token = hub.user("alice")
    hub.repo("alice/m")
    return token


def upload_large(hub: RunningHub, token: str) -> None:
    client = hub.http(token)
    batch = {"operation": "upload", "objects": [{"oid": OID, "size": len(LARGE)}]}
    [told] = client.post("/alice/m.git/info/lfs/objects/batch", json=batch).raise_for_status().json()["objects"]
    httpx.put(told["actions"]["upload"]["href"], content=LARGE, trust_env=False).raise_for_status()
    verify = told["actions"]["verify"]
    client.post(verify["href"], json={"oid": OID, "size": len(LARGE)}, headers=verify.get("header", {})).raise_for_status()


def push(hub: RunningHub, token: str, tmp_path: Path) -> None:
    """Push a program, links of every sort, a submodule's place, and what else only git can make."""
    alice = Git(tmp_path, "alice", token).knows(hub.url)
    folder = alice.clone(f"{hub.url}/alice/m")
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    for name, target in {
        "inside": "run.sh", "sub/up": "../run.sh", "sub/deep/top": "../..", "sub/deep/out": "../../../x",
        "absolute": "/etc/passwd", "through": "sub/deep/top/../x", "itself": ".",
    }.items():  # fmt: skip
        (folder / name).symlink_to(target)
    alice.commit(folder, **{"sub/deep/a.txt": "a"})
    alice("push", "-q", "origin", "HEAD:main", cwd=folder)


def test_files_links_and_modes_come_as_git_has_them_but_no_link_leads_out(hub, token, tmp_path):
    push(hub, token, tmp_path)
    out = tmp_path / "out"
    write_out(hub, out)
    found = {path.relative_to(out).as_posix() for path in out.rglob("*")}
    assert {"run.sh", "sub/deep/a.txt", "inside", "sub/up", "sub/deep/top", "itself"} <= found
    assert not found & {"sub/deep/out", "absolute", "through"}
    assert [mode(out), mode(out / "sub"), mode(out / "run.sh"), mode(out / "sub/deep/a.txt")] == [0o755, 0o755, 0o755, 0o644]
    for link in (path for path in out.rglob("*") if path.is_symlink()):
        assert link.resolve().is_relative_to(out.resolve())


def test_a_large_file_is_linked_from_the_store_where_no_program_can_change_it(hub, token, tmp_path):
    upload_large(hub, token)
    commit(hub.http(token), "alice/m", {"model.bin": POINTER, "dir/plain": "text"})
    done = write_out(hub, tmp_path / "out")
    assert (done.files, done.bytes) == (3, len(LARGE) + 4 + (tmp_path / "out/.gitattributes").stat().st_size)
    file = tmp_path / "out" / "model.bin"
    assert file.read_bytes() == LARGE
    stored = hub.m.store.local(blob_key(OID))
    assert file.samefile(stored)
    assert mode(file) == mode(stored) == 0o444


def test_only_what_is_wanted_below_a_folder_comes(hub, token, tmp_path):
    commit(hub.http(token), "alice/m", {"a/b/c.csv": "1", "a/b/d.txt": "2", "a/e/f.txt": "3", "g.csv": "4"})
    done = write_out(hub, tmp_path / "out", prefix="a", want=lambda path: path.endswith(".csv"))
    assert done == Exported(1, 1)
    assert [path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")] == ["b", "b/c.csv"]


def test_what_is_no_folder_too_much_or_not_there_is_refused(hub, token, tmp_path, monkeypatch):
    commit(hub.http(token), "alice/m", {"a": "1", "b/c": "2"})
    for prefix in ("a", "nothing", "b/c"):
        with pytest.raises(EntryNotFound):
            write_out(hub, tmp_path / "out", prefix=prefix)
    monkeypatch.setattr(export, "EXPORT_FILES", 2)
    with pytest.raises(TooLarge):
        write_out(hub, tmp_path / "many")
    monkeypatch.setattr(export, "EXPORT_FILES", 3)
    monkeypatch.setattr(export, "EXPORT_BYTES", 100)
    with pytest.raises(TooLarge):
        write_out(hub, tmp_path / "heavy")


def test_a_folder_that_is_in_use_is_left_alone(hub, token, tmp_path):
    commit(hub.http(token), "alice/m", {"a": "1"})
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "out" / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        write_out(hub, tmp_path / "out")
    assert (tmp_path / "elsewhere").read_text() == "mine"


def test_a_pointer_to_somebody_elses_file_gives_nothing(hub, token, tmp_path):
    upload_large(hub, token)
    commit(hub.http(token), "alice/m", {"model.bin": POINTER})
    repo = lookup.by_name(hub.m, parse_repo_id(RepoKind.MODEL, "alice/m"))
    with hub.m.db.write() as tx:
        tx.execute(sa.delete(repo_object).where(repo_object.c.repo_id == repo.id))
    with pytest.raises(ObjectNotFound):
        write_out(hub, tmp_path / "out")
