"""The viewer's tables on disk, written from pyarrow tables as the pass over a commit writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tulou.platform.tabular.child.text_index import Writer

TYPES = {"string": "string", "large_string": "large_string", "double": "float64", "float": "float32", "bool": "bool"}


def features_of(table: pa.Table) -> dict[str, Any]:
    """Return the Hub's description of the columns of a table."""
    return {field.name: feature_of(field.type) for field in table.schema}


def feature_of(kind: pa.DataType) -> Any:
    """Return the Hub's description of a type."""
    if pa.types.is_struct(kind):
        return {field.name: feature_of(field.type) for field in kind}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return {"feature": feature_of(kind.value_type), "_type": "List"}
    return {"dtype": TYPES.get(str(kind), str(kind)), "_type": "Value"}


def write_split(
    folder: Path,
    table: pa.Table,
    config: str = "default",
    split: str = "train",
    *,
    features: dict[str, Any] | None = None,
    parts: int = 1,
    index: bool = True,
    statistics: dict[str, Any] | None = None,
) -> Path:
    """Write one split below the folder of a commit, and return its folder."""
    names = json.loads((folder / "configs.json").read_text()) if (folder / "configs.json").exists() else []
    names += [] if config in names else [config]
    place = folder / str(names.index(config)) / split
    place.mkdir(parents=True)
    (folder / "configs.json").write_text(json.dumps(names))
    size = -(-table.num_rows // parts) or 1
    written = []
    for at in range(parts):
        part = table.slice(at * size, size)
        path = place / f"{at:04}.parquet"
        pq.write_table(part, path, row_group_size=5_000, max_rows_per_page=500, write_page_index=True, compression="zstd")
        written.append({"file": path.name, "rows": part.num_rows, "bytes": path.stat().st_size})
    if index:
        write_index(place / "search", table)
    if statistics is not None:
        (place / "statistics.json").write_text(json.dumps(statistics))
    manifest = {
        "config": config, "split": split, "features": features or features_of(table), "num_rows": table.num_rows,
        "parts": written, "partial": False, "source_bytes": table.nbytes,
    }  # fmt: skip
    (place / "manifest.json").write_text(json.dumps(manifest))
    return place


def write_index(folder: Path, table: pa.Table) -> None:
    """Write the index of the text columns of a table."""
    texts = [
        table.column(f.name).to_pylist() for f in table.schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)
    ]
    writer = Writer(folder, heap=15_000_000)
    for row, values in enumerate(zip(*texts, strict=True)) if texts else ():
        writer.add(row, values)
    writer.close()
