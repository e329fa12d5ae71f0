"""The first rows of a split as the viewer answers them: few, small, and with their pictures beside them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from tulou.platform.tabular.child.cells import cell
from tulou.platform.tabular.child.cells_of_rows import values_of
from tulou.wire.media import sniff

ROWS = 100
MIN_ROWS = 10
MAX_BYTES = 200_000
MIN_CELL = 100
MAX_COLUMNS = 1_000
_MEDIA_BYTES = 16 << 20
"""Files of all first rows of a split together; those beyond it show up with the whole data."""


def write(folder: Path, split: str, table: pa.Table, features: dict[str, Any], *, more: bool) -> None:
    """Write `<split>.first-rows.json` and its files into a folder. `more`: the split goes on after this table."""
    names = list(features)[:MAX_COLUMNS]
    media = _Media(folder / f"{split}.first-media")
    items: list[dict[str, Any]] = []
    size = 0
    shown_table = table.slice(0, ROWS)
    columns_of = {name: values_of(shown_table.column(name)) for name in names}
    for number in range(shown_table.num_rows):
        shown = {name: cell(columns_of[name][number], features[name], media.at(number, at)) for at, name in enumerate(names)}
        item = {"row_idx": number, "row": shown, "truncated_cells": []}
        length = _size(item)
        if number >= MIN_ROWS and size + length >= MAX_BYTES:
            break
        items.append(item)
        size += length
    shown_rows = len(items)
    for item in reversed(items):
        if size < MAX_BYTES:
            break
        before = _size(item)
        _cut(item, features)
        size += _size(item) - before
    columns = [{"feature_idx": at, "name": name, "type": features[name]} for at, name in enumerate(names)]
    answer = {"features": columns, "rows": items, "truncated": more or shown_rows < table.num_rows}
    (folder / f"{split}.first-rows.json").write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8", errors="replace")


def _cut(item: dict[str, Any], features: dict[str, Any]) -> None:
    for name, value in item["row"].items():
        feature = features[name]
        if isinstance(value, dict) and "media" in value and isinstance(feature, dict):
            continue
        text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        if len(text) > MIN_CELL:
            item["truncated_cells"].append(name)
            item["row"][name] = text[:MIN_CELL].decode("utf-8", "ignore")


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


class _Media:
    """Keeps the files of the first rows, as far as they are small."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left = _MEDIA_BYTES

    def at(self, row: int, column: int) -> Any:
        """Return what makes the cell of a file at a place."""
        number = 0

        def keep(kind: str, value: dict[str, Any], _index: int | None) -> Any:
            nonlocal number
            content, at = value.get("bytes"), number
            number += 1
            if content is None:
                return None
            known = sniff(content)
            if len(content) <= self._left:
                self._left -= len(content)
                self._folder.mkdir(exist_ok=True)
                (self._folder / f"{row}-{column}-{at}").write_bytes(content)
            return {"media": [row, column, at], "kind": kind, "size": len(content), **asdict(known)}

        return keep
