"""Rows of a split, by position or by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tulou.features.viewer.shelf import Split
from tulou.platform.machinery import Machinery
from tulou.platform.tabular.tables import READ_SECONDS

PAGE = 100
"""Rows of one answer."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How rows are written: how links to media begin, and after how many characters a cell is cut (0: never)."""

    media: str
    cut: int = 0


def page(m: Machinery, split: Split, offset: int, length: int, shape: Shape) -> bytes:
    """Return `length` rows from `offset` on as a JSON list of `{row_idx, row, truncated_cells}`. Raises ViewerProblem."""
    length = max(0, min(length, split.rows - offset))
    return _ask(m, split, {"offset": min(offset, split.rows), "length": length}, shape)


def numbered(m: Machinery, split: Split, numbers: Sequence[int], shape: Shape) -> bytes:
    """Return rows by number, in that order, in the same form. Raises ViewerProblem."""
    return _ask(m, split, {"rows": list(numbers)}, shape)


def media(m: Machinery, split: Split, row: int, column: int, ordinal: int) -> tuple[str, bytes] | None:
    """Return the type and the bytes of a file in a cell: the n-th of the cell. None when there is no such column."""
    names = list(split.features)
    if column >= len(names):
        return None
    name = names[column]
    question = {"do": "media", "row": row, "column": name, "feature": split.features[name], "ordinal": ordinal}
    found = m.tables.reader.ask({**question, "parts": parts(split)}, READ_SECONDS)
    kind, _, content = found.partition(b"\n")
    return kind.decode("ascii"), content


def parts(split: Split) -> list[tuple[str, int]]:
    """Return the files of a split as a child is told them."""
    return [(str(part.path), part.rows) for part in split.parts]


def described(split: Split) -> list[dict[str, Any]]:
    """Return the columns as every answer with rows lists them."""
    return [{"feature_idx": at, "name": name, "type": kind} for at, (name, kind) in enumerate(split.features.items())]


def _ask(m: Machinery, split: Split, which: dict[str, Any], shape: Shape) -> bytes:
    question = {"do": "rows", "parts": parts(split), "features": split.features, "media": shape.media, "cut": shape.cut}
    return m.tables.reader.ask({**question, **which}, READ_SECONDS)
