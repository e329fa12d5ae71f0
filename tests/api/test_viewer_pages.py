"""The viewer's pages as the server draws them: before, during and after the pass, for whom, and with whatever is in the cells."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from selectolax.lexbor import LexborHTMLParser

from tests import commits
from tests import dataset_files as make
from tests.conftest import RunningHub, run_hub, settings_for

HOSTILE = "</td><script>alert(1)</script>"
HTML = {"accept": "text/html"}


def bomb() -> bytes:
    """Return a small Parquet file of which one page unpacks to ten gigabytes."""
    zeros = pa.Array.from_buffers(pa.int32(), 5_000_000, [None, pa.py_buffer(bytes(20_000_000))])
    column = pa.DictionaryArray.from_arrays(zeros, pa.array([b"x" * 2_000]))
    sink = io.BytesIO()
    options = {"row_group_size": 10**9, "data_page_size": 10**9, "max_rows_per_page": 10**9, "store_schema": False}
    pq.write_table(pa.table({"x": column}), sink, **options)
    return sink.getvalue()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    for running in run_hub(settings_for(tmp_path_factory.mktemp("hub") / "data")):
        running.alice = running.user("alice")  # type: ignore[attr-defined]
        client = running.http(running.alice)
        words = json.dumps({"word": HOSTILE, HOSTILE: 1, "list": [{"a": HOSTILE}]})
        rows = "\n".join([words, *(json.dumps({"word": f"词 {i}", HOSTILE: i, "list": []}) for i in range(1, 250))])
        files: dict[str, dict[str, bytes | str]] = {
            "alice/words": {"train.jsonl": rows, "test.jsonl": words, "README.md": "# Words"},
            "alice/secret": {"train.jsonl": words},
            "alice/torn": {"train.parquet": b"PAR1" + bytes(200) + b"PAR1"},
            "alice/bomb": {"train.parquet": bomb()},
            "alice/bare": {"README.md": "# Nothing"},
        }
        make.push(running, client, files, private=["alice/secret"])
        yield running


def page(client: httpx.Client, path: str) -> LexborHTMLParser:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text[:500]
    return LexborHTMLParser(answer.text)


def table(found: LexborHTMLParser) -> list[list[str]]:
    return [[cell.text().strip() for cell in row.css("td")] for row in found.css("table.data tbody tr")]


def test_the_card_shows_the_first_rows_and_the_viewer_a_page_of_them(hub: RunningHub):
    card = page(hub.http(), "/datasets/alice/words")
    assert table(card)[1][:3] == ["1", "词 1", "1"]
    full = page(hub.http(), "/datasets/alice/words/viewer")
    assert len(table(full)) == 100
    last = page(hub.http(), "/datasets/alice/words/viewer/default/train?p=2")
    assert [row[0] for row in table(last)] == [str(i) for i in range(200, 250)]
    assert table(page(hub.http(), "/datasets/alice/words/viewer/default/test"))[0][0] == "0"
    assert table(page(hub.http(), "/datasets/alice/words/viewer?p=99999999999")) == table(full)


def test_cells_and_names_of_columns_are_text_whatever_they_hold(hub: RunningHub):
    for path in ("", "/viewer", "/embed/viewer", "/viewer?orderby=%22word%22", "/sql?config=default&sql=FROM+train"):
        answer = hub.http().get(f"/datasets/alice/words{path}", headers=HTML)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "&lt;script&gt;alert(1)" in answer.text


def test_search_condition_and_order_work_by_links_and_forms(hub: RunningHub):
    client = hub.http()
    assert table(page(client, "/datasets/alice/words/viewer?q=词+77"))[0][:2] == ["77", "词 77"]
    narrowed = table(page(client, '/datasets/alice/words/viewer?where="word"+like+\'%3\'&orderby="word"+desc'))
    assert narrowed[0][1] == "词 93"
    assert len(narrowed) == 25
    heads = page(client, '/datasets/alice/words/viewer?orderby="word"+asc').css("th a")
    assert "desc" in heads[0].attributes["href"]
    wrong = page(client, '/datasets/alice/words/viewer?where="nobody"=1')
    assert "contains errors" in wrong.css_first("[role=alert]").text()
    assert table(page(client, "/datasets/alice/words/viewer?q=nothing-of-the-kind")) == []


@pytest.mark.parametrize(("name", "said"), [("torn", "cannot be"), ("bomb", "")])
def test_a_file_that_cannot_be_shown_says_why(hub: RunningHub, name: str, said: str):
    for path in ("", "/viewer", "/embed/viewer"):
        found = page(hub.http(), f"/datasets/alice/{name}{path}")
        notice = found.css_first(".notice.bad")
        assert notice is not None
        assert said in notice.text()
    assert page(hub.http(), f"/datasets/alice/{name}/sql").css_first("aside") is not None


def test_a_dataset_without_data_says_so_and_one_just_pushed_that_it_is_read(hub: RunningHub):
    assert "no data to show yet" in page(hub.http(), "/datasets/alice/bare/viewer").css_first(".empty").text()
    hub.repo("alice/fresh", "dataset")
    commits.commit(hub.http(hub.alice), "alice/fresh", {"train.csv": "a\n1\n"}, kind="datasets")
    assert "are being read" in page(hub.http(), "/datasets/alice/fresh").css_first(".notice").text()
    assert hub.http().get("/datasets/alice/fresh/viewer-state").json()["state"] == "looking"
    hub.settle()
    assert hub.http().get("/datasets/alice/fresh/viewer-state").json() == {"state": "ready", "rows": 1}
    assert table(page(hub.http(), "/datasets/alice/fresh/viewer")) == [["0", "1"]]


def test_what_does_not_exist_and_what_one_may_not_see_are_the_same(hub: RunningHub):
    for path in ("viewer", "viewer/default", "viewer/default/train", "embed/viewer", "sql", "viewer-state"):
        hidden, missing = (hub.http().get(f"/datasets/alice/{name}/{path}", headers=HTML) for name in ("secret", "missin"))
        assert (hidden.status_code, hidden.text.replace("secret", "missin")) == (missing.status_code, missing.text)
        assert hidden.status_code == 401
    for path in ("viewer/nobody", "viewer/default/nobody", "viewer/default/%2e%2e"):
        assert hub.http().get(f"/datasets/alice/words/{path}", headers=HTML).status_code == 404
