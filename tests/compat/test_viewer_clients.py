"""What was pushed comes back by `load_dataset`, which asks the viewer first; and by SQL over the Parquet files."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest

from tests import dataset_files as make
from tests.commits import commit
from tests.compat.conftest import Client
from tests.venvs import Environment, python_of

pytestmark = [pytest.mark.compat, pytest.mark.story, pytest.mark.slow, pytest.mark.timeout(600)]

GLUE = """---
configs:
- config_name: cola
  data_files:
  - {split: train, path: cola/train.tsv}
  - {split: validation, path: cola/dev.tsv}
- config_name: sst2
  data_files:
  - {split: train, path: sst2/train.tsv}
- config_name: stsb
  data_files: stsb/*.tsv
dataset_info:
- config_name: sst2
  features:
  - {name: sentence, dtype: string}
  - name: label
    dtype:
      class_label:
        names: {'0': negative, '1': positive}
---
"""
DATASETS = {
    "csv": {"train.csv": make.csv(make.ROWS), "test.csv": make.csv(make.ROWS[:1])},
    "json": {"data/train.jsonl": make.jsonl([{"turns": [{"role": "user", "text": "你好"}], "n": 1.5}, {"turns": [], "n": None}])},
    "parquet": {"data/train-00000-of-00001.parquet": make.parquet(make.ROWS)},
    "images": {"train/cat/1.png": make.png(3, 2), "train/dog/2.png": make.png(5, 4)},
    "glue": {
        "README.md": GLUE,
        "cola/train.tsv": "id\tsentence\tlabel\n1\tThe sailors rode the breeze.\t1\n2\tThem likes cake.\t0\n",
        "cola/dev.tsv": "id\tsentence\tlabel\n3\tIt is so.\t1\n",
        "sst2/train.tsv": "sentence\tlabel\na dull film\t0\na joy\t1\n",
        "stsb/train.tsv": "sentence1\tsentence2\tscore\nA plane takes off.\tAn air plane takes off.\t5.0\n",
    },
}
WANTED = ["alice/csv", "alice/json", "alice/parquet", "alice/images", "alice/glue:cola", "alice/glue:sst2", "alice/glue:stsb"]


PILLOW = Environment(("pillow",), borrow="hub24")
"""The library reads pictures only where Pillow is."""


def test_load_dataset_gives_what_the_files_hold_and_believes_the_viewer(hub, tmp_path: Path):
    token = hub.user("alice")
    for name, files in DATASETS.items():
        hub.repo(f"alice/{name}", "dataset", private=name == "json")
        commit(hub.http(token), f"alice/{name}", files, kind="datasets")
    hub.settle()
    client = Client(python_of("hub24-pictures", PILLOW), tmp_path, hub.url.replace("127.0.0.1", "localhost"), token)
    told = client.program("viewed_data", *WANTED)

    assert told["alice/csv"]["rows"] == {"train": make.ROWS, "test": make.ROWS[:1]}
    assert told["alice/json"]["rows"]["train"] == [
        {"turns": [{"role": "user", "text": "你好"}], "n": 1.5},
        {"turns": [], "n": None},
    ]
    assert told["alice/parquet"]["rows"] == {"train": make.ROWS}
    pictures = told["alice/images"]["rows"]["train"]
    assert [(base64.b64decode(row["image"]["bytes"]), row["label"]) for row in pictures] == [
        (make.png(3, 2), 0),
        (make.png(5, 4), 1),
    ]
    assert [row["label"] for row in told["alice/glue:cola"]["rows"]["train"]] == [1, 0]
    assert told["alice/glue:sst2"]["rows"]["train"] == [
        {"sentence": "a dull film", "label": 0},
        {"sentence": "a joy", "label": 1},
    ]
    assert told["alice/glue:stsb"]["rows"]["train"][0]["score"] == 5.0
    # No card says how many rows there are: only the viewer, whose answer counts when it is for this very commit.
    known = {name: item["known"] for name, item in told.items()}
    assert known["alice/csv"] == {"train": 3, "test": 1}
    assert known["alice/json"] == {"train": 2}
    assert known["alice/glue:cola"] == {"train": 2, "validation": 1}
    assert told["alice/parquet"]["types"] == {"id": "Value('int64')", "text": "Value('string')"}


DUCKDB = Environment(
    ("huggingface_hub==2.4.0", "duckdb==1.5.5", "duckdb-extensions==1.5.5", "duckdb-extension-httpfs==1.5.5"), borrow="hub24"
)
"""What `hf datasets sql` works with; its part for HTTP comes from a package instead of DuckDB's own site."""


def test_hf_datasets_sql_reads_the_parquet_files_of_a_private_dataset(hub, tmp_path: Path):
    token = hub.user("alice")
    hub.repo("alice/csv", "dataset", private=True)
    commit(hub.http(token), "alice/csv", DATASETS["csv"], kind="datasets")
    hub.settle()
    client = Client(python_of("hub24-sql", DUCKDB), tmp_path, hub.url, token)
    load = "from duckdb_extensions import import_extension; import_extension('httpfs')"
    subprocess.run([str(client.python), "-c", load], env={"HOME": str(tmp_path)}, check=True, timeout=60)
    url = hub.http(token).get("/api/datasets/alice/csv/parquet/default/train").json()[0]
    query = f"SELECT id + 1 AS next, upper(text) AS loud FROM read_parquet('{url}') WHERE id > 1 ORDER BY id"
    assert json.loads(client.hf("datasets", "sql", query, "--format", "json")) == [
        {"next": 3, "loud": "TWO"},
        {"next": 4, "loud": "三"},
    ]
    outsider = Client(client.python, tmp_path, hub.url, hub.user("mallory"))
    assert "404" in outsider.fails("datasets", "sql", query)
