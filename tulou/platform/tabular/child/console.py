"""The program that runs one query somebody wrote: one SELECT, over files it cannot change, and then it ends."""

from __future__ import annotations

import io
import os
import re
import select
import sys
from collections.abc import Iterator
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from tulou.platform.tabular import frames
from tulou.platform.tabular.child import confine
from tulou.platform.tabular.child.cells import plain
from tulou.platform.tabular.child.cells_of_rows import values_of
from tulou.platform.tabular.child.problems import BadQuery, TooBig, Unreadable
from tulou.platform.tabular.frames import BYTES, JSON, PROBLEM

_NOBODY = 65534
_MEMORY, _OWN_MEMORY = "1GB", 2 << 30
_EXPLAIN = re.compile(r"\s*EXPLAIN\b(?P<analyze>\s+ANALYZE\b)?(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_STDIN, _STDOUT = 0, 1
_MESSAGE = 2_000
_STATEMENT = "Write exactly one SELECT, or EXPLAIN with one."


def main() -> None:
    """Wait for a query, run it, end."""
    _warm_up()
    if not select.select([_STDIN], [], [], float(sys.argv[1]))[0]:
        return
    frame = frames.receive(_STDIN)
    if frame is None:
        return
    asked = orjson.loads(frame[1])
    confine.end_after(int(asked["seconds"]) + 2)
    confine.limit(memory=_OWN_MEMORY, seconds=4 * int(asked["seconds"]) + 4, files=4_096)
    try:
        # The database starts while it may still ask how much memory there is.
        con = _started(asked["threads"])
        answer = _answer(con, asked, _shut_in(asked["views"]))
    except Unreadable as problem:
        answer = PROBLEM, orjson.dumps({"code": problem.code, "message": str(problem)})
    frames.send(_STDOUT, *answer)
    sys.stdout.flush()
    os._exit(0)  # DuckDB's threads may still be at work


def _warm_up() -> None:
    con = duckdb.connect(":memory:", config={"threads": 1})
    table = pa.table({"a": [1], "b": ["b"]})
    con.execute("SELECT now()").to_arrow_reader(1)
    pacsv.write_csv(table, io.BytesIO())
    pq.write_table(table, io.BytesIO())
    values_of(table.column(1))
    con.close()


def _shut_in(views: dict[str, list[str]]) -> dict[str, list[str]]:
    """Open the files, give up all others, and return the views with names that say nothing about this machine."""
    opened = {name: [os.open(path, os.O_RDONLY) for path in paths] for name, paths in views.items()}
    confine.fence(read=[fd for fds in opened.values() for fd in fds])
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
        confine.keep_own_files_visible()
    os.environ.clear()
    return {name: [f"/proc/self/fd/{fd}" for fd in fds] for name, fds in opened.items()}


def _answer(con: duckdb.DuckDBPyConnection, asked: dict[str, Any], views: dict[str, list[str]]) -> tuple[bytes, bytes]:
    try:
        _prepare(con, asked["seconds"], views)
        table, is_cut = _limited(con.execute(_checked(con, asked["sql"], asked["rows"])), asked["rows"], asked["bytes"])
        return _formatted(table, is_cut, asked)
    except (duckdb.OutOfMemoryException, MemoryError, pa.ArrowMemoryError) as cause:
        raise TooBig("The query takes more memory than it may use.") from cause
    except duckdb.InterruptException as cause:
        raise TooBig("The query takes longer than it may.") from cause
    except duckdb.Error as cause:
        raise BadQuery(_told(cause)) from cause


def _told(problem: Exception) -> str:
    """Return DuckDB's own words: they quote the query and the columns, and no file has a name here."""
    text = str(problem).strip()
    return "".join(c if c == "\n" or c.isprintable() else " " for c in text)[:_MESSAGE] or "The query failed."


def _started(threads: int) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(
        ":memory:",
        config={
            "threads": threads,
            "memory_limit": _MEMORY,
            "temp_directory": "",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
        },
    )


def _prepare(con: duckdb.DuckDBPyConnection, seconds: float, views: dict[str, list[str]]) -> None:
    """Give the files their names, then take away every way to others, and to change that."""
    con.execute("SET allowed_paths = ?", [[path for paths in views.values() for path in paths]])
    for name, paths in views.items():
        quoted = name.replace('"', '""')
        files = ", ".join(f"'{path}'" for path in paths)
        con.execute(f'CREATE VIEW "{quoted}" AS SELECT * FROM read_parquet([{files}])')  # noqa: S608 - descriptors, a quoted name
    con.execute(f"SET max_execution_time = {int(seconds * 900)}")
    con.execute("SET max_expression_depth = 250")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def _checked(con: duckdb.DuckDBPyConnection, sql: str, rows: int) -> str:
    """Return what to run for one statement that reads. Raises BadQuery for anything else."""
    statements = con.extract_statements(sql)
    if len(statements) != 1:
        raise BadQuery(_STATEMENT)
    text, kind = statements[0].query, statements[0].type
    if kind == duckdb.StatementType.EXPLAIN:
        # EXPLAIN ANALYZE runs what it explains: that must be a SELECT too.
        found = _EXPLAIN.match(text)
        inner = con.extract_statements(found["rest"]) if found else []
        if found is None or len(inner) != 1 or inner[0].type != duckdb.StatementType.SELECT:
            raise BadQuery(_STATEMENT)
        return f"EXPLAIN {'ANALYZE ' if found['analyze'] else ''}{inner[0].query}"
    if kind != duckdb.StatementType.SELECT:
        raise BadQuery(_STATEMENT)
    wrapped = f"SELECT * FROM (\n{text.rstrip().rstrip(';')}\n) LIMIT {rows + 1}"  # noqa: S608 - one SELECT, parsed
    again = con.extract_statements(wrapped)
    return wrapped if len(again) == 1 and again[0].type == duckdb.StatementType.SELECT else text


def _limited(result: Any, rows: int, size: int) -> tuple[pa.Table, bool]:
    """Read at most so many rows and bytes, and say whether there are more. Raises TooBig for one batch that is larger."""
    reader, found, count, held = result.to_arrow_reader(1_024), [], 0, 0
    for batch in _until(reader, rows):
        count += batch.num_rows
        held += batch.nbytes
        if held > size:
            raise TooBig("The result is larger than 32 MB: ask for fewer rows or columns.")
        found.append(batch)
    table = pa.Table.from_batches(found, schema=reader.schema)
    return table.slice(0, rows), count > rows


def _until(reader: Any, rows: int) -> Iterator[Any]:
    count = 0
    for batch in reader:
        yield batch
        count += batch.num_rows
        if count > rows:
            return


def _formatted(table: pa.Table, is_cut: bool, asked: dict[str, Any]) -> tuple[bytes, bytes]:  # noqa: FBT001 - private
    if asked["format"] == "json":
        columns = [{"name": field.name, "type": str(field.type)} for field in table.schema]
        values = [[plain(value) for value in values_of(table.column(at))] for at in range(table.num_columns)]
        rows = [list(row) for row in zip(*values, strict=True)]
        body = orjson.dumps({"columns": columns, "rows": rows, "num_rows": table.num_rows, "truncated": is_cut})
        if len(body) > asked["bytes"]:
            raise TooBig("The result is larger than 32 MB: ask for fewer rows or columns.")
        return JSON, body
    sink = io.BytesIO()
    try:
        if asked["format"] == "csv":
            pacsv.write_csv(_flat(table), sink)
        else:
            pq.write_table(table, sink, compression="zstd")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as cause:
        raise BadQuery("The result has a column that this format does not have.") from cause
    return BYTES, sink.getvalue()


def _flat(table: pa.Table) -> pa.Table:
    """Return a table whose nested columns are JSON: CSV has no other way."""
    columns = []
    for at, field in enumerate(table.schema):
        column = table.column(at)
        if pa.types.is_nested(field.type) or pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            column = pa.chunked_array([pa.array([_text(value) for value in values_of(column)], pa.string())])
        columns.append(column)
    return pa.Table.from_arrays(columns, names=table.column_names)


def _text(value: Any) -> str | None:
    found = plain(value)
    return found if found is None or isinstance(found, str) else orjson.dumps(found).decode()


if __name__ == "__main__":
    main()
