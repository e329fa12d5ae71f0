"""Rows, search, filter and media of the viewer: exact shapes, limits, errors, and who may see them."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests import commits
from tests import dataset_files as make
from tests.conftest import RunningHub, run_hub, settings_for
from tulou.features.access import gate
from tulou.features.content import lifecycle
from tulou.features.viewer import shelf
from tulou.kernel.actor import SYSTEM, Action
from tulou.kernel.names import RepoKind, parse_repo_id

ROWS = 2_500
PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000030000000208020000001216f14d"
    "0000001049444154789c63f8cfc0000310fa3f030000230003fd5c1d8d6f0000000049454e44ae426082"
)
PLACE = {"dataset": "alice/table", "config": "default", "split": "train"}


def text_of(row: int) -> str:
    return f"row {row} 人工智能 <b>{'even' if row % 2 == 0 else 'odd'}</b>"


def source() -> pa.Table:
    return pa.table({
        "id": pa.array(range(ROWS), pa.int64()),
        "score": pa.array([None if i % 10 == 0 else i / 4 for i in range(ROWS)], pa.float64()),
        "text": [text_of(i) for i in range(ROWS)],
        "kind": [f"kind {i % 4}" for i in range(ROWS)],
        "tags": [[f"t{i % 3}"] * (i % 4) for i in range(ROWS)],
        "raw": pa.array([bytes([i % 256, 255]) for i in range(ROWS)], pa.binary()),
        "long": ["x" * 2_000 if i == 7 else "short" for i in range(ROWS)],
        "image": pa.array([{"bytes": PNG, "path": None} if i < 30 else None for i in range(ROWS)], PICTURE),
    })  # fmt: skip


def parquet(table: pa.Table) -> bytes:
    features = {"image": {"_type": "Image"}}
    info = {
        name: {"dtype": str(kind), "_type": "Value"} for name, kind in zip(table.schema.names, table.schema.types, strict=True)
    }
    info["tags"] = {"feature": {"dtype": "string", "_type": "Value"}, "_type": "List"}
    info["score"]["dtype"] = "float64"
    said = json.dumps({"info": {"features": {**info, **features}}})
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"huggingface": said}), sink, row_group_size=1_000)
    return sink.getvalue()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    for running in run_hub(settings_for(tmp_path_factory.mktemp("hub") / "data")):
        running.alice = running.user("alice")  # type: ignore[attr-defined]
        running.bob = running.user("bob")  # type: ignore[attr-defined]
        client = running.http(running.alice)
        files = {"train.parquet": parquet(source())}
        make.push(running, client, {"alice/table": files, "alice/secret": files}, private=["alice/secret"])
        yield running


@pytest.fixture
def alice(hub: RunningHub) -> httpx.Client:
    return hub.http(hub.alice)


def asked(client: httpx.Client, what: str, **more: Any) -> dict[str, Any]:
    answer = client.get(f"/api/viewer/{what}", params={**PLACE, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(found: dict[str, Any]) -> list[int]:
    assert all(row["row"]["id"] == row["row_idx"] for row in found["rows"])
    return [row["row_idx"] for row in found["rows"]]


def test_rows_have_the_shape_of_the_hubs_viewer(alice: httpx.Client):
    answer = alice.get("/api/viewer/rows", params={**PLACE, "offset": 999, "length": 2})
    assert answer.headers["x-revision"]
    found = answer.json()
    assert set(found) == {"features", "rows", "num_rows_total", "num_rows_per_page", "partial"}
    assert (found["num_rows_total"], found["num_rows_per_page"], found["partial"]) == (ROWS, 100, False)
    assert found["features"][0] == {"feature_idx": 0, "name": "id", "type": {"dtype": "int64", "_type": "Value"}}
    first = found["rows"][0]
    assert set(first) == {"row_idx", "row", "truncated_cells"}
    expected = {
        "id": 999,
        "score": 249.75,
        "text": text_of(999),
        "kind": "kind 3",
        "tags": ["t0"] * 3,
        "raw": "5/8=",
        "long": "short",
    }
    assert {name: first["row"][name] for name in expected} == expected
    assert first["truncated_cells"] == []


def test_rows_come_a_hundred_at_a_time_and_end_with_the_table(alice: httpx.Client):
    assert ids(asked(alice, "rows")) == list(range(100))
    assert ids(asked(alice, "rows", offset=ROWS - 3, length=100)) == [ROWS - 3, ROWS - 2, ROWS - 1]
    assert ids(asked(alice, "rows", offset=ROWS + 5)) == []
    assert ids(asked(alice, "rows", length=0)) == []


WRONG = [
    ("rows", {"length": 101}, 422, "InvalidParameter"),
    ("rows", {"length": "many"}, 422, "InvalidParameter"),
    ("rows", {"offset": -1}, 422, "InvalidParameter"),
    ("rows", {"offset": 10**20}, 422, "InvalidParameter"),
    ("rows", {"config": "nobody"}, 404, "ConfigNotFoundError"),
    ("rows", {"split": "nobody"}, 404, "SplitNotFoundError"),
    ("rows", {"split": "../train"}, 404, "SplitNotFoundError"),
    ("rows", {"split": None}, 422, "MissingRequiredParameter"),
    ("rows", {"config": None}, 422, "MissingRequiredParameter"),
    ("rows", {"dataset": None}, 422, "MissingRequiredParameter"),
    ("rows", {"dataset": "a/b/c"}, 404, "ExternalAuthenticatedError"),
    ("search", {}, 422, "MissingRequiredParameter"),
    ("search", {"query": "x" * 1_001}, 422, "InvalidParameter"),
    ("filter", {"where": '"nobody" = 1'}, 422, "InvalidParameter"),
    ("filter", {"where": '"id" = 1; drop table x'}, 422, "InvalidParameter"),
    ("filter", {"where": "\"id\" = 'word'"}, 422, "InvalidParameter"),
    ("filter", {"where": "\"tags\" like 'x'"}, 422, "InvalidParameter"),
    ("filter", {"where": "\"text\" ~ '('"}, 422, "InvalidParameter"),
    ("filter", {"orderby": '"nobody"'}, 422, "InvalidParameter"),
    ("filter", {"orderby": '"id"; select 1'}, 422, "InvalidParameter"),
]


@pytest.mark.parametrize(("what", "more", "status", "code"), WRONG)
def test_what_cannot_be_answered_is_said_as_the_hubs_viewer_says_it(
    alice: httpx.Client, what: str, more: dict[str, Any], status: int, code: str
):
    asked_for = {name: value for name, value in {**PLACE, **more}.items() if value is not None}
    answer = alice.get(f"/api/viewer/{what}", params=asked_for)
    assert (answer.status_code, answer.headers["x-error-code"]) == (status, code)
    assert answer.json()["error"]


def test_search_finds_words_and_chinese_best_first(alice: httpx.Client):
    found = asked(alice, "search", query="人工智能 odd", length=5)
    assert found["num_rows_total"] == ROWS // 2
    assert all(row % 2 for row in ids(found))
    assert ids(asked(alice, "search", query='"row 77"')) == [77]
    assert asked(alice, "search", query="nothingofthekind")["rows"] == []


def test_without_an_index_a_scan_finds_the_same(hub: RunningHub, alice: httpx.Client):
    before = sorted(ids(asked(alice, "search", query="人工智能 77")))
    folder = split_of(hub).folder / "search"
    aside = folder.with_name("aside")
    shutil.move(folder, aside)
    try:
        found = ids(asked(alice, "search", query="人工智能 77"))
    finally:
        shutil.move(aside, folder)
    assert set(before) <= set(found)
    assert found == [row for row in range(ROWS) if "77" in text_of(row)]


FILTERS = [
    ('"score" > 600.5', lambda i: i % 10 and i / 4 > 600.5),
    ('"score" is null', lambda i: i % 10 == 0),
    ("\"kind\" = 'kind 2' and \"id\" < 50", lambda i: i % 4 == 2 and i < 50),
    ("\"text\" like '%>odd<%' and not (\"id\" between 5 and 2490)", lambda i: i % 2 and not 5 <= i <= 2490),
    ("\"tags\".list_contains('t2') and \"id\" > 2400", lambda i: i % 3 == 2 and i % 4 and i > 2400),
    ("\"text\".contains('工智能')", lambda _i: True),
    ('"tags".len() = 3', lambda i: i % 4 == 3),
]  # fmt: skip


@pytest.mark.parametrize(("where", "rule"), FILTERS)
def test_filter_gives_the_rows_that_match_in_their_order(alice: httpx.Client, where: str, rule: Any):
    expected = [i for i in range(ROWS) if rule(i)]
    found = asked(alice, "filter", where=where, offset=3, length=20)
    assert found["num_rows_total"] == len(expected)
    assert ids(found) == expected[3:23]


def test_filter_sorts_and_pages_on(alice: httpx.Client):
    expected = sorted((i for i in range(ROWS) if i % 10), key=lambda i: (-(i % 4), i))
    for offset in (0, 1_000, len(expected) - 2):
        found = asked(alice, "filter", where='"score" is not null', orderby='"kind" desc', offset=offset, length=5)
        assert ids(found) == expected[offset : offset + 5]
    nulls_last = asked(alice, "filter", orderby='"score"', offset=ROWS - 1, length=1)
    assert nulls_last["rows"][0]["row"]["score"] is None
    assert ids(asked(alice, "filter", length=3)) == [0, 1, 2]


def test_long_cells_are_cut_on_request_and_named(alice: httpx.Client):
    row = asked(alice, "rows", offset=7, length=1, truncate=50)["rows"][0]
    assert (row["row"]["long"], row["truncated_cells"]) == ("x" * 50, ["long"])


def test_a_picture_in_a_cell_is_a_link_to_its_bytes(hub: RunningHub, alice: httpx.Client):
    cell = asked(alice, "rows", offset=3, length=1)["rows"][0]["row"]["image"]
    assert (cell["width"], cell["height"]) == (3, 2)
    assert asked(alice, "rows", offset=31, length=1)["rows"][0]["row"]["image"] is None
    picture = hub.http().get(cell["src"])  # the link carries its right: browsers send no token with pictures
    assert (picture.status_code, picture.content, picture.headers["content-type"]) == (200, PNG, "image/png")
    assert picture.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in picture.headers["content-security-policy"]
    for wrong in (
        cell["src"].replace("/3/", "/99999999/"),
        cell["src"].replace("/3/", "/x/"),
        cell["src"].replace("/0/image", "/7/image"),
    ):
        assert hub.http().get(wrong).status_code in {404, 422}
    sealed = cell["src"].split("/assets/")[1].split("/")[0]
    assert hub.http().get(cell["src"].replace(sealed, sealed[:-2] + "xx")).status_code == 403


def test_a_private_dataset_answers_its_owner_and_to_others_as_one_that_is_not_there(hub: RunningHub):
    place = {**PLACE, "dataset": "alice/secret", "where": '"id" = 1', "query": "row"}
    missing = {**place, "dataset": "alice/missing"}
    for what in ("rows", "search", "filter"):
        assert hub.http(hub.alice).get(f"/api/viewer/{what}", params=place).status_code == 200
        for token in (hub.bob, None):
            hidden, absent = (hub.http(token).get(f"/api/viewer/{what}", params=each) for each in (place, missing))
            assert (hidden.status_code, hidden.content) == (absent.status_code, absent.content)
            assert hidden.status_code == (404 if token else 401)
            assert "x-revision" not in hidden.headers


def test_a_link_to_a_picture_ends_with_the_right_behind_it(hub: RunningHub):
    place = {**PLACE, "dataset": "alice/secret", "length": 1}
    link = hub.http(hub.alice).get("/api/viewer/rows", params=place).json()["rows"][0]["row"]["image"]["src"]
    assert hub.http().get(link).status_code == 200
    hub.repo("alice/closing", "dataset")
    commits.commit(hub.http(hub.alice), "alice/closing", {"train.parquet": parquet(source().slice(0, 5))}, kind="datasets")
    hub.settle()
    public = (
        hub.http().get("/api/viewer/rows", params={**PLACE, "dataset": "alice/closing"}).json()["rows"][0]["row"]["image"]["src"]
    )
    assert hub.http().get(public).status_code == 200
    name = parse_repo_id(RepoKind.DATASET, "alice/closing")
    lifecycle.change(hub.m, SYSTEM, gate.repo(hub.m, SYSTEM, name, Action.ADMIN), visibility="private")
    assert hub.http().get(public).status_code in {401, 404}


def test_a_reader_that_was_killed_is_replaced(hub: RunningHub, alice: httpx.Client):
    before = asked(alice, "rows", length=3)
    for child in list(hub.m.tables.reader._free):
        os.kill(child.pid, signal.SIGKILL)
    assert asked(alice, "rows", length=3)["rows"][1]["row"]["text"] == before["rows"][1]["row"]["text"]


def test_what_the_cache_lost_is_made_again(hub: RunningHub, alice: httpx.Client):
    shutil.rmtree(split_of(hub).folder)
    answer = alice.get("/api/viewer/rows", params=PLACE)
    assert (answer.status_code, answer.headers["x-error-code"]) == (500, "ResponseNotReady")
    hub.settle()
    assert ids(asked(alice, "rows", length=2)) == [0, 1]


def split_of(hub: RunningHub) -> shelf.Split:
    repo = gate.repo(hub.m, SYSTEM, parse_repo_id(RepoKind.DATASET, "alice/table"), Action.READ_CONTENT)
    head = hub.http(hub.alice).get("/api/datasets/alice/table").json()["sha"]
    found = shelf.find(hub.m, repo, head, "default", "train")
    assert found is not None
    assert isinstance(found.folder, Path)
    return found
