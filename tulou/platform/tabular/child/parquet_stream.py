"""Read rows of a Parquet file from the beginning of their groups, a little at a time: slow, but any file will do."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tulou.platform.tabular.child.problems import TooBig, Unreadable

PAGE_BYTES = 256 << 20
"""Of all that one answer is made of, unpacked."""
_BATCH = 1_024
_BUFFER = 1 << 20


class ParquetStream:
    """A file whose footer is too long to be parsed here."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            metadata = pq.read_metadata(path)
            self.schema = metadata.schema.to_arrow_schema()
        except (pa.ArrowException, OSError) as cause:
            raise Unreadable("The Parquet file has a footer that cannot be read.") from cause
        counts = (int(metadata.row_group(at).num_rows) for at in range(metadata.num_row_groups))
        self._starts: list[int] = [0, *accumulate(counts)]

    def close(self) -> None:
        """Let go of it: nothing is kept open."""

    @property
    def rows(self) -> int:
        """How many rows the file has."""
        return self._starts[-1]

    def take(self, rows: Sequence[int], columns: Sequence[str] | None = None) -> pa.Table:
        """Return rows by number, which must ascend. Raises Unreadable, TooBig."""
        fields = [field.remove_metadata() for field in self.schema if columns is None or field.name in columns]
        if not rows:
            return pa.schema(fields).empty_table()
        left = PAGE_BYTES

        def keep(size: int) -> None:
            nonlocal left
            left -= size
            if left < 0:
                raise TooBig("These rows take more memory than the viewer may use.")

        try:
            return streamed(self._path, in_groups(self._starts, rows), [field.name for field in fields], keep)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowKeyError, OSError) as cause:
            raise Unreadable("The data of the Parquet file is damaged.") from cause
        except (pa.ArrowMemoryError, pa.ArrowCapacityError, MemoryError) as cause:
            raise TooBig("These rows take more memory than the viewer may use.") from cause


def in_groups(starts: Sequence[int], rows: Sequence[int]) -> dict[int, list[int]]:
    """Return the wanted rows of each group, numbered within it. `starts` are the first rows of the groups, and the end."""
    found: dict[int, list[int]] = {}
    at = 0
    while at < len(rows):
        group = bisect_right(starts, rows[at]) - 1
        end = bisect_left(rows, starts[group + 1], at)
        found[group] = [row - starts[group] for row in rows[at:end]]
        at = end
    return found


def streamed(path: Path, groups: Mapping[int, list[int]], columns: list[str], keep: Callable[[int], None]) -> pa.Table:
    """Return the wanted rows of each group. `keep` counts the bytes of what is kept."""
    source = pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER)
    found = []
    for group, wanted in groups.items():
        seen = 0
        for batch in source.iter_batches(_BATCH, row_groups=[group], columns=columns, use_threads=False):
            here = wanted[bisect_left(wanted, seen) : bisect_left(wanted, seen + batch.num_rows)]
            if here:
                taken = batch.take(pa.array([row - seen for row in here], pa.int64()))
                keep(taken.nbytes)
                found.append(taken)
            seen += batch.num_rows
            if seen > wanted[-1]:
                break
    return pa.Table.from_batches(found)
