"""The program that pages of rows come from: it keeps files and indexes open, and ends when nobody asks for a while."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pyarrow as pa

from tulou.platform.tabular.child import resident
from tulou.platform.tabular.child.cells_of_rows import Shape, media_bytes, rows_json
from tulou.platform.tabular.child.parquet_rows import ParquetRows, open_rows
from tulou.platform.tabular.child.parquet_stream import ParquetStream
from tulou.platform.tabular.child.problems import BadQuery, Unreadable
from tulou.platform.tabular.child.text_index import Reader as TextReader
from tulou.platform.tabular.frames import BYTES, JSON
from tulou.wire.media import sniff

T = TypeVar("T")
_OPEN_FILES, _OPEN_INDEXES = 32, 16


class Shelf:
    """Open files by path, the most recent kept. Their content never changes under a name."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, ParquetRows | ParquetStream] = OrderedDict()
        self._indexes: OrderedDict[str, TextReader] = OrderedDict()

    def file(self, path: str) -> ParquetRows | ParquetStream:
        """Return an open Parquet file."""
        return _kept(self._files, path, lambda: open_rows(Path(path)), _OPEN_FILES, lambda file: file.close())

    def index(self, path: str, scratch: str) -> TextReader:
        """Return an open index of words."""
        return _kept(self._indexes, path, lambda: TextReader(Path(path), Path(scratch)), _OPEN_INDEXES, TextReader.close)


def _kept(kept: OrderedDict[str, T], path: str, make: Callable[[], T], most: int, close: Callable[[T], None]) -> T:
    if path not in kept:
        kept[path] = make()
        if len(kept) > most:
            close(kept.popitem(last=False)[1])
    kept.move_to_end(path)
    return kept[path]


def take(shelf: Shelf, parts: list[list[Any]], rows: Sequence[int], columns: list[str] | None) -> pa.Table:
    """Return rows of a split by number, in the order asked for. `parts` are pairs of a path and its number of rows."""
    starts = [0, *accumulate(int(count) for _path, count in parts)]
    order = sorted(set(rows))
    if order and (order[0] < 0 or order[-1] >= starts[-1]):
        raise BadQuery("There is no such row.")
    by_part: dict[int, list[int]] = {}
    for row in order:
        part = bisect_right(starts, row) - 1
        by_part.setdefault(part, []).append(row - starts[part])
    if not by_part:
        return shelf.file(parts[0][0]).take([], columns) if parts else pa.table({})
    tables = [shelf.file(parts[part][0]).take(local, columns) for part, local in by_part.items()]
    found = _joined(tables)
    if list(rows) == order:
        return found
    places = {row: at for at, row in enumerate(order)}
    return found.take(pa.array([places[row] for row in rows], pa.int64()))


def _joined(tables: list[pa.Table]) -> pa.Table:
    try:
        return tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as cause:
        raise Unreadable("The files of this split have different columns.") from cause


def rows(shelf: Shelf, asked: dict[str, Any]) -> tuple[bytes, bytes]:
    """Answer with rows as JSON."""
    numbers = asked["rows"] if "rows" in asked else range(asked["offset"], asked["offset"] + asked["length"])
    table = take(shelf, asked["parts"], numbers, asked.get("columns"))
    return JSON, rows_json(table, numbers, asked["features"], Shape(asked["media"], asked.get("cut", 0)))


def media(shelf: Shelf, asked: dict[str, Any]) -> tuple[bytes, bytes]:
    """Answer with one file out of a cell: its type in a line, then its bytes."""
    name = asked["column"]
    table = take(shelf, asked["parts"], [asked["row"]], [name])
    found = media_bytes(table, name, asked["feature"], asked["ordinal"])
    if found is None:
        raise BadQuery("There is no such file in this cell.")
    return BYTES, sniff(found).type.encode() + b"\n" + found


def search(shelf: Shelf, asked: dict[str, Any]) -> tuple[bytes, bytes]:
    """Answer with the rows that have all words, best first."""
    try:
        found = shelf.index(asked["index"], asked["scratch"]).search(asked["query"], asked["offset"], asked["length"])
    except ValueError as cause:
        raise Unreadable("The search index of this split cannot be read.") from cause
    return JSON, orjson.dumps({"total": found.total, "rows": found.rows})


def main() -> None:
    """Serve until nobody asks any more."""
    shelf = Shelf()
    resident.serve({
        "rows": lambda asked: rows(shelf, asked),
        "media": lambda asked: media(shelf, asked),
        "search": lambda asked: search(shelf, asked),
    })  # fmt: skip


if __name__ == "__main__":
    main()
