"""The pass: what it makes of a push, what it spares itself, and what the next push does to it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from tests import dataset_files as make
from tests.commits import commit
from tests.conftest import RunningHub, run_hub, settings_for
from tulou.db.tables import repo, task, viewer_commit
from tulou.features.content import lifecycle
from tulou.features.quota import limit
from tulou.features.repos import lookup
from tulou.features.viewer import passing, running, shelf
from tulou.fsio import atomic
from tulou.kernel.actor import SYSTEM
from tulou.kernel.ids import Sha1
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.platform.blobs.store import blob_key
from tulou.platform.tabular.readers import Closing
from tulou.platform.tabular.run import Child, Died

pytestmark = pytest.mark.timeout(400)

NAME = parse_repo_id(RepoKind.DATASET, "alice/data")
CSV = {"train.csv": make.csv(make.ROWS), "test.csv": make.csv(make.ROWS[:1])}


@pytest.fixture
def alice(hub: RunningHub) -> httpx.Client:
    client = hub.http(hub.user("alice"))
    hub.repo("alice/data", "dataset")
    return client


def push(client: httpx.Client, files: dict[str, bytes | str]) -> str:
    return commit(client, "alice/data", files, kind="datasets")


def push_large(client: httpx.Client, path: str, content: bytes) -> None:
    pointer = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
    batch = "/datasets/alice/data.git/info/lfs/objects/batch"
    [told] = client.post(batch, json={"operation": "upload", "objects": [pointer]}).json()["objects"]
    httpx.put(told["actions"]["upload"]["href"], content=content, trust_env=False).raise_for_status()
    lines = [
        {"key": "header", "value": {"summary": "add"}},
        {"key": "lfsFile", "value": {"path": path, "algo": "sha256", **pointer}},
    ]
    body = b"\n".join(json.dumps(line).encode() for line in lines)
    client.post("/api/datasets/alice/data/commit/main", content=body).raise_for_status()


def ask(client: httpx.Client, endpoint: str, **parameters: str) -> httpx.Response:
    return client.get(f"/api/viewer/{endpoint}", params={"dataset": "alice/data", **parameters})


def rows(client: httpx.Client, endpoint: str = "first-rows", split: str = "train") -> httpx.Response:
    return ask(client, endpoint, config="default", split=split)


def folder(hub: RunningHub) -> Path:
    found = lookup.by_name(hub.m, NAME)
    return shelf.folder_of(hub.m, found.id, Sha1("x")).parent


def test_before_anybody_looked_the_answer_is_not_ready_and_says_when_to_come_back(hub, alice):
    push(alice, CSV)
    answer = rows(alice)
    assert (answer.status_code, answer.headers["x-error-code"], answer.headers["retry-after"]) == (500, "ResponseNotReady", "2")
    hub.settle()
    assert rows(alice).json()["rows"][2]["row"] == make.ROWS[2]


def test_first_rows_are_there_before_the_pass_and_rows_after_it(hub, alice, monkeypatch):
    monkeypatch.setattr(passing, "VIEWER_SMALL_BYTES", 0)
    push(alice, CSV)
    passing.look(hub.m, lookup.by_name(hub.m, NAME).id)
    assert [item["row"] for item in rows(alice).json()["rows"]] == make.ROWS
    assert rows(alice, "rows").headers["x-error-code"] == "ResponseNotReady"
    assert ask(alice, "info").json()["pending"] == [{"dataset": "alice/data", "config": "default"}]
    assert ask(alice, "is-valid").json()["preview"]
    hub.settle()
    assert [item["row"] for item in rows(alice, "rows").json()["rows"]] == make.ROWS
    assert ask(alice, "info").json()["pending"] == []


def test_a_new_push_is_shown_and_the_old_one_leaves_nothing_behind(hub, alice):
    push(alice, CSV)
    hub.settle()
    new = push(alice, {"train.csv": make.csv(make.ROWS[:2])})
    assert rows(alice).headers["x-error-code"] == "ResponseNotReady"
    hub.settle()
    assert len(rows(alice).json()["rows"]) == 2
    assert rows(alice).headers["x-revision"] == new
    assert [path.name for path in folder(hub).iterdir()] == [new]
    with hub.m.db.read() as connection:
        assert connection.execute(sa.select(viewer_commit.c.commit)).scalars().all() == [new]
    tree = alice.get("/api/datasets/alice/data/tree/refs%2Fconvert%2Fparquet?recursive=true").json()
    assert [entry["path"] for entry in tree if entry["type"] == "file"] == [
        ".gitattributes", "default/test/0000.parquet", "default/train/0000.parquet",
    ]  # fmt: skip


def test_files_that_are_gone_leave_the_converted_ref(hub, alice):
    push(alice, CSV)
    hub.settle()
    lines = [{"key": "header", "value": {"summary": "drop"}}, {"key": "deletedFile", "value": {"path": "test.csv"}}]
    alice.post("/api/datasets/alice/data/commit/main", content=b"\n".join(json.dumps(each).encode() for each in lines))
    hub.settle()
    tree = alice.get("/api/datasets/alice/data/tree/refs%2Fconvert%2Fparquet?recursive=true").json()
    assert [entry["path"] for entry in tree if entry["path"].endswith(".parquet")] == ["default/train/0000.parquet"]


def test_a_card_that_says_nothing_of_the_data_costs_no_new_pass(hub, alice, monkeypatch):
    push(alice, CSV)
    hub.settle()
    before = {path.name: path.stat().st_ino for path in folder(hub).glob("*/0/train/*") if path.is_file()}
    monkeypatch.setattr(Child, "run", None)  # a second child would fail
    new = push(alice, {"README.md": "---\n---\n# Prose\n"})
    hub.settle()
    assert rows(alice, "rows").headers["x-revision"] == new
    assert {path.name: path.stat().st_ino for path in folder(hub).glob(f"{new}/0/train/*") if path.is_file()} == before


def test_what_the_cache_lost_is_made_again(hub, alice):
    push(alice, CSV)
    hub.settle()
    atomic.remove_tree(folder(hub))
    for endpoint in ("first-rows", "rows", "statistics"):
        assert rows(alice, endpoint).headers["x-error-code"] == "ResponseNotReady"
    hub.settle()
    assert [rows(alice, endpoint).status_code for endpoint in ("first-rows", "rows", "statistics")] == [200] * 3


def test_parquet_that_can_be_read_by_pages_is_neither_copied_nor_rewritten(hub, alice):
    content = make.parquet(make.ROWS, write_page_index=True)
    push_large(alice, "train.parquet", content)
    hub.settle()
    [shown] = folder(hub).glob("*/0/train/0000.parquet")
    stored = hub.m.store.local(blob_key(hashlib.sha256(content).hexdigest()))
    assert shown.samefile(stored)
    [file] = ask(alice, "parquet").json()["parquet_files"]
    assert alice.get(file["url"]).content == content


def test_parquet_without_an_index_of_pages_is_published_as_it_is_and_shown_from_a_copy_with_one(hub, alice):
    content = make.parquet(make.ROWS)
    push_large(alice, "train.parquet", content)
    hub.settle()
    [shown] = folder(hub).glob("*/0/train/0000.parquet")
    assert pq.ParquetFile(shown).metadata.row_group(0).column(0).has_offset_index
    [file] = ask(alice, "parquet").json()["parquet_files"]
    assert alice.get(file["url"]).content == content


def test_converted_files_are_the_bytes_that_the_viewer_reads_kept_once(hub, alice):
    push(alice, CSV)
    hub.settle()
    [shown] = folder(hub).glob("*/0/train/0000.parquet")
    digest = hashlib.sha256(shown.read_bytes()).hexdigest()
    assert shown.samefile(hub.m.store.local(blob_key(digest)))
    assert (
        hub.http().get("/datasets/alice/data/resolve/refs%2Fconvert%2Fparquet/default/train/0000.parquet").content
        == shown.read_bytes()
    )


def test_converted_files_count_against_the_quota_and_rows_are_shown_without_them(hub, alice):
    push(alice, CSV)
    with hub.m.db.write() as tx:
        tx.execute(sa.update(repo).values(storage_bytes=2**30))
    limit.set_limit(hub.m, SYSTEM, "alice", 1)
    hub.settle()
    assert [item["row"] for item in rows(alice, "rows").json()["rows"]] == make.ROWS
    assert ask(alice, "parquet").json()["failed"][0]["error"]["error"].endswith("quota of its owner.")
    assert ask(alice, "parquet", config="default").headers["x-error-code"] == "QuotaExceededError"
    assert ask(alice, "info").json()["failed"] == []


def test_a_split_that_the_child_dies_of_does_not_take_the_others_with_it(hub, alice, monkeypatch):
    monkeypatch.setattr(running, "VIEWER_CHILD_MEMORY", 1 << 29)
    huge = make.parquet(make.pa.table({"x": make.pa.array(["y" * (1 << 20)]).take(make.pa.array([0] * 300))}))
    push(alice, {"data/train-00000-of-00001.parquet": huge, "data/test-00000-of-00001.parquet": make.parquet(make.ROWS)})
    hub.settle()
    failed = rows(alice, "rows")
    assert failed.status_code >= 500
    assert failed.headers["x-error-code"] in {"JobManagerCrashedError", "TooBigContentError"}
    assert rows(alice, "rows", "test").status_code == 500  # its columns are not those of the first split
    with hub.m.db.read() as connection:
        assert connection.execute(sa.select(task.c.kind, task.c.error).where(task.c.state != "done")).all() == []


def test_a_deleted_dataset_is_missing_and_its_cache_goes(hub, alice):
    push(alice, CSV)
    hub.settle()
    place = folder(hub)
    lifecycle.delete(hub.m, SYSTEM, NAME)
    hub.settle()
    assert rows(alice).headers["x-error-code"] == "ExternalAuthenticatedError"
    assert not place.exists()


def test_a_dataset_that_becomes_private_is_hidden_at_once(hub, alice):
    push(alice, CSV)
    hub.settle()
    assert rows(hub.http()).status_code == 200
    alice.put("/api/datasets/alice/data/settings", json={"private": True}).raise_for_status()
    assert rows(hub.http()).status_code == 401
    assert rows(alice).status_code == 200


@pytest.mark.parametrize("level", ["process", "off"])
def test_the_hub_s_own_reader_works_where_programs_of_others_do_not(tmp_path: Path, level: str):
    for hub in run_hub(settings_for(tmp_path / "data", compute=level)):
        client = hub.http(hub.user("alice"))
        hub.repo("alice/data", "dataset")
        push(client, {**CSV, "README.md": "---\nconfigs:\n- config_name: x\n  data_files: train.csv\n---\n"})
        hub.settle()
        shown = ask(client, "rows", config="x", split="train").json()
        assert [item["row"] for item in shown["rows"]] == make.ROWS


def test_a_pass_that_the_end_of_the_hub_cuts_off_is_no_fault_of_the_data(hub, alice):
    push(alice, CSV)
    hub.m.readers.close()
    with pytest.raises(Closing):
        passing.look(hub.m, lookup.by_name(hub.m, NAME).id)
    assert rows(alice).headers["x-error-code"] == "ResponseNotReady"


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_a_reader_hands_back_may_be_files_and_folders_only(tmp_path: Path, kind: str):
    (tmp_path / "made" / "search").mkdir(parents=True)
    (tmp_path / "made" / "0000.parquet").write_bytes(b"x")
    running._take(tmp_path / "made")
    odd = tmp_path / "made" / "search" / "odd"
    odd.symlink_to("/etc/passwd") if kind == "link" else os.mkfifo(odd)
    with pytest.raises((Died, OSError)):
        running._take(tmp_path / "made")
