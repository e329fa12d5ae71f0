"""The page reader gives the rows that pyarrow gives, in every layout that writers produce, and refuses bombs."""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tulou.platform.tabular.child import parquet_footer
from tulou.platform.tabular.child.parquet_rows import ParquetRows, open_rows
from tulou.platform.tabular.child.parquet_stream import ParquetStream
from tulou.platform.tabular.child.problems import TooBig, Unreadable

ROWS = 7_003


def table(seed: int = 0) -> pa.Table:
    """Return a table with a column of every shape that datasets have."""
    chance = random.Random(seed)
    days = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    words = [f"word {chance.randrange(10**6)} 数据" * chance.randrange(1, 9) for _ in range(ROWS)]
    lists = [None if i % 7 == 0 else [chance.randrange(9) for _ in range(i % 5)] for i in range(ROWS)]
    answer = pa.struct([("text", pa.list_(pa.string())), ("start", pa.list_(pa.int32())), ("one", pa.int64())])
    squad = [None if i % 11 == 0 else {"text": [words[i]] * (i % 3), "start": [i] * (i % 3), "one": i} for i in range(ROWS)]
    turns = [[{"role": "user", "content": words[i]}, {"role": None, "content": words[i - 1] * 20}] for i in range(ROWS)]
    return pa.table({
        "id": pa.array(range(ROWS), pa.int64()),
        "score": pa.array([None if i % 5 == 0 else chance.random() for i in range(ROWS)], pa.float32()),
        "text": pa.array([None if i % 13 == 0 else word for i, word in enumerate(words)], pa.large_string()),
        "label": pa.array([f"class {i % 3}" for i in range(ROWS)]),
        "kind": pa.array([f"kind {i % 5}" for i in range(ROWS)]).dictionary_encode(),
        "ok": pa.array([i % 2 == 0 for i in range(ROWS)]),
        "when": pa.array([days + dt.timedelta(minutes=i) for i in range(ROWS)], pa.timestamp("us", "UTC")),
        "took": pa.array([dt.timedelta(seconds=i) for i in range(ROWS)], pa.duration("ms")),
        "price": pa.array([decimal.Decimal(i) / 100 for i in range(ROWS)], pa.decimal128(12, 2)),
        "raw": pa.array([bytes([i % 256]) * 9 for i in range(ROWS)], pa.binary()),
        "none": pa.nulls(ROWS),
        "numbers": pa.array(lists, pa.list_(pa.int32())),
        "answers": pa.array(squad, answer),
        "turns": pa.array(turns, pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
        "map": pa.array([[(f"k{i}", i)] * (i % 3) for i in range(ROWS)], pa.map_(pa.string(), pa.int64())),
        "pixels": pa.array([[i, i + 1, i + 2] for i in range(ROWS)], pa.list_(pa.int16(), 3)),
    })  # fmt: skip


LAYOUTS = {
    "ours": {"row_group_size": 3_000, "write_page_index": True, "max_rows_per_page": 100, "use_dictionary": ["label", "kind"]},
    "content-defined": {"row_group_size": 3_000, "write_page_index": True, "use_content_defined_chunking": True},
    "small pages": {"row_group_size": 5_000, "write_page_index": True, "data_page_size": 4_000, "use_dictionary": False},
    "plain": {"row_group_size": 2_000},
    "second pages": {"row_group_size": 2_500, "data_page_version": "2.0", "data_page_size": 3_000, "compression": "zstd"},
    "one group": {"row_group_size": 100_000, "compression": "none"},
}


@pytest.fixture(scope="module")
def whole() -> pa.Table:
    return table()


@pytest.fixture(scope="module", params=LAYOUTS)
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, whole: pa.Table) -> ParquetRows:
    path = tmp_path_factory.mktemp("layout") / "data.parquet"
    pq.write_table(whole, path, **LAYOUTS[request.param])
    return ParquetRows(path)


def test_any_range_is_what_a_slice_of_the_table_is(file: ParquetRows, whole: pa.Table):
    chance = random.Random(1)
    starts = [0, 1, 99, 100, 2_999, 3_000, ROWS - 100, ROWS - 1, *(chance.randrange(ROWS) for _ in range(12))]
    for start in starts:
        length = min(chance.randrange(1, 101), ROWS - start)
        found = file.take(range(start, start + length))
        assert found.schema.types == whole.schema.types
        assert found.to_pylist() == whole.slice(start, length).to_pylist(), start


def test_scattered_rows_are_what_take_gives(file: ParquetRows, whole: pa.Table):
    chance = random.Random(2)
    for count in (1, 7, 100):
        rows = sorted(chance.sample(range(ROWS), count))
        assert file.take(rows).to_pylist() == whole.take(rows).to_pylist()


def test_chosen_columns_come_alone_and_no_rows_are_an_empty_table(file: ParquetRows, whole: pa.Table):
    found = file.take([5, 6], columns=["answers", "id"])
    assert found.to_pylist() == whole.select(["id", "answers"]).slice(5, 2).to_pylist()
    assert file.take([]).num_rows == 0
    assert file.rows == ROWS


def test_only_the_pages_with_the_rows_are_read(tmp_path: Path, whole: pa.Table):
    path = tmp_path / "data.parquet"
    pq.write_table(whole, path, **LAYOUTS["ours"])
    file = ParquetRows(path)
    file.take(range(10))
    before = file.footer.bytes_read
    file.take(range(50, 60))
    assert file.footer.bytes_read - before < path.stat().st_size / 20


@pytest.mark.parametrize("cut", [0, 3, 8, 100, -1, -9])
def test_a_file_without_its_end_is_refused(tmp_path: Path, whole: pa.Table, cut: int):
    path = tmp_path / "data.parquet"
    pq.write_table(whole.slice(0, 50), path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(Unreadable):
        ParquetRows(path).take([0])


def test_flipped_bytes_never_do_worse_than_a_refusal(tmp_path: Path, whole: pa.Table):
    path = tmp_path / "data.parquet"
    pq.write_table(whole.slice(0, 200), path, write_page_index=True)
    good = path.read_bytes()
    chance = random.Random(3)
    for _ in range(60):
        bad = bytearray(good)
        bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        path.write_bytes(bad)
        with contextlib.suppress(Unreadable):
            assert ParquetRows(path).take(range(10, 20)).num_rows == 10


def test_a_page_that_claims_too_much_is_refused_before_it_is_decoded(tmp_path: Path):
    path = tmp_path / "bomb.parquet"
    zeros = pa.table({"x": pa.array([0] * 5_000_000, pa.int8())})
    pq.write_table(zeros, path, row_group_size=10**7, data_page_size=10**9, max_rows_per_page=10**7)
    assert path.stat().st_size < 50_000
    with pytest.raises(TooBig):
        ParquetRows(path).take([0])


def test_a_file_with_a_footer_too_long_to_parse_is_streamed(tmp_path: Path, whole: pa.Table, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "data.parquet"
    pq.write_table(whole, path, row_group_size=2_000)
    monkeypatch.setattr(parquet_footer, "FOOTER_BYTES", 1_000)
    file = open_rows(path)
    assert isinstance(file, ParquetStream)
    assert file.rows == ROWS
    rows = [1, 1_999, 2_000, 5_555, ROWS - 1]
    assert file.take(rows).to_pylist() == whole.take(rows).to_pylist()
    assert file.take([7], ["text", "id"]).to_pylist() == whole.select(["id", "text"]).slice(7, 1).to_pylist()
    assert file.take([]).schema.names == whole.schema.names
