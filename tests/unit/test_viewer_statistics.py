"""Statistics of columns are those that pandas computes, in the shape of the Hub's viewer."""

from __future__ import annotations

import datetime as dt
import io
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dataset_files import png
from tulou.platform.tabular.child import statistics


def value(dtype: str) -> dict:
    return {"dtype": dtype, "_type": "Value"}


def of(feature: object, column: pa.Array) -> tuple[str, dict]:
    sink = io.BytesIO()
    pq.write_table(pa.table({"x": column}), sink)
    found = statistics.describe([lambda: io.BytesIO(sink.getvalue())], {"x": feature}, len(column))
    [item] = found["statistics"]
    assert (found["num_examples"], item["column_name"]) == (len(column), "x")
    return item["column_type"], item["column_statistics"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.integers(-(10**9), 10**9), min_size=2, max_size=60))
def test_integers(numbers: list[int | None]):
    kind, found = of(value("int64"), pa.array(numbers, pa.int64()))
    present = pd.Series([n for n in numbers if n is not None], dtype="float64")
    assert (kind, found["nan_count"]) == ("int", numbers.count(None))
    if present.empty:
        assert found["histogram"] is None
        return
    assert (found["min"], found["max"]) == (present.min(), present.max())
    assert found["mean"] == pytest.approx(present.mean(), abs=1e-5)
    assert found["median"] == pytest.approx(present.median(), abs=1e-5)
    assert found["std"] == pytest.approx(present.std() if len(present) > 1 else 0, rel=1e-6, abs=1e-4)
    edges, counts = found["histogram"]["bin_edges"], found["histogram"]["hist"]
    assert len(edges) == len(counts) + 1 <= 11
    assert sum(counts) == len(present)
    last = len(counts) - 1
    for at, count in enumerate(counts):
        inside = (present >= edges[at]) & ((present < edges[at + 1]) if at < last else (present <= edges[-1]))
        assert count == inside.sum()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.floats(-1e6, 1e6) | st.just(math.nan) | st.just(math.inf), min_size=1, max_size=60))
def test_floats_without_what_is_no_number(numbers: list[float | None]):
    kind, found = of(value("float64"), pa.array(numbers, pa.float64()))
    present = np.array([n for n in numbers if n is not None and math.isfinite(n)])
    assert (kind, found["nan_count"]) == ("float", len(numbers) - len(present))
    if len(present):
        assert sum(found["histogram"]["hist"]) == len(present)
        assert found["mean"] == pytest.approx(present.mean(), abs=1e-4)
        assert found["median"] == pytest.approx(np.median(present), abs=1e-4)


def test_few_texts_are_labels_and_many_are_measured_by_length():
    kind, found = of(value("string"), pa.array(["a", "b", "a", None] * 5))
    assert (kind, found["frequencies"], found["n_unique"], found["nan_count"]) == ("string_label", {"a": 10, "b": 5}, 2, 5)
    kind, found = of(value("string"), pa.array(["一二三", "ab"]))
    assert (kind, found["min"], found["max"], found["mean"]) == ("string_text", 2, 3, 2.5)


def test_labels_truths_lists_pictures_and_times():
    labels = {"names": ["no", "yes"], "_type": "ClassLabel"}
    kind, found = of(labels, pa.array([0, 1, 1, -1, None]))
    assert (kind, found["frequencies"], found["no_label_count"], found["nan_count"]) == ("class_label", {"no": 1, "yes": 2}, 1, 1)
    assert of(value("bool"), pa.array([True, False, True]))[1]["frequencies"] == {"True": 2, "False": 1}
    kind, found = of({"feature": value("int64"), "_type": "List"}, pa.array([[1, 2], [], None]))
    assert (kind, found["min"], found["max"], found["nan_count"]) == ("list", 0, 2, 1)
    pictures = pa.array([{"bytes": png(7, 1), "path": "a"}, {"bytes": png(9, 1), "path": "b"}, None])
    kind, found = of({"_type": "Image"}, pictures)
    assert (kind, found["min"], found["max"], found["nan_count"]) == ("image", 7, 9, 1)
    times = [dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2020, 1, 3, tzinfo=dt.UTC)]
    kind, found = of(value("timestamp[us, tz=UTC]"), pa.array(times))
    assert (kind, found["min"], found["mean"]) == ("datetime", "2020-01-01 00:00:00", "2020-01-02 00:00:00")


def test_what_has_no_statistics_is_left_out():
    sink = io.BytesIO()
    pq.write_table(pa.table({"x": [{"a": 1}]}), sink)
    assert statistics.describe([lambda: io.BytesIO(sink.getvalue())], {"x": {"a": value("int64")}}, 1)["statistics"] == []
