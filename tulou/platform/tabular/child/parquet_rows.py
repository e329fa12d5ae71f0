"""Read any rows of a Parquet file by fetching only the pages that hold them.

The pages are wrapped in a miniature Parquet file with a footer of its own, which pyarrow decodes. Columns whose pages
begin at the same rows share one miniature. What has no page index is streamed, within the same limits.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tulou.kernel.errors import WireError
from tulou.platform.tabular.child import parquet_footer as footers
from tulou.platform.tabular.child.nested import is_mergeable, merge
from tulou.platform.tabular.child.parquet_footer import Footer, LongFooter
from tulou.platform.tabular.child.parquet_stream import PAGE_BYTES, ParquetStream, in_groups, streamed
from tulou.platform.tabular.child.problems import TooBig, Unreadable
from tulou.wire import thrift

PAGE_VALUES = 4_000_000
_FEW = 8
"""Pages that one thread decodes before others could begin."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The pages of one group that hold wanted rows, as page numbers."""

    group: int
    pages: tuple[int, ...]
    ranges: tuple[tuple[int, int], ...]
    """The rows of each page, within the group."""


class ParquetRows:
    """One open Parquet file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = footers.open_file(path)
        try:
            self.footer = Footer(self._fd)
            self.schema = pq.read_schema(path)
        except (pa.ArrowException, OSError) as cause:
            self.close()
            raise Unreadable("The Parquet file has a schema that cannot be read.") from cause
        except (Unreadable, LongFooter):
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        footers.close_file(self._fd)

    @property
    def rows(self) -> int:
        """How many rows the file has."""
        return self.footer.starts[-1]

    def take(self, rows: Sequence[int], columns: Sequence[str] | None = None) -> pa.Table:
        """Return rows by number, which must ascend. Raises Unreadable, TooBig."""
        if not rows:
            return self._empty(columns)
        try:
            return self._take(rows, columns)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowKeyError, OSError, WireError, KeyError) as cause:
            raise Unreadable("The data of the Parquet file is damaged.") from cause
        except (pa.ArrowMemoryError, pa.ArrowCapacityError, MemoryError) as cause:
            raise TooBig("These rows take more memory than the viewer may use.") from cause

    def _take(self, rows: Sequence[int], columns: Sequence[str] | None) -> pa.Table:
        by_group = in_groups(self.footer.starts, rows)
        plans: dict[tuple[Piece, ...], list[int]] = {}
        apart: set[str] = set()
        budget = _Budget()
        for at, leaf in enumerate(self.footer.leaves):
            if columns is not None and leaf.name not in columns:
                continue
            plan = self._plan(at, by_group)
            if plan is None:
                apart.add(leaf.name)
            else:
                plans.setdefault(plan, []).append(at)
        apart |= self._scattered(plans)
        found: dict[str, Any] = {}
        for plan, leaves in plans.items():
            wanted = [at for at in leaves if self.footer.leaves[at].name not in apart]
            for name, array in self._decode(plan, wanted, by_group, budget) if wanted else ():
                found[name] = merge(found[name], array) if name in found else array
        for name in apart:
            found[name] = _whole(streamed(self._path, by_group, [name], budget.keep).column(0))
        return self._in_order(found, columns)

    def _plan(self, leaf: int, by_group: dict[int, list[int]]) -> tuple[Piece, ...] | None:
        pieces = []
        for group, rows in by_group.items():
            pages = self.footer.pages(group, leaf)
            if pages is None:
                return None
            firsts, end = pages.rows, self.footer.rows(group)
            wanted = tuple(sorted({bisect_right(firsts, row) - 1 for row in rows}))
            ranges = tuple((firsts[at], firsts[at + 1] if at + 1 < len(firsts) else end) for at in wanted)
            pieces.append(Piece(group, wanted, ranges))
        return tuple(pieces)

    def _scattered(self, plans: dict[tuple[Piece, ...], list[int]]) -> set[str]:
        """Return the nested columns whose leaves lie in several miniatures and cannot be put together again."""
        homes: dict[str, int] = {}
        for leaves in plans.values():
            for name in {self.footer.leaves[at].name for at in leaves}:
                homes[name] = homes.get(name, 0) + 1
        return {name for name, count in homes.items() if count > 1 and not is_mergeable(self.schema.field(name).type)}

    def _decode(
        self, plan: tuple[Piece, ...], leaves: list[int], by_group: dict[int, list[int]], budget: _Budget
    ) -> Iterator[tuple[str, Any]]:
        """Yield the wanted rows of columns, or of parts of nested ones, whose pages begin at the same rows."""
        source = pq.ParquetFile(pa.BufferReader(self._miniature(plan, leaves, budget)), pre_buffer=False)
        table = source.read(use_threads=sum(len(piece.pages) for piece in plan) > _FEW)
        places = pa.array(_places(plan, by_group), pa.int64())
        for name in table.column_names:
            column = table.column(name).take(places)
            yield name, _whole(column)

    def _miniature(self, plan: tuple[Piece, ...], leaves: list[int], budget: _Budget) -> pa.Buffer:
        body, groups, total = bytearray(b"PAR1"), [], 0
        for piece in plan:
            rows = sum(end - start for start, end in piece.ranges)
            chunks = [self._chunk(piece, leaf, body, budget) for leaf in leaves]
            columns = (thrift.LIST, (thrift.STRUCT, chunks))
            size = sum(chunk[3][1][7][1] for chunk in chunks)
            groups.append({1: columns, 2: (thrift.I64, size), 3: (thrift.I64, rows)})
            total += rows
        schema = (thrift.LIST, (thrift.STRUCT, self._pruned(leaves)))
        meta = {1: self.footer.meta[1], 2: schema, 3: (thrift.I64, total), 4: (thrift.LIST, (thrift.STRUCT, groups))}
        end = thrift.write(meta)
        body += end + struct.pack("<I", len(end)) + b"PAR1"
        return pa.py_buffer(body)

    def _chunk(self, piece: Piece, leaf: int, body: bytearray, budget: _Budget) -> thrift.Struct:
        """Append the dictionary and the wanted pages of one column chunk, and return its new description."""
        pages = self.footer.pages(piece.group, leaf)
        if pages is None:
            raise Unreadable("The page index of the Parquet file is damaged.")
        meta, start = footers.metadata(self.footer, piece.group, leaf), len(body)
        dictionary = footers.dictionary_extent(meta, pages)
        meta.pop(11, None)
        if dictionary is not None:
            meta[11] = (thrift.I64, start)
            raw = self.footer.read(dictionary[0], dictionary[1] - dictionary[0])
            budget.spend_dictionary(raw)
            body += raw
        meta[9] = (thrift.I64, len(body))
        values = 0
        for first, last in _runs(piece.pages):
            begin = pages.offsets[first]
            raw = self.footer.read(begin, pages.offsets[last] + pages.sizes[last] - begin)
            values += sum(budget.spend(raw, pages.offsets[at] - begin) for at in range(first, last + 1))
            body += raw
        meta[5], meta[7] = (thrift.I64, values), (thrift.I64, len(body) - start)
        # Statistics, indexes and filters of the whole chunk say nothing about its part.
        for field in (8, 10, 12, 13, 14, 15, 16):
            meta.pop(field, None)
        return {2: (thrift.I64, 0), 3: (thrift.STRUCT, meta)}

    def _pruned(self, leaves: list[int]) -> list[thrift.Struct]:
        """Return the schema of these leaves only."""
        paths = [self.footer.leaves[at].path for at in leaves]
        kept = sorted({at for path in paths for at in path})
        children: dict[int, set[int]] = {}
        for path in paths:
            for parent, child in pairwise(path):
                children.setdefault(parent, set()).add(child)
        return [
            {**self.footer.schema[at], 5: (thrift.I32, len(children[at]))} if at in children else self.footer.schema[at]
            for at in kept
        ]

    def _in_order(self, found: dict[str, pa.Array], columns: Sequence[str] | None) -> pa.Table:
        fields = [field.remove_metadata() for field in self.schema if columns is None or field.name in columns]
        arrays = [found[field.name] for field in fields]
        arrays = [a if a.type == f.type else a.cast(f.type) for a, f in zip(arrays, fields, strict=True)]
        return pa.table(arrays, schema=pa.schema(fields))

    def _empty(self, columns: Sequence[str] | None) -> pa.Table:
        fields = [field.remove_metadata() for field in self.schema if columns is None or field.name in columns]
        return pa.schema(fields).empty_table()


def open_rows(path: Path) -> ParquetRows | ParquetStream:
    """Open a file in the quickest way that it allows."""
    try:
        return ParquetRows(path)
    except LongFooter:
        return ParquetStream(path)


class _Budget:
    """What one answer may make pyarrow decode."""

    def __init__(self) -> None:
        self._left = PAGE_BYTES

    def spend(self, raw: bytes, at: int) -> int:
        """Count a data page by its header, before it is unpacked; return its number of values."""
        values, size = footers.values_of(thrift.Reader(raw, at).struct())
        if not 0 <= values <= PAGE_VALUES:
            raise TooBig("A page of the Parquet file holds more values than the viewer may decode.")
        self.keep(size)
        return values

    def spend_dictionary(self, raw: bytes) -> None:
        """Count a dictionary page."""
        self.keep(int(thrift.Reader(raw).struct()[2][1]))

    def keep(self, size: int) -> None:
        """Count bytes."""
        self._left -= max(0, size)
        if self._left < 0:
            raise TooBig("These rows take more memory than the viewer may use.")


def _whole(column: Any) -> Any:
    """Return a column as one array."""
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _places(plan: tuple[Piece, ...], by_group: dict[int, list[int]]) -> list[int]:
    """Return where each wanted row lies in the concatenated pages."""
    found, before = [], 0
    for piece in plan:
        starts = [start for start, _end in piece.ranges]
        offsets, at = [], before
        for start, end in piece.ranges:
            offsets.append(at)
            at += end - start
        for row in by_group[piece.group]:
            page = bisect_right(starts, row) - 1
            found.append(offsets[page] + row - starts[page])
        before = at
    return found


def _runs(pages: tuple[int, ...]) -> list[tuple[int, int]]:
    """Join neighbours: `(1, 2, 3, 7)` is `[(1, 3), (7, 7)]`."""
    found: list[tuple[int, int]] = []
    for page in pages:
        if found and found[-1][1] == page - 1:
            found[-1] = (found[-1][0], page)
        else:
            found.append((page, page))
    return found

