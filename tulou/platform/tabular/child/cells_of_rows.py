"""Turn rows of a table into the JSON of the viewer's answers, with links in place of pictures and sounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
import pyarrow as pa

from tulou.platform.tabular.child.cells import cell
from tulou.platform.tabular.child.problems import Unreadable
from tulou.wire.media import sniff

ANSWER_BYTES = 32 << 20
_LEAST = 100
_UNKNOWN = {"_type": "Value"}


@dataclass(frozen=True, slots=True)
class Shape:
    """How rows are written: the address under which media lie, and after how many characters a cell is cut (0: never)."""

    media: str
    cut: int = 0


def rows_json(table: pa.Table, numbers: Sequence[int], features: dict[str, Any], shape: Shape) -> bytes:
    """Return the list of rows as JSON. When it would pass 32 MiB, long cells are cut, and each row names those."""
    columns = [_column(table.column(name), name, at, numbers, features, shape) for at, name in _named(table, features)]
    names = [name for _at, name in _named(table, features)]
    found = _joined(names, columns, numbers, shape.cut)
    if len(found) > ANSWER_BYTES:
        cells = max(1, len(numbers) * len(names))
        found = _joined(names, columns, numbers, max(_LEAST, ANSWER_BYTES // 4 // cells))
    return found


def media_bytes(table: pa.Table, name: str, feature: Any, ordinal: int) -> bytes | None:
    """Return the bytes of the n-th file in the cell of the first row, as `cells.cell` counts them."""
    found: list[bytes | None] = []

    def keep(_kind: str, value: dict[str, Any], _index: int | None) -> None:
        found.append(value.get("bytes"))

    for value in values_of(table.column(name).slice(0, 1)):
        cell(value, feature, keep)
    return found[ordinal] if ordinal < len(found) else None


def values_of(column: Any) -> list[Any]:
    """Return the Python values of a column, whatever odd times or bytes it holds."""
    plain = _plain(column.type)
    try:
        return list((column if plain == column.type else column.cast(plain, safe=False)).to_pylist())
    except (UnicodeDecodeError, OverflowError, ValueError, pa.ArrowException):
        return _as_text(column)


def _as_text(column: Any) -> list[Any]:
    """Text that is not UTF-8, and times that Python's calendar does not have."""
    try:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            kind = pa.large_binary() if pa.types.is_large_string(column.type) else pa.binary()
            return [None if v is None else v.decode("utf-8", "replace") for v in column.cast(kind).to_pylist()]
        if pa.types.is_temporal(column.type):
            zoned = pa.timestamp(column.type.unit) if pa.types.is_timestamp(column.type) else column.type
            return list(column.cast(zoned, safe=False).cast(pa.string()).to_pylist())
    except pa.ArrowException as cause:
        raise Unreadable("A column has values that cannot be shown.") from cause
    raise Unreadable("A column has values that cannot be shown.")


def _named(table: pa.Table, features: dict[str, Any]) -> list[tuple[int, str]]:
    numbers = {name: at for at, name in enumerate(features)}
    return [(numbers.get(name, len(numbers)), name) for name in table.column_names]


def _column(column: Any, name: str, at: int, numbers: Sequence[int], features: dict[str, Any], shape: Shape) -> list[Any]:
    feature = features.get(name, _UNKNOWN)
    found = []
    for number, value in zip(numbers, values_of(column), strict=True):
        found.append(cell(value, feature, _Linker(f"{shape.media}/{number}/{at}")))
    return found


class _Linker:
    """Writes the links of the files of one cell, numbered in their order."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._count = 0

    def __call__(self, kind: str, value: dict[str, Any], _index: int | None) -> Any:
        at, self._count = self._count, self._count + 1
        data = value.get("bytes")
        if data is None:
            return None
        media = sniff(data)
        link = f"{self._place}/{at}/{quote(kind)}.{media.ending}"
        if kind == "image":
            return {"src": link, "height": media.height, "width": media.width}
        if kind == "audio":
            return [{"src": link, "type": media.type}]
        return {"src": link, "size_bytes": len(data)} if kind == "pdf" else {"src": link}


def _joined(names: list[str], columns: list[list[Any]], numbers: Sequence[int], cut: int) -> bytes:
    rows = []
    for at, number in enumerate(numbers):
        row = {name: column[at] for name, column in zip(names, columns, strict=True)}
        rows.append({"row_idx": number, "row": row, "truncated_cells": _cut(row, cut) if cut else []})
    return orjson.dumps(rows)


def _cut(row: dict[str, Any], most: int) -> list[str]:
    """Shorten the long cells of a row; anything but text becomes the beginning of its JSON."""
    long = []
    for name, value in row.items():
        if isinstance(value, str):
            text = value
        elif isinstance(value, list | dict):
            text = orjson.dumps(value).decode()
        else:
            continue
        if len(text) > most and not _is_link(value):
            row[name] = text[:most]
            long.append(name)
    return long


def _is_link(value: Any) -> bool:
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and isinstance(first.get("src"), str)


def _plain(kind: Any) -> Any:
    """Return the type without nanoseconds and dictionaries: Python's times have microseconds."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", kind.tz)
    if pa.types.is_duration(kind) and kind.unit == "ns":
        return pa.duration("us")
    if pa.types.is_time64(kind) and kind.unit == "ns":
        return pa.time64("us")
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_plain(kind.value_type), kind.list_size)
    if pa.types.is_large_list(kind):
        return pa.large_list(_plain(kind.value_type))
    return pa.list_(_plain(kind.value_type)) if pa.types.is_list(kind) else kind
