"""The rows of a split as a stream of Arrow tables, exactly as `load_dataset` would store them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import islice
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq
from datasets import ArrowBasedBuilder, Audio, DatasetBuilder, Features, Image, Mesh, Nifti, Pdf, Video
from datasets.arrow_writer import ArrowWriter
from datasets.data_files import DataFilesDict
from datasets.download.streaming_download_manager import StreamingDownloadManager
from datasets.exceptions import DatasetGenerationCastError
from datasets.table import CastError, embed_table_storage, table_cast

from tulou.platform.tabular.child.cells import MEDIA
from tulou.platform.tabular.child.explain import Problem, explained
from tulou.platform.tabular.child.repo_files import ROOT

ROWS = 1_000
"""Rows of one table where nothing is large."""
FEW_ROWS = 64
"""Rows of one table where cells are files or long texts."""
_LARGE_ROW = 64 << 10


class Source:
    """Reads one configuration. The types of the first split hold for the others, as in the library."""

    def __init__(self, builder: DatasetBuilder, origin: str) -> None:
        self.builder = builder
        self._origin = origin
        builder.config = copy.copy(builder.config)  # the library keeps one for all builders of a configuration
        self._files = builder.config.data_files
        self._generators: dict[str, Any] = {}
        if self.is_parquet:
            # The defaults of the library hold a whole row group, which the writer of a file chooses, in memory.
            builder.config.fragment_scan_options = pads.ParquetFragmentScanOptions(
                use_buffered_stream=True, buffer_size=1 << 20, pre_buffer=False
            )

    @property
    def is_parquet(self) -> bool:
        """True when the files are Parquet already."""
        return bool(self.builder.name == "parquet")

    @property
    def features(self) -> Features | None:
        """The types of the columns, as soon as they are known."""
        found = self.builder.info.features
        return found if isinstance(found, Features) else None

    def files(self, split: str) -> list[str]:
        """Return the files of a split, as paths in the repository; those in archives count as their archive."""
        places = [str(place).split("::")[-1] for place in self._files[split]]
        return [place.removeprefix(f"{ROOT}/") for place in places]

    def tables(self, split: str, *, rows: int = ROWS) -> Iterator[pa.Table]:
        """Yield the rows of a split in order. Raises Problem."""
        with explained("StreamingRowsError", "The files of this split cannot be read."):
            generator = self._generator(split)
            for table in self._raw(generator, split, rows):
                if self.features is None:
                    self.builder.info.features = Features.from_arrow_schema(table.schema)
                yield self._cast(self._named(table))

    def _generator(self, split: str) -> Any:
        if split in self._generators:
            return self._generators[split]
        if isinstance(self.builder, ArrowBasedBuilder):
            # One split at a time: what is wrong with one must not hide the others.
            self.builder.config.data_files = DataFilesDict({split: self._files[split]})
        made = self.builder._split_generators(StreamingDownloadManager(base_path=ROOT))  # noqa: SLF001 - as the library's own streams do
        self._generators |= {str(each.name): each for each in made}
        if split not in self._generators:
            raise Problem("SplitNamesFromStreamingError", "The split has no files that can be read.")
        return self._generators[split]

    def _raw(self, generator: Any, split: str, rows: int) -> Iterator[pa.Table]:
        if isinstance(self.builder, ArrowBasedBuilder):
            if self.is_parquet:
                self.builder.config.batch_size = min(rows, self._parquet_rows(split))
            for _key, table in self.builder._generate_tables(**generator.gen_kwargs):  # noqa: SLF001 - the same
                yield table
        else:
            options = dict(generator.gen_kwargs)
            if "files" in options:
                options["files"] = [_labelled(each) for each in options["files"]]
            examples = self.builder._generate_examples(**options)  # noqa: SLF001 - the same
            while batch := [example for _key, example in islice(examples, min(rows, FEW_ROWS))]:
                yield self._stored(batch)

    def _stored(self, examples: list[Any]) -> pa.Table:
        """Write examples as the library does when it makes a dataset, and return what it would keep."""
        sink = pa.BufferOutputStream()
        writer = ArrowWriter(features=self.features, stream=sink, writer_batch_size=len(examples))
        for example in examples:
            writer.write(self.features.encode_example(example) if self.features is not None else example)
        writer.finalize()
        return pa.ipc.open_stream(sink.getvalue()).read_all()

    def _parquet_rows(self, split: str) -> int:
        """Return how many rows to unpack at once. A footer that lies about sizes is met by the limit of memory."""
        for place in self._files[split]:
            with self.builder_open(str(place)) as file:
                meta = pq.read_metadata(file)
            size = sum(meta.row_group(at).total_byte_size for at in range(meta.num_row_groups))
            if size > _LARGE_ROW * max(1, meta.num_rows):
                return FEW_ROWS
        return ROWS

    @staticmethod
    def builder_open(place: str) -> Any:
        """Open a file of the commit."""
        return fsspec.open(place, "rb").open()

    def _named(self, table: pa.Table) -> pa.Table:
        """Give the archives of a WebDataset the address that clients know them by."""
        if self.builder.name != "webdataset" or "__url__" not in table.schema.names:
            return table
        at = table.schema.get_field_index("__url__")
        return table.set_column(at, table.field(at), pc.replace_substring(table.column(at), f"{ROOT}/", self._origin))

    def _cast(self, table: pa.Table) -> pa.Table:
        if self.features is None:
            return table
        try:
            cast = table_cast(table, self.features.arrow_schema)
        except (CastError, pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError, TypeError) as cause:
            # The library wraps it so, and clients know this name.
            wrapped = DatasetGenerationCastError(f"{type(cause).__name__}: {cause}")
            raise Problem(
                "DatasetGenerationCastError", "All the data files must have the same columns, of the same types.", wrapped
            ) from cause
        return embed_table_storage(cast, local_files=False) if has_media(self.features.to_dict()) else cast


def _as_it_is(_feature: Any, value: Any) -> dict[str, Any]:
    """Store a file as it is. The library asks for torch, Pillow and others first, which it needs for other things alone."""
    if isinstance(value, str):
        return {"bytes": None, "path": value}
    if isinstance(value, bytes | bytearray):
        return {"bytes": bytes(value), "path": None}
    if isinstance(value, dict) and (value.get("bytes") is not None or value.get("path") is not None):
        return {"bytes": value.get("bytes"), "path": value.get("path")}
    raise ValueError("a file should be a path or bytes")


for _kind in (Audio, Image, Mesh, Nifti, Pdf, Video):
    _kind.encode_example = _as_it_is


def _labelled(file: Any) -> Any:
    """Let the files in an archive be labelled by their own folder; datasets 5.2 takes that of the archive, and fails."""
    is_archive = isinstance(file, tuple) and len(file) == 3 and not isinstance(file[2], str)
    return (None, *file[1:]) if is_archive else file


def has_media(feature: Any) -> bool:
    """Say whether a column, or what is inside it, is a file such as a picture."""
    if isinstance(feature, list):
        return any(has_media(each) for each in feature)
    if not isinstance(feature, dict):
        return False
    if isinstance(feature.get("_type"), str):
        return feature["_type"] in MEDIA or has_media(feature.get("feature"))
    return any(has_media(each) for each in feature.values())
