"""Every format that people push becomes rows, with the configurations and splits that the `datasets` library sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import dataset_files as make
from tests.conftest import RunningHub, run_hub, settings_for
from tulou.kernel.actor import TokenRole

pytestmark = pytest.mark.timeout(400)

ROWS = make.ROWS
CARD = """---
configs:
- config_name: cola
  data_files:
  - {split: train, path: cola/train.tsv}
  - {split: validation, path: cola/dev.tsv}
- config_name: sst2
  default: true
  data_files: sst2/*.tsv
- config_name: stsb
  data_files: stsb.csv
  sep: ";"
  skiprows: 1
dataset_info:
- config_name: sst2
  features:
  - name: sentence
    dtype: string
  - name: label
    dtype:
      class_label:
        names: {'0': negative, '1': positive}
---
# GLUE
"""
DATASETS: dict[str, dict[str, bytes | str]] = {
    "csv": {"train.csv": make.csv(ROWS), "test.csv": make.csv(ROWS[:1])},
    "tsv": {"data.tsv": make.csv(ROWS, "\t")},
    "jsonl": {"data/train-00000-of-00002.jsonl": make.jsonl(ROWS), "data/train-00001-of-00002.jsonl": make.jsonl(ROWS)},
    "json": {"all.json": '[{"id": 1, "text": "one"}, {"id": 2, "text": null}]'},
    "nested": {"chat.jsonl": make.jsonl([{"messages": [{"role": "user", "content": "你好"}], "meta": {"n": 1.5}}])},
    "text": {"train.txt": "first\nsecond\n", "validation.txt": "third\n"},
    "parquet": {"data/train.parquet": make.parquet(ROWS), "data/test.parquet": make.parquet(ROWS[1:])},
    "arrow": {"train.arrow": make.arrow(ROWS)},
    "gzipped": {"train.csv.gz": make.gzipped(make.csv(ROWS))},
    "zipped": {"data.zip": make.zipped({"a.csv": make.csv(ROWS)})},
    "images": {"train/cat/1.png": make.png(3, 2), "train/dog/2.png": make.png(5, 4)},
    "images-with-metadata": {"train/1.png": make.png(), "train/metadata.csv": "file_name,caption\n1.png,grey\n"},
    "zipped-images": {"images.zip": make.zipped({"cat/1.png": make.png(), "dog/1.png": make.png(shade=9)})},
    "sounds": {"train/bell/1.wav": make.wav(), "train/horn/1.wav": make.wav(160)},
    "webdataset": {
        "train-000.tar": make.tar({"a.png": make.png(), "a.json": b'{"n": 1}', "b.png": make.png(), "b.json": b'{"n": 2}'}),
    },
    "glue": {
        "README.md": CARD,
        "cola/train.tsv": "id\tsentence\n1\tfine\n2\tgood\n",
        "cola/dev.tsv": "id\tsentence\n3\tso so\n",
        "sst2/a.tsv": "sentence\tlabel\nbad\t0\n",
        "sst2/b.tsv": "sentence\tlabel\ngreat\t1\n",
        "stsb.csv": "a note\nsentence1;score\nx;4\ny;2.5\n",
    },
    "by-folder": {"train/a.csv": make.csv(ROWS), "test/b.csv": make.csv(ROWS)},
}  # fmt: skip


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    folder: Path = tmp_path_factory.mktemp("formats")
    for running in run_hub(settings_for(folder / "data")):
        datasets = {f"alice/{name}": files for name, files in DATASETS.items()}
        make.push(running, running.http(running.user("alice")), datasets, private=["alice/csv"])
        yield running


@pytest.fixture(scope="module")
def client(hub: RunningHub) -> httpx.Client:
    return hub.http(hub.token("alice", TokenRole.READ))


def ask(client: httpx.Client, endpoint: str, name: str, **parameters: Any) -> Any:
    answer = client.get(f"/api/viewer/{endpoint}", params={"dataset": f"alice/{name}", **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()


def rows(client: httpx.Client, name: str, config: str = "default", split: str = "train") -> list[dict[str, Any]]:
    first = ask(client, "first-rows", name, config=config, split=split)
    page = ask(client, "rows", name, config=config, split=split)
    assert [item["type"] for item in first["features"]] == [item["type"] for item in page["features"]]
    shown, paged = [item["row"] for item in first["rows"]], [item["row"] for item in page["rows"]]
    assert without_links(shown) == without_links(paged)
    return paged


def without_links(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "link" if name == "src" else without_links(each) for name, each in value.items()}
    return [without_links(each) for each in value] if isinstance(value, list) else value


def places(client: httpx.Client, name: str) -> list[tuple[str, str]]:
    found = ask(client, "splits", name)
    assert (found["pending"], found["failed"]) == ([], [])
    return [(item["config"], item["split"]) for item in found["splits"]]


@pytest.mark.parametrize(
    ("name", "splits"),
    [
        ("csv", ["train", "test"]),
        ("tsv", ["train"]),
        ("jsonl", ["train"]),
        ("text", ["train", "validation"]),
        ("parquet", ["train", "test"]),
        ("by-folder", ["train", "test"]),
    ],
)
def test_splits_are_found_by_file_names_and_folders(client: httpx.Client, name: str, splits: list[str]):
    assert places(client, name) == [("default", split) for split in splits]


@pytest.mark.parametrize("name", ["csv", "tsv", "parquet", "arrow", "gzipped", "zipped", "by-folder"])
def test_tables_keep_every_value(client: httpx.Client, name: str):
    assert rows(client, name) == ROWS


def test_several_files_of_a_split_follow_each_other(client: httpx.Client):
    assert rows(client, "jsonl") == ROWS * 2


def test_json_keeps_nulls_lists_and_objects(client: httpx.Client):
    assert rows(client, "json") == [{"id": 1, "text": "one"}, {"id": 2, "text": None}]
    assert rows(client, "nested") == [{"messages": [{"role": "user", "content": "你好"}], "meta": {"n": 1.5}}]


def test_lines_of_text_are_rows(client: httpx.Client):
    assert rows(client, "text") == [{"text": "first"}, {"text": "second"}]
    assert rows(client, "text", split="validation") == [{"text": "third"}]


def test_pictures_have_labels_by_folder_and_links_that_lead_to_their_bytes(client: httpx.Client):
    found = rows(client, "images")
    assert [(row["label"], row["image"]["width"], row["image"]["height"]) for row in found] == [(0, 3, 2), (1, 5, 4)]
    first = ask(client, "first-rows", "images", config="default", split="train")
    assert first["features"][1]["type"]["names"] == ["cat", "dog"]
    links = [row["image"]["src"] for row in found] + [item["row"]["image"]["src"] for item in first["rows"]]
    pictures = [client.get(link) for link in links]
    assert [picture.content for picture in pictures] == [make.png(3, 2), make.png(5, 4)] * 2
    assert {picture.headers["content-type"] for picture in pictures} == {"image/png"}


def test_pictures_may_have_metadata_or_lie_in_an_archive(client: httpx.Client):
    assert [row["caption"] for row in rows(client, "images-with-metadata")] == ["grey"]
    assert [row["label"] for row in rows(client, "zipped-images")] == [0, 1]


def test_sounds_are_kept_whole(client: httpx.Client):
    found = rows(client, "sounds")
    assert [(row["label"], row["audio"][0]["type"]) for row in found] == [(0, "audio/wav"), (1, "audio/wav")]
    assert client.get(found[0]["audio"][0]["src"]).content == make.wav()


def test_the_files_of_a_webdataset_with_one_name_are_one_row(client: httpx.Client):
    assert [(row["__key__"], row["json"], row["png"]["width"]) for row in rows(client, "webdataset")] == [
        ("a", {"n": 1}, 3),
        ("b", {"n": 2}, 3),
    ]


def test_a_card_names_configurations_their_files_and_their_types(client: httpx.Client):
    assert places(client, "glue") == [("cola", "train"), ("cola", "validation"), ("sst2", "train"), ("stsb", "train")]
    assert rows(client, "glue", "cola", "validation") == [{"id": 3, "sentence": "so so"}]
    assert rows(client, "glue", "stsb") == [{"sentence1": "x", "score": 4.0}, {"sentence1": "y", "score": 2.5}]
    assert rows(client, "glue", "sst2") == [{"sentence": "bad", "label": 0}, {"sentence": "great", "label": 1}]
    described = ask(client, "info", "glue")["dataset_info"]["sst2"]["features"]["label"]
    assert described == {"names": ["negative", "positive"], "_type": "ClassLabel"}


@pytest.mark.parametrize("name", list(DATASETS))
def test_nothing_is_pending_failed_or_partial_once_the_pass_is_done(client: httpx.Client, name: str):
    for endpoint in ("info", "parquet", "size"):
        found = ask(client, endpoint, name)
        assert (found["pending"], found["failed"], found["partial"]) == ([], [], False)
    assert ask(client, "is-valid", name)["viewer"]


def test_the_dataset_s_own_host_name_answers_the_same(hub: RunningHub, client: httpx.Client):
    for endpoint in ("info", "parquet"):
        path = f"/{endpoint}?dataset=alice/glue"
        here, there = client.get(f"/api/viewer{path}"), client.get(path, headers={"host": f"datasets-server.{hub.url[7:]}"})
        assert there.json() == here.json()
        assert there.headers["x-revision"] == here.headers["x-revision"] == client.get("/api/datasets/alice/glue").json()["sha"]


def test_a_private_dataset_is_shown_to_its_owner_and_is_missing_for_others(hub: RunningHub, client: httpx.Client):
    assert rows(client, "csv") == ROWS
    outsider, nobody = hub.http(hub.user("mallory")), hub.http()
    for endpoint in ("info", "splits", "first-rows?config=default&split=train", "rows?config=default&split=train", "parquet"):
        sign = "&" if "?" in endpoint else "?"
        for stranger, status in ((outsider, 404), (nobody, 401)):
            hidden, missing = (stranger.get(f"/api/viewer/{endpoint}{sign}dataset=alice/{name}") for name in ("csv", "nothing"))
            assert (hidden.status_code, hidden.content) == (status, missing.content)
            assert hidden.headers["x-error-code"] == missing.headers["x-error-code"]
            assert "x-revision" not in hidden.headers


def test_parquet_files_are_numbered_and_lead_to_the_converted_ref(client: httpx.Client):
    listed = client.get("/api/datasets/alice/parquet/parquet").json()
    assert list(listed["default"]) == ["train", "test"]
    bytes_of_train = client.get(listed["default"]["train"][0], follow_redirects=True)
    assert "resolve/refs%2Fconvert%2Fparquet/default/train/0000.parquet" in str(bytes_of_train.url)
    assert client.get(listed["default"]["train"][0], headers={"range": "bytes=0-3"}, follow_redirects=True).content == b"PAR1"
    assert client.get("/api/datasets/alice/parquet/parquet/default").json() == listed["default"]
    assert client.get("/api/datasets/alice/parquet/parquet/default/test").json() == listed["default"]["test"]
    assert client.get("/api/datasets/alice/parquet/parquet/default/test/7.parquet").status_code == 404


def test_a_dataset_is_described_in_croissant(client: httpx.Client):
    found = client.get("/api/datasets/alice/glue/croissant").json()
    assert (found["@type"], found["name"], found["conformsTo"]) == ("sc:Dataset", "glue", "http://mlcommons.org/croissant/1.1")
    sets = {record["@id"]: record for record in found["recordSet"]}
    assert list(sets) == ["cola_splits", "cola", "sst2_splits", "sst2", "stsb_splits", "stsb"]
    assert sets["cola_splits"]["data"] == [{"cola_splits/split_name": "train"}, {"cola_splits/split_name": "validation"}]
    types = {field["@id"]: field["dataType"] for field in sets["sst2"]["field"]}
    assert types == {"sst2/split": "sc:Text", "sst2/sentence": "sc:Text", "sst2/label": "sc:Integer"}
    known = {item["@id"] for item in found["distribution"]}
    assert {
        field["source"]["fileSet"]["@id"] for record in sets.values() for field in record["field"] if "source" in field
    } <= known
    assert ask(client, "croissant-crumbs", "glue")["recordSet"] == found["recordSet"]


def test_programs_to_load_a_dataset_are_offered_and_its_kind_is_known(client: httpx.Client):
    offered = {item["library"]: item["loading_codes"] for item in ask(client, "compatible-libraries", "glue")["libraries"]}
    assert 'load_dataset("alice/glue", "cola")' in offered["datasets"][0]["code"]
    assert set(offered) == {"datasets", "pandas", "polars", "mlcroissant"}
    assert 'load_dataset("alice/csv")' in ask(client, "compatible-libraries", "csv")["libraries"][0]["loading_codes"][0]["code"]
    assert ask(client, "hub-cache", "images")["modalities"] == ["image"]
    assert ask(client, "hub-cache", "csv") == {
        "preview": True, "viewer": True, "partial": False, "num_rows": 4,
        "libraries": ["datasets", "pandas", "polars", "mlcroissant"], "modalities": ["tabular", "text"], "formats": ["csv"],
    }  # fmt: skip


def test_pages_of_other_sites_may_ask_with_a_token_but_never_with_a_cookie(client: httpx.Client):
    told = client.options("/api/viewer/rows", headers={"origin": "https://example.org", "access-control-request-method": "GET"})
    assert (told.status_code, told.headers["access-control-allow-headers"]) == (204, "Authorization")
    answer = client.get("/api/viewer/splits?dataset=alice/glue", headers={"origin": "https://example.org"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("endpoint", ["opt-in-out-urls", "presidio-entities"])
def test_what_is_not_built_says_so(client: httpx.Client, endpoint: str):
    answer = client.get(f"/api/viewer/{endpoint}?dataset=alice/glue")
    assert answer.status_code == 501
    assert answer.json()["error"].endswith(".")
