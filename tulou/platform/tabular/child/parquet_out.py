"""Write the viewer's Parquet: small pages with an index, and dictionaries only where few values repeat."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

GROUP_ROWS = 100_000
GROUP_BYTES = 64 << 20
PAGE_ROWS = 1_000
FILE_BYTES = 512 << 20
_SAMPLE = 10_000
_FEW = 0.1
"""A dictionary pays where distinct values are at most this share of the rows: else each page costs a megabyte of dictionary."""
_LONG = 4_096


@dataclass(frozen=True, slots=True)
class Part:
    """A finished file."""

    file: str
    rows: int
    bytes: int


class Writer:
    """Writes the tables of one split into numbered files of a folder."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._folder = folder
        self._schema = schema
        self._waiting: list[pa.Table] = []
        self._rows = self._bytes = 0
        self._file: pq.ParquetWriter | None = None
        self._in_file = 0
        self._dictionary: list[str] | None = None
        self._batch = 1_024
        self.parts: list[Part] = []

    def add(self, table: pa.Table) -> None:
        """Append rows."""
        for start in range(0, table.num_rows, GROUP_ROWS):
            piece = table.slice(start, GROUP_ROWS)
            if self._rows + piece.num_rows > GROUP_ROWS:
                self._flush()
            self._waiting.append(piece)
            self._rows += piece.num_rows
            self._bytes += piece.nbytes
            if self._bytes >= GROUP_BYTES:
                self._flush()

    def close(self) -> list[Part]:
        """Finish the last file and return all of them; a split without rows has one empty file."""
        if self._waiting or not (self.parts or self._file):
            self._flush()
        self._close()
        return self.parts

    def _flush(self) -> None:
        group = pa.concat_tables(self._waiting) if self._waiting else self._schema.empty_table()
        self._waiting, self._rows, self._bytes = [], 0, 0
        if self._dictionary is None:
            self._choose(group)
        if self._file is None:
            self._file = self._open()
        self._file.write_table(group, row_group_size=GROUP_ROWS)
        self._in_file += group.num_rows
        if self._path().stat().st_size >= FILE_BYTES:
            self._close()

    def _choose(self, group: pa.Table) -> None:
        sample = group.slice(0, _SAMPLE)
        self._dictionary = [name for name in group.schema.names if _repeats(sample.column(name))]
        if sample.nbytes > _LONG * max(1, sample.num_rows):
            self._batch = 16

    def _path(self) -> Path:
        return self._folder / f"{len(self.parts):04}.parquet"

    def _open(self) -> pq.ParquetWriter:
        return pq.ParquetWriter(
            self._path(),
            self._schema,
            compression="zstd",
            compression_level=3,
            use_dictionary=self._dictionary or False,
            write_page_index=True,
            max_rows_per_page=PAGE_ROWS,
            write_batch_size=self._batch,
        )

    def _close(self) -> None:
        if self._file is None:
            return
        self._file.close()
        self.parts.append(Part(self._path().name, self._in_file, self._path().stat().st_size))
        self._file, self._in_file = None, 0


def _repeats(column: pa.ChunkedArray) -> bool:
    flat = pa.types
    kind = column.type
    if not (flat.is_string(kind) or flat.is_large_string(kind) or flat.is_integer(kind) or flat.is_floating(kind)):
        return False
    return len(column) > 0 and pc.count_distinct(column).as_py() <= max(1, _FEW * len(column))
