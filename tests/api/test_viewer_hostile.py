"""Data that is broken, mislabelled, huge once unpacked, or wants to read what is not its own: each gets a clear answer."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from tests import dataset_files as make
from tests.conftest import RunningHub, run_hub, settings_for
from tulou.db.tables import task
from tulou.kernel.actor import TokenRole

pytestmark = pytest.mark.timeout(400)


def card(*configs: str) -> str:
    lines = "".join(f"- config_name: {name}\n  data_files: {name}/*\n" for name in configs)
    return f"---\nconfigs:\n{lines}---\n"


def encrypted() -> bytes:
    whole = make.parquet(make.ROWS)
    return whole[:-4] + b"PARE"  # the mark of a file whose footer is encrypted


def lying_footer() -> bytes:
    """The pages are cut away and the footer still promises them."""
    whole = make.parquet([{"text": "x" * 10_000}] * 5_000, compression="none", use_dictionary=False)
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    return whole[:64] + whole[-footer:]


def secret_picture() -> bytes:
    """A picture that is no file of the repository, in a column that says that it holds pictures."""
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    table = pa.table({"image": pa.array([{"bytes": None, "path": "/etc/hostname"}], kind)})
    said = {"huggingface": '{"info": {"features": {"image": {"_type": "Image"}}}}'}
    return make.parquet(table.replace_schema_metadata(said))


FILES: dict[str, dict[str, bytes | str]] = {
    "parquet": {
        "README.md": card("good", "bomb", "truncated", "lying", "encrypted", "mislabelled", "pictures"),
        "good/train.parquet": make.parquet(make.ROWS),
        "bomb/train.parquet": make.bomb(),
        "truncated/train.parquet": make.parquet(make.ROWS)[:-20],
        "lying/train.parquet": lying_footer(),
        "encrypted/train.parquet": encrypted(),
        "mislabelled/train.parquet": make.csv(make.ROWS),
        "pictures/train.parquet": secret_picture(),
    },
    "csv": {
        "README.md": card("good", "binary", "mixed"),
        "good/train.csv": make.csv(make.ROWS),
        "binary/train.csv": bytes(range(256)) * 50,
        "mixed/a.csv": "x\n1\n",
        "mixed/b.csv": "y\n1\n",
    },
    "json": {"train.json": '{"a": '},
    "script": {"script.py": "import os\n", "a.csv": "x\n1\n"},
    "empty": {"README.md": "# nothing\n"},
    "yaml-bomb": {"README.md": "---\nconfigs: " + "[" * 5_000 + "\n---\n", "train.csv": make.csv(make.ROWS)},
}
SPLITS_FAIL = [
    ("parquet", "bomb", "TooBigContentError"),
    ("parquet", "truncated", "StreamingRowsError"),
    ("parquet", "lying", "StreamingRowsError"),
    ("parquet", "encrypted", "StreamingRowsError"),
    ("parquet", "mislabelled", "StreamingRowsError"),
    ("csv", "binary", "StreamingRowsError"),
    ("csv", "mixed", "DatasetGenerationCastError"),
    ("json", "default", "StreamingRowsError"),
]
DATASETS_FAIL = [
    ("script", 501, "DatasetWithScriptNotSupportedError"),
    ("empty", 500, "EmptyDatasetError"),
    ("yaml-bomb", 500, "ConfigNamesError"),
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    folder: Path = tmp_path_factory.mktemp("hostile")
    for running in run_hub(settings_for(folder / "data")):
        make.push(running, running.http(running.user("alice")), {f"alice/{name}": files for name, files in FILES.items()})
        yield running


@pytest.fixture(scope="module")
def client(hub: RunningHub) -> httpx.Client:
    return hub.http(hub.token("alice", TokenRole.READ))


def ask(client: httpx.Client, endpoint: str, name: str, **parameters: Any) -> httpx.Response:
    path, _, query = endpoint.partition("?")
    return client.get(f"/api/viewer/{path}", params=[("dataset", f"alice/{name}"), *parse_qsl(query), *parameters.items()])


@pytest.mark.parametrize(("name", "config", "code"), SPLITS_FAIL)
def test_what_is_wrong_with_a_split_has_a_code_and_a_sentence(client: httpx.Client, name: str, config: str, code: str):
    for endpoint in ("rows", "statistics", "search?query=x", "filter"):
        answer = ask(client, endpoint, name, config=config, split="train")
        assert (answer.status_code, answer.headers["x-error-code"]) == (500, code), answer.text
        assert answer.json()["error"].endswith(".")


@pytest.mark.parametrize(("name", "status", "code"), DATASETS_FAIL)
def test_what_is_wrong_with_a_dataset_has_a_code_and_a_sentence(client: httpx.Client, name: str, status: int, code: str):
    for endpoint in ("splits", "info", "parquet", "size", "rows?config=default&split=train"):
        answer = ask(client, endpoint, name)
        assert (answer.status_code, answer.headers["x-error-code"]) == (status, code), answer.text
        assert answer.json()["error"].endswith(".")
    assert not any(ask(client, "is-valid", name).json().values())


def test_no_task_is_left_to_try_again(hub: RunningHub):
    with hub.m.db.read() as connection:
        assert connection.execute(sa.select(task.c.kind, task.c.error).where(task.c.state != "done")).all() == []


def test_broken_configurations_do_not_hide_the_good_one(client: httpx.Client):
    assert ask(client, "rows", "csv", config="good", split="train").json()["num_rows_total"] == 3
    info = ask(client, "info", "csv").json()
    assert (list(info["dataset_info"]), [item["config"] for item in info["failed"]]) == (["good"], ["binary", "mixed"])
    assert [file["config"] for file in ask(client, "parquet", "csv").json()["parquet_files"]] == ["good"]
    assert ask(client, "info", "csv", config="binary").status_code == 500
    assert info["failed"][1]["error"]["cause_exception"] == "DatasetGenerationCastError"


def test_a_picture_that_points_at_a_file_of_the_machine_stays_without_bytes(client: httpx.Client):
    found = ask(client, "rows", "parquet", config="pictures", split="train")
    assert found.json()["rows"][0]["row"]["image"] is None
    first = ask(client, "first-rows", "parquet", config="pictures", split="train")
    secret = Path("/etc/hostname").read_text().strip()
    assert secret not in found.text + first.text
    link = client.get("/api/datasets/alice/parquet/parquet/pictures/train").json()[0]
    kept = pq.read_table(io.BytesIO(client.get(link, follow_redirects=True).content)).to_pylist()
    assert kept[0]["image"]["bytes"] is None


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 422, "MissingRequiredParameter"),
        ("dataset=alice/csv", 422, "MissingRequiredParameter"),
        ("dataset=alice/csv&config=good", 422, "MissingRequiredParameter"),
        ("dataset=alice/csv&config=none&split=train", 404, "ConfigNotFoundError"),
        ("dataset=alice/csv&config=good&split=none", 404, "SplitNotFoundError"),
        ("dataset=alice/none&config=good&split=train", 404, "ExternalAuthenticatedError"),
        ("dataset=%00&config=good&split=train", 404, "ExternalAuthenticatedError"),
        ("dataset=alice/csv&config=good&split=../../..", 404, "SplitNotFoundError"),
    ],
)
@pytest.mark.parametrize("endpoint", ["first-rows", "statistics", "rows"])
def test_a_wrong_question_gets_the_hub_s_own_answer(client: httpx.Client, endpoint: str, query: str, status: int, code: str):
    answer = client.get(f"/api/viewer/{endpoint}?{query}")
    assert (answer.status_code, answer.headers["x-error-code"]) == (status, code)
    assert list(answer.json()) == ["error"]
