"""Go through the configurations and splits of a commit: first rows of some, then everything of each."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Features

from tulou.platform.tabular.child import first_rows, layout, parquet_out, statistics
from tulou.platform.tabular.child.explain import Problem, explained
from tulou.platform.tabular.child.layout import Layout
from tulou.platform.tabular.child.line import Line
from tulou.platform.tabular.child.repo_files import ROOT
from tulou.platform.tabular.child.tables import Source, has_media
from tulou.platform.tabular.child.text_index import Writer as IndexWriter

_CELL = 1 << 20
"""Letters of one cell that the index of words takes in."""
_FREE = 256 << 20
_RATIO = 200
"""A split may unpack to `_FREE` bytes and this many times its size. No honest file does more; a bomb does."""
_LINKED_GROUP = 128 << 20
_TOLD = 50_000


class Pass:
    """One run over one commit. It tells the hub of each step; the hub takes what is finished out of the folder."""

    def __init__(self, line: Line, folder: Path, found: Layout, job: dict[str, Any]) -> None:
        self._line = line
        self._folder = folder
        self._found = found
        self._origin = str(job["origin"])
        self._linkable = {str(path) for path in job["linkable"]}
        self._skip = {(int(at), str(split)) for at, split in job["skip"]}
        self._shown = {(int(at), str(split)) for at, split in job["shown"]}

    def look(self, most: int) -> None:
        """Show the first rows of up to so many splits, rounded up to whole configurations."""
        for at in range(len(self._found.configs)):
            if len(self._shown) < most:
                self._each(at, self._preview)

    def convert(self) -> None:
        """Do all of it."""
        for at in range(len(self._found.configs)):
            self._each(at, self._convert)

    def _each(self, at: int, do: Callable[[int, Source, str], None]) -> None:
        opened = self._open(at, self._found.configs[at])
        if opened is None:
            return
        source, splits = opened
        for split in splits:
            if (at, split) not in self._skip:
                # Should this process die of it, the hub knows what it was about.
                self._line.tell("begin", config=at, split=split)
                do(at, source, split)

    def _open(self, at: int, config: str) -> tuple[Source, list[str]] | None:
        try:
            builder = self._found.builder(config)
            splits = layout.splits_of(builder)
        except Problem as problem:
            self._line.tell("config-failed", config=at, problem=problem.facts())
            return None
        self._line.tell("config", config=at, splits=splits, builder=builder.name)
        return Source(builder, self._origin), splits

    def _preview(self, at: int, source: Source, split: str) -> None:
        """Show the first rows. What goes wrong here goes wrong again, and is told, when the split is converted."""
        if (at, split) in self._shown:
            return
        try:
            table, more = _first(source, split)
            self._show(at, split, source, table, more=more)
        except Problem:
            return

    def _show(self, at: int, split: str, source: Source, table: pa.Table, *, more: bool) -> None:
        folder = self._folder / "first" / str(at) / split
        folder.mkdir(parents=True, exist_ok=True)
        features = source.features or Features.from_arrow_schema(table.schema)
        first_rows.write(folder, split, table, features.to_dict(), more=more)
        self._shown.add((at, split))
        self._line.tell("first-rows", config=at, split=split, features=features.to_dict())

    def _convert(self, at: int, source: Source, split: str) -> None:
        folder = self._folder / "splits" / str(at) / split
        try:
            with explained("DatasetGenerationError", "The data of this split cannot be converted."):
                self._convert_into(folder, at, source, split)
        except Problem as problem:
            shutil.rmtree(folder, ignore_errors=True)
            self._line.tell("split-failed", config=at, split=split, problem=problem.facts())

    def _convert_into(self, folder: Path, at: int, source: Source, split: str) -> None:
        folder.mkdir(parents=True)
        paths = source.files(split)
        size = sum(fsspec.filesystem("repo").info(f"{ROOT}/{path}")["size"] for path in dict.fromkeys(paths))
        counted = _Counted(self._line, at, split, most=_FREE + _RATIO * size)
        tables = counted.through(source.tables(split))
        first = next(tables, None)
        features = source.features
        if features is None:
            raise Problem("EmptyDatasetError", "The split has no rows and no columns.")
        linked = self._linked(source, paths, features)
        writer = None if linked else parquet_out.Writer(folder, features.arrow_schema)
        index = _Index(folder / "search", features.to_dict())
        head = _Head(features.arrow_schema)
        for table in _with(first, tables):
            head.add(table)
            if writer is not None:
                writer.add(table)
            index.add(table)
        parts = [asdict(part) for part in writer.close()] if writer else linked or []
        index.close()
        if (at, split) not in self._shown:
            self._show(at, split, source, head.table(), more=counted.rows > first_rows.ROWS)
        files = [_opener(folder, part) for part in parts]
        with explained("StatisticsComputationError", "The statistics of this split cannot be computed."):
            found = statistics.describe(files, features.to_dict(), counted.rows)
        (folder / "statistics.json").write_text(json.dumps({**found, "partial": False}))
        manifest = {
            "config": self._found.configs[at], "split": split, "features": features.to_dict(), "num_rows": counted.rows,
            "parts": parts, "partial": False, "source_bytes": size, "memory_bytes": counted.bytes,
        }  # fmt: skip
        (folder / "manifest.json").write_text(json.dumps(manifest))
        sources = paths if source.is_parquet and all(path.endswith(".parquet") for path in paths) else []
        self._line.tell("split", config=at, split=split, manifest=manifest, sources=sources)

    def _linked(self, source: Source, paths: list[str], features: Features) -> list[dict[str, Any]] | None:
        """Return the source files as the parts, if the viewer reads them as quickly as what it would write itself."""
        if not source.is_parquet or not all(path in self._linkable for path in paths):
            return None
        parts = []
        for path in paths:
            with Source.builder_open(f"{ROOT}/{path}") as file:
                parquet = pq.ParquetFile(file)
                if not parquet.schema_arrow.equals(features.arrow_schema) or not _is_quick(parquet.metadata):
                    return None
                size = fsspec.filesystem("repo").info(f"{ROOT}/{path}")["size"]
                parts.append({"link": path, "rows": parquet.metadata.num_rows, "bytes": size})
        return parts


def _first(source: Source, split: str) -> tuple[pa.Table, bool]:
    head: _Head | None = None
    for table in source.tables(split, rows=first_rows.ROWS + 1):
        head = head or _Head(table.schema)
        head.add(table)
        if head.rows > first_rows.ROWS:
            break
    if head is None:
        raise Problem("EmptyDatasetError", "The split has no rows and no columns.")
    return head.table(), head.rows > first_rows.ROWS


class _Head:
    """Keeps the first rows of a stream of tables."""

    def __init__(self, schema: pa.Schema) -> None:
        self._tables = [schema.empty_table()]
        self.rows = 0

    def add(self, table: pa.Table) -> None:
        if self.rows < first_rows.ROWS:
            self._tables.append(table.slice(0, first_rows.ROWS - self.rows))
        self.rows += table.num_rows

    def table(self) -> pa.Table:
        return pa.concat_tables(self._tables)


class _Counted:
    """Counts rows and bytes, tells how far it is, and stops what unpacks without end."""

    def __init__(self, line: Line, config: int, split: str, most: int) -> None:
        self._line, self._config, self._split, self._most = line, config, split, most
        self.rows = self.bytes = 0
        self._told = 0

    def through(self, tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
        for table in tables:
            self.rows += table.num_rows
            self.bytes += table.nbytes
            if self.bytes > self._most:
                raise Problem("TooBigContentError", "The data unpacks to far more than its size: the viewer does not show it.")
            if self.rows - self._told >= _TOLD:
                self._told = self.rows
                self._line.tell("progress", config=self._config, split=self._split, rows=self.rows)
            yield table


class _Index:
    """The index of words of a split; no folder where there are none."""

    def __init__(self, folder: Path, features: dict[str, Any]) -> None:
        self._names = [name for name, feature in features.items() if _has_text(feature)]
        self._writer = IndexWriter(folder) if self._names else None
        self._row = 0

    def add(self, table: pa.Table) -> None:
        if self._writer is not None:
            for row in table.select(self._names).to_pylist():
                self._writer.add(self._row, list(_texts(list(row.values()))))
                self._row += 1

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _has_text(feature: Any) -> bool:
    if isinstance(feature, list):
        return any(_has_text(each) for each in feature)
    if not isinstance(feature, dict) or has_media(feature):
        return False
    if isinstance(feature.get("_type"), str):
        is_text = feature["_type"] in {"Translation", "TranslationVariableLanguages", "Json"}
        return is_text or str(feature.get("dtype", "")).endswith("string") or _has_text(feature.get("feature"))
    return any(_has_text(each) for each in feature.values())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value[:_CELL]
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _is_quick(meta: Any) -> bool:
    groups = [meta.row_group(at) for at in range(meta.num_row_groups)]
    return all(
        group.total_byte_size <= _LINKED_GROUP and all(group.column(at).has_offset_index for at in range(group.num_columns))
        for group in groups
    )


def _opener(folder: Path, part: dict[str, Any]) -> Callable[[], Any]:
    if "link" in part:
        return lambda: Source.builder_open(f"{ROOT}/{part['link']}")
    return lambda: (folder / part["file"]).open("rb")


def _with(first: pa.Table | None, rest: Iterator[pa.Table]) -> Iterator[pa.Table]:
    if first is not None:
        yield first
    yield from rest
