"""Queries over a dataset: results in three forms, and that hostile ones reach nothing and break nothing."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests import commits, viewer_data
from tests.conftest import RunningHub, run_hub, settings_for
from tulou.features.access import gate
from tulou.features.viewer import shelf
from tulou.kernel.actor import SYSTEM, Action
from tulou.kernel.ids import Sha1
from tulou.kernel.names import RepoKind, parse_repo_id

ROWS = 3_000
AT = "/api/datasets/alice/numbers/sql"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    for running in run_hub(settings_for(tmp_path_factory.mktemp("hub") / "data")):
        running.alice = running.user("alice")  # type: ignore[attr-defined]
        for name, private in (("alice/numbers", False), ("alice/secret", True)):
            running.repo(name, "dataset", private=private)
            head = commits.commit(running.http(running.alice), name, {"README.md": "# hi"}, kind="datasets")
            repo = gate.repo(running.m, SYSTEM, parse_repo_id(RepoKind.DATASET, name), Action.READ_CONTENT)
            folder = shelf.folder_of(running.m, repo.id, Sha1(head))
            folder.mkdir(parents=True)
            running.files = write(folder)  # type: ignore[attr-defined]
        yield running


def write(folder: Path) -> list[Path]:
    words = pa.table(
        {"id": range(ROWS), "word": [f"word {i % 7}" for i in range(ROWS)], "list": [[i, None] for i in range(ROWS)]}
    )
    viewer_data.write_split(folder, words, parts=2, index=False)
    viewer_data.write_split(folder, words.slice(0, 10), split="test", index=False)
    viewer_data.write_split(folder, pa.table({"x": [b"\0\xff"]}), config="other", split="train", index=False)
    return sorted(folder.rglob("*.parquet"))


def ask(hub: RunningHub, sql: str, **more: Any) -> tuple[int, Any]:
    answer = hub.http().get(AT, params={"config": "default", "sql": sql, **more})
    return answer.status_code, answer.json()


GOOD = [
    ("SELECT count(*), sum(id) FROM train", [[ROWS, str(ROWS * (ROWS - 1) // 2)]]),
    ("FROM test SELECT id ORDER BY id DESC LIMIT 2", [[9], [8]]),
    ("select list, word from train where id = 8 -- the end", [[[8, None], "word 1"]]),
    ("SELECT a.id FROM train a JOIN test b USING (id) WHERE a.id = 5;", [[5]]),
    ("SELECT * FROM other_train", [["AP8="]]),
    ("WITH t AS (SELECT 1 AS x) SELECT x, x AS x, NULL, 'NaN'::DOUBLE FROM t", [[1, 1, None, None]]),
    (
        "SELECT date '2026-01-02', timestamp '2026-01-02 03:04:05', '数据', true",
        [["2026-01-02", "2026-01-02T03:04:05", "数据", True]],
    ),
]


@pytest.mark.parametrize(("sql", "rows"), GOOD)
def test_a_query_is_answered_with_columns_and_rows(hub: RunningHub, sql: str, rows: list[list[Any]]):
    status, found = ask(hub, sql)
    assert (status, found.get("rows")) == (200, rows), found
    assert len(found["columns"]) == len(rows[0])
    assert found["truncated"] is False


@pytest.mark.parametrize(
    "sql", ["DESCRIBE train", "SUMMARIZE train", "SHOW TABLES", "EXPLAIN SELECT 1", "EXPLAIN ANALYZE SELECT count(*) FROM train"]
)
def test_what_describes_the_tables_is_answered_too(hub: RunningHub, sql: str):
    status, found = ask(hub, sql)
    assert (status, bool(found["rows"])) == (200, True)


def test_a_result_is_cut_at_ten_thousand_rows(hub: RunningHub):
    status, found = ask(hub, "SELECT * FROM range(20000)")
    assert (status, found["num_rows"], found["truncated"]) == (200, 10_000, True)


def test_a_result_comes_as_csv_and_parquet(hub: RunningHub):
    query = {"config": "default", "sql": "SELECT id, word, list FROM train WHERE id < 2 ORDER BY id"}
    csv = hub.http().get(AT, params={**query, "format": "csv"})
    assert csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert csv.text == '"id","word","list"\n0,"word 0","[0,null]"\n1,"word 1","[1,null]"\n'
    parquet = hub.http().get(AT, params={**query, "format": "parquet"})
    assert pq.read_table(io.BytesIO(parquet.content)).to_pydict()["list"] == [[0, None], [1, None]]
    assert "attachment" in parquet.headers["content-disposition"]
    assert hub.http().get(AT, params={**query, "format": "xls"}).status_code == 400


HOSTILE = [
    "COPY (SELECT 1) TO '{file}' (FORMAT parquet, USE_TMP_FILE false)",
    "COPY (SELECT 1) TO '/proc/self/fd/3' (FORMAT parquet, USE_TMP_FILE false)",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{file}' (FORMAT parquet, USE_TMP_FILE false)",
    "/* */ EXPLAIN ANALYZE COPY (SELECT 1) TO '{file}' (USE_TMP_FILE false)",
    "SELECT 1; COPY (SELECT 1) TO '{file}'",
    "SELECT 1; SELECT 2",
    "SELECT 1) UNION ALL (SELECT 2",
    "SET threads = 1",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "PRAGMA database_list",
    "ATTACH '{file}' AS x",
    "INSTALL httpfs",
    "LOAD httpfs",
    "CREATE TABLE x AS SELECT 1",
    "CREATE SECRET (TYPE s3)",
    "DROP VIEW train",
    "INSERT INTO train VALUES (1)",
    "WITH x AS (INSERT INTO train VALUES (1) RETURNING *) SELECT * FROM x",
    "CALL pragma_version()",
    "EXPORT DATABASE '/tmp/x'",
    "CHECKPOINT",
    "SELECT * FROM query('COPY (SELECT 1) TO ''{file}''')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM read_text('{database}')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_parquet('{secret}')",
    "SELECT * FROM read_parquet('https://example.org/x.parquet')",
    "SELECT getenv('PATH')",
    "SELECT * FROM sqlite_scan('{database}', 'user')",
    "SELECT length(repeat('x', 4000000000))",
    "SELECT " + "(" * 2_000 + "1" + ")" * 2_000,
    "SELECT list(range) FROM range(1000000000)",
    "SELECT * FROM nobody",
    "this is no SQL",
    "SELECT nosuchfunction(1)",
]  # fmt: skip


@pytest.mark.slow
def test_hostile_queries_are_refused_and_leave_the_files_as_they_are(hub: RunningHub):
    before = [hashlib.sha256(path.read_bytes()).hexdigest() for path in hub.files]
    names = {"file": hub.files[0], "secret": hub.files[0].with_name("x"), "database": hub.m.settings.data / "hub.db"}
    for sql in HOSTILE:
        status, found = ask(hub, sql.format(**names))
        assert (status, "rows" in found) == (422, False), sql
        said = found["error"]  # DuckDB quotes the query
        assert str(hub.m.settings.data) not in said or str(hub.m.settings.data) in sql.format(**names), sql
        assert "root:" not in said
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in hub.files] == before
    assert not Path("/tmp/x").exists()


def test_a_query_sees_only_its_own_dataset_and_no_place_of_this_machine(hub: RunningHub):
    secret = next(path for path in hub.files if path.exists())  # of alice/secret: it was written last
    status, found = ask(hub, f"SELECT * FROM read_parquet('{secret}')")
    assert status == 422, found
    for sql in ("SELECT * FROM duckdb_views()", "SELECT name, value FROM duckdb_settings()", "SELECT * FROM duckdb_databases()"):
        status, found = ask(hub, sql)
        assert status == 200
        assert str(hub.m.settings.data) not in json.dumps(found)
        assert os.environ.get("HOME", "/root") not in json.dumps(found)


def test_what_is_no_query_is_refused(hub: RunningHub):
    for sql in ("", "  ", "x" * 20_001, "SELECT '\0'"):
        status, found = ask(hub, sql)
        assert status in {400, 422}, found


@pytest.mark.slow
def test_a_query_without_end_is_ended_while_others_are_answered(hub: RunningHub):
    status, found = ask(hub, "SELECT sum(a.range * b.range) FROM range(10000000) a, range(1000000) b")
    assert (status, "longer" in found["error"] or "time" in found["error"]) == (422, True)
    assert ask(hub, "SELECT 1")[1]["rows"] == [[1]]


def test_a_private_dataset_is_queried_by_its_owner_alone(hub: RunningHub):
    query = {"config": "default", "sql": "SELECT count(*) FROM train"}
    owner, nobody = hub.http(hub.alice), hub.http()
    assert owner.get("/api/datasets/alice/secret/sql", params=query).json()["rows"] == [[ROWS]]
    hidden, missing = (nobody.get(f"/api/datasets/alice/{name}/sql", params=query) for name in ("secret", "missing"))
    assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content)


def test_the_page_shows_the_result_and_its_address_says_all_of_it(hub: RunningHub):
    page = hub.http().get(
        "/datasets/alice/numbers/sql",
        params={"config": "default", "sql": "SELECT '<b>' AS \"<i>\", 42 FROM test LIMIT 1"},
        headers={"accept": "text/html"},
    )
    assert page.status_code == 200
    assert "<td>&lt;b&gt;</td>" in page.text
    assert "&lt;i&gt;" in page.text
    assert "format=parquet&amp;config=default&amp;sql=SELECT" in page.text
    wrong = hub.http().get("/datasets/alice/numbers/sql", params={"sql": "SELECT <x>"}, headers={"accept": "text/html"})
    assert (wrong.status_code, "Parser Error" in wrong.text, "<x>" in wrong.text) == (200, True, False)
