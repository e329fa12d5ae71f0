"""The program that finds the numbers of the rows that a condition holds for, in the order asked for, by a scan with DuckDB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from tulou.platform.tabular.child import resident
from tulou.platform.tabular.child.problems import BadQuery, TooBig, Unreadable
from tulou.platform.tabular.frames import JSON

_MEMORY = "1GB"
_AT_FAULT = (
    duckdb.BinderException, duckdb.CatalogException, duckdb.ConversionException, duckdb.InvalidInputException,
    duckdb.InvalidTypeException, duckdb.NotImplementedException, duckdb.OutOfRangeException, duckdb.ParserException,
)  # fmt: skip
"""What DuckDB raises when a condition does not fit the columns."""


def select(asked: dict[str, Any]) -> tuple[bytes, bytes]:
    """Write the row numbers into the file `out`, 4 or 8 bytes each, and answer with their count.

    `where` and `order` are SQL that the hub made from what it parsed, with `?` for each of `values`.
    """
    starts = [0]
    for _path, count in asked["parts"]:
        starts.append(starts[-1] + int(count))
    con = duckdb.connect(":memory:", config=_config(asked))
    try:
        con.execute("SET allowed_paths = ?", [[path for path, _count in asked["parts"]]])
        con.execute("SET enable_external_access = false")
        con.execute("SET lock_configuration = true")
        return JSON, orjson.dumps({"total": _run(con, asked, starts)})
    except duckdb.OutOfMemoryException as cause:
        raise TooBig("Sorting this takes more memory than the viewer may use.") from cause
    except _AT_FAULT as cause:
        raise BadQuery("Parameter 'where' contains errors or invalid symbols") from cause
    except (duckdb.IOException, duckdb.SerializationException, duckdb.InternalException) as cause:
        raise Unreadable("The Parquet files of this split cannot be read.") from cause
    finally:
        con.close()


def _config(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "threads": asked["threads"],
        "memory_limit": _MEMORY,
        "temp_directory": asked["scratch"],
        "max_temp_directory_size": "4GB",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",
        "preserve_insertion_order": "false",
    }


def _run(con: duckdb.DuckDBPyConnection, asked: dict[str, Any], starts: list[int]) -> int:
    number = "(?::BIGINT[])[file_index::BIGINT + 1] + file_row_number::BIGINT"
    # Rows that are equal keep the order of the file.
    order = f"{asked['order']}, 1" if asked["order"] else "1"
    where = f" WHERE {asked['where']}" if asked["where"] else ""
    sql = f"SELECT {number} FROM read_parquet(?){where} ORDER BY {order}"  # noqa: S608 - made of checked parts
    files = [path for path, _count in asked["parts"]]
    reader = con.sql(sql, params=[starts, files, *asked["values"]]).to_arrow_reader(100_000)
    total = 0
    kind = pa.uint32() if starts[-1] < 1 << 32 else pa.uint64()
    with Path(asked["out"]).open("wb") as out:
        for batch in reader:
            numbers = batch.column(0).cast(kind)
            width = kind.bit_width // 8
            raw = memoryview(numbers.buffers()[1])
            out.write(raw[numbers.offset * width : (numbers.offset + len(numbers)) * width])
            total += len(numbers)
    return total


def main() -> None:
    """Serve until nobody asks any more."""
    resident.serve({"select": select})


if __name__ == "__main__":
    main()
