"""Small datasets of every format, as the files that people push."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
import wave
import zipfile
import zlib
from collections.abc import Collection, Mapping

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from tests.commits import commit
from tests.conftest import RunningHub

ROWS = [{"id": 1, "text": "one"}, {"id": 2, "text": "two"}, {"id": 3, "text": "三"}]


def parquet(rows: list[dict] | pa.Table, **options: object) -> bytes:
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows)
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def arrow(rows: list[dict]) -> bytes:
    table = pa.Table.from_pylist(rows)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def csv(rows: list[dict], sep: str = ",") -> str:
    return "\n".join([sep.join(rows[0]), *(sep.join(str(value) for value in row.values()) for row in rows)]) + "\n"


def jsonl(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def png(width: int = 3, height: int = 2, shade: int = 7) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    lines = b"".join(b"\0" + bytes([shade]) * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def wav(samples: int = 80) -> bytes:
    sink = io.BytesIO()
    with wave.open(sink, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\1\0" * samples)
    return sink.getvalue()


def zipped(files: dict[str, bytes | str]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return sink.getvalue()


def tar(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return sink.getvalue()


def gzipped(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def bomb(values: int = 1_000, length: int = 1 << 20) -> bytes:
    """A few hundred bytes of Parquet that stand for a gigabyte: one value of zeros, repeated by a dictionary."""
    value = pa.array([b"\0" * length], pa.binary())
    column = pa.DictionaryArray.from_arrays(pa.array([0] * values, pa.int32()), value)
    table = pa.table({"zeros": column})
    return parquet(table, compression="zstd", compression_level=19, write_statistics=False, store_schema=False)


def push(
    hub: RunningHub, client: httpx.Client, datasets: Mapping[str, dict[str, bytes | str]], private: Collection[str] = ()
) -> None:
    """Make datasets of these files, by name, as whoever has the client, and let the viewer look at them."""
    for name, files in datasets.items():
        hub.repo(name, "dataset", private=name in private)
        commit(client, name, files, kind="datasets")
    hub.settle()
