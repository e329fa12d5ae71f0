"""Describe every column of a split as the viewer's /statistics does, one column at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tulou.wire.media import sniff

BINS = 10
DECIMALS = 5
MAX_LABELS = 1_000
LABEL_SHARE = 0.2
"""A text column is a set of labels when its distinct values are at most this share of the rows."""
_BATCH, _FEW_ROWS, _LARGE_ROW = 10_000, 64, 8 << 10
_PICTURES = 10_000
"""Widths are taken of this many pictures at most: each has to be opened."""

Open = Callable[[], Any]
Item = dict[str, Any]


def describe(files: list[Open], features: dict[str, Any], rows: int) -> Item:
    """Return the answer of /statistics, without `partial`."""
    columns = [item for name, feature in features.items() if (item := _column(files, name, feature)) is not None]
    return {"num_examples": rows, "statistics": columns}


def _column(files: list[Open], name: str, feature: Any) -> Item | None:
    kind = _kind(feature)
    if kind is None:
        return None
    found_kind, statistics = _MAKERS[kind](_chunks(files, name), feature)
    return {"column_name": name, "column_type": found_kind, "column_statistics": statistics}


def _kind(feature: Any) -> str | None:
    if isinstance(feature, list):
        return "list"
    name = feature.get("_type") if isinstance(feature, dict) else None
    if name in {"List", "LargeList", "Sequence"}:
        return "list" if not isinstance(feature.get("feature"), dict) or "_type" in feature["feature"] else None
    if name != "Value":
        return {"ClassLabel": "class_label", "Image": "image"}.get(name) if isinstance(name, str) else None
    dtype = str(feature.get("dtype"))
    if dtype in {"string", "large_string", "string_view"}:
        return "string"
    if dtype.startswith(("int", "uint")):
        return "int"
    if dtype.startswith(("timestamp", "date")):
        return "datetime"
    return "float" if dtype.startswith("float") else "bool" if dtype == "bool" else None


def _chunks(files: list[Open], name: str) -> Iterator[pa.Array]:
    for make in files:
        with make() as file:
            parquet = pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
            meta = parquet.metadata
            size = sum(meta.row_group(at).total_byte_size for at in range(meta.num_row_groups))
            rows = _BATCH if size <= _LARGE_ROW * meta.num_rows else _FEW_ROWS
            for batch in parquet.iter_batches(batch_size=rows, columns=[name]):
                yield batch.column(0)


class _Numbers:
    """Numbers of a column as they come, and how many are missing."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray[Any, Any]] = []
        self.total = 0
        self.missing = 0

    def add(self, values: pa.Array) -> None:
        """Take in a chunk of integers or floats."""
        self.total += len(values)
        numbers = values.drop_null().to_numpy(zero_copy_only=False)
        if numbers.dtype.kind == "f":
            numbers = numbers[np.isfinite(numbers)]
        self.missing += len(values) - len(numbers)
        self._parts.append(numbers)

    def statistics(self, *, is_float: bool) -> Item:
        """Return what is known of all of them."""
        head = _missing(self.missing, self.total)
        numbers = np.concatenate(self._parts) if self._parts else np.empty(0)
        if len(numbers) == 0:
            return {**head, **dict.fromkeys(("min", "max", "mean", "median", "std", "histogram"))}
        low, high = numbers.min(), numbers.max()
        wide = numbers.astype(np.float64)
        return {
            **head,
            "min": _rounded(low) if is_float else int(low),
            "max": _rounded(high) if is_float else int(high),
            "mean": _rounded(wide.mean()),
            "median": _rounded(np.median(wide)),
            "std": _rounded(wide.std(ddof=1)) if len(wide) > 1 else 0.0,
            "histogram": histogram(wide, is_float=is_float),
        }


def histogram(numbers: np.ndarray[Any, Any], *, is_float: bool) -> Item:
    """Return counts and edges: each bin has its lower edge in it, the last one both. Integers have bins of whole width."""
    low, high = float(numbers.min()), float(numbers.max())
    if low == high:
        edge = _rounded(low) if is_float else int(low)
        return {"hist": [len(numbers)], "bin_edges": [edge, edge]}
    if is_float:
        edges = [low + (high - low) / BINS * at for at in range(BINS)]
    else:
        width = int(np.ceil((high - low + 1) / BINS))
        edges = [float(edge) for edge in range(int(low), int(high) + 1, width)]
    counts, _ = np.histogram(numbers, bins=[*edges, high if high > edges[-1] else edges[-1] + 1])
    shown: list[float] | list[int] = [_rounded(e) for e in (*edges, high)] if is_float else [int(e) for e in (*edges, high)]
    return {"hist": [int(count) for count in counts], "bin_edges": shown}


