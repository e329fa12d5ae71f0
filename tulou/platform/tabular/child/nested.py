"""Put two prunings of the same nested column together again."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tulou.platform.tabular.child.problems import Unreadable


def merge(one: Any, other: Any) -> Any:
    """Return the column that has the leaves of both. They have the same rows."""
    if pa.types.is_struct(one.type) and pa.types.is_struct(other.type):
        fields = {field.name: one.field(at) for at, field in enumerate(one.type)}
        for at, field in enumerate(other.type):
            fields[field.name] = merge(fields[field.name], other.field(at)) if field.name in fields else other.field(at)
        return pa.StructArray.from_arrays(list(fields.values()), list(fields), mask=one.is_null())
    if _is_list(one.type) and _is_list(other.type):
        made = pa.LargeListArray if pa.types.is_large_list(one.type) else pa.ListArray
        return made.from_arrays(_offsets(one), merge(one.flatten(), other.flatten()), mask=one.is_null())
    raise Unreadable("The Parquet file has a nested column that cannot be put together.")


def is_mergeable(kind: Any) -> bool:
    """Say whether `merge` can put prunings of a column of this type together."""
    if pa.types.is_struct(kind):
        return all(is_mergeable(field.type) for field in kind)
    if _is_list(kind):
        return is_mergeable(kind.value_type)
    return not pa.types.is_nested(kind)


def _is_list(kind: Any) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _offsets(array: Any) -> Any:
    """Return offsets into `array.flatten()`: a null row has no elements there, whatever lies under it."""
    lengths = array.value_lengths().fill_null(0)
    kind = pa.int64() if pa.types.is_large_list(array.type) else pa.int32()
    sums = pc.cumulative_sum(lengths).cast(kind)
    return pa.concat_arrays([pa.array([0], kind), sums if isinstance(sums, pa.Array) else sums.combine_chunks()])