def _numbers(chunks: Iterator[pa.Array], feature: Any) -> tuple[str, Item]:
    kind = "float" if str(feature["dtype"]).startswith("float") else "int"
    found = _Numbers()
    for chunk in chunks:
        found.add(chunk)
    return kind, found.statistics(is_float=kind == "float")


def _strings(chunks: Iterator[pa.Array], _feature: Any) -> tuple[str, Item]:
    labels: Counter[str] | None = Counter()
    lengths = _Numbers()
    for chunk in chunks:
        lengths.add(pc.utf8_length(chunk))
        if labels is not None:
            labels.update(_counted(chunk))
            if len(labels) > MAX_LABELS:
                labels = None
    is_label = labels is not None and len(labels) <= LABEL_SHARE * lengths.total and lengths.total > lengths.missing
    if labels is None or not is_label:
        return "string_text", lengths.statistics(is_float=False)
    return "string_label", {
        **_missing(lengths.missing, lengths.total),
        "no_label_count": 0,
        "no_label_proportion": 0.0,
        "n_unique": len(labels),
        "frequencies": dict(labels.most_common()),
    }


def _counted(chunk: pa.Array) -> dict[Any, int]:
    counts = pc.value_counts(chunk.drop_null())
    return dict(zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True))


def _labels(chunks: Iterator[pa.Array], feature: Any) -> tuple[str, Item]:
    names = feature.get("names") or []
    counts: Counter[int] = Counter()
    total = 0
    for chunk in chunks:
        total += len(chunk)
        counts.update(_counted(chunk))
    none = counts.pop(-1, 0)
    known = {name: counts.get(at, 0) for at, name in enumerate(names)}
    return "class_label", {
        **_missing(total - none - sum(counts.values()), total),
        "no_label_count": none,
        "no_label_proportion": _share(none, total),
        "n_unique": sum(1 for count in known.values() if count),
        "frequencies": known,
    }


def _bools(chunks: Iterator[pa.Array], _feature: Any) -> tuple[str, Item]:
    counts: Counter[bool] = Counter()
    total = 0
    for chunk in chunks:
        total += len(chunk)
        counts.update(_counted(chunk))
    frequencies = {str(value): count for value, count in counts.most_common()}
    return "bool", {**_missing(total - sum(counts.values()), total), "frequencies": frequencies}


def _lists(chunks: Iterator[pa.Array], _feature: Any) -> tuple[str, Item]:
    lengths = _Numbers()
    for chunk in chunks:
        lengths.add(
            pc.list_value_length(chunk) if not isinstance(chunk.type, pa.StructType) else pa.nulls(len(chunk), pa.int64())
        )
    return "list", lengths.statistics(is_float=False)


def _pictures(chunks: Iterator[pa.Array], _feature: Any) -> tuple[str, Item]:
    widths = _Numbers()
    for chunk in chunks:
        seen = [sniff(value["bytes"]).width or None if value and value["bytes"] else None for value in chunk.to_pylist()]
        widths.add(pa.array(seen, pa.int64()))
        if widths.total >= _PICTURES:
            break
    return "image", widths.statistics(is_float=False)


def _moments(chunks: Iterator[pa.Array], _feature: Any) -> tuple[str, Item]:
    numbers = _Numbers()
    for chunk in chunks:
        numbers.add(pc.cast(pc.cast(chunk, pa.timestamp("us")), pa.int64()))
    found = numbers.statistics(is_float=False)
    if found["min"] is None:
        return "datetime", found
    for name in ("min", "max", "mean", "median"):
        found[name] = _moment(found[name])
    found["std"] = str(np.timedelta64(int(found["std"]), "us").astype(object))
    found["histogram"]["bin_edges"] = [_moment(edge) for edge in found["histogram"]["bin_edges"]]
    return "datetime", found


def _moment(microseconds: float) -> str:
    return str(np.datetime64(int(microseconds), "us")).replace("T", " ").removesuffix(".000000")


def _missing(count: int, total: int) -> Item:
    return {"nan_count": count, "nan_proportion": _share(count, total)}


def _share(count: int, total: int) -> float:
    return round(count / total, DECIMALS) if total else 0.0


def _rounded(value: Any) -> float:
    return round(float(value), DECIMALS)


_MAKERS: dict[str, Callable[[Iterator[pa.Array], Any], tuple[str, Item]]] = {
    "int": _numbers,
    "float": _numbers,
    "string": _strings,
    "class_label": _labels,
    "bool": _bools,
    "list": _lists,
    "image": _pictures,
    "datetime": _moments,
}
