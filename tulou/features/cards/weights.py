"""Count parameters from the headers of weight files, reading only the headers."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from tulou.features.cards.model import Weights
from tulou.features.cards.reader import Reader
from tulou.features.content import resolve
from tulou.kernel.errors import TooLarge, WireError
from tulou.kernel.limits import HEADER_READ, KIB, MIB
from tulou.wire import gguf, safetensors

INDEX = "model.safetensors.index.json"
INDEX_BYTES = 16 * MIB
SHARDS = 256
HEADERS_TOTAL = 24 * MIB
"""All headers of one model together; the largest known models stay under 20 MB."""
_FIRST_READ = 32 * KIB
_GGUF_READS = (MIB, 8 * MIB, 32 * MIB)
"""Vocabularies of 256 thousand words make GGUF headers of about 10 MB."""
_GGUF_PARTS = 64
_GGUF_SHARD = re.compile(r"(.*)-00001-of-([0-9]{5})\.gguf")


def safetensors_of(reader: Reader) -> Weights | None:
    """Return the parameters of the safetensors files at the root: an index and its shards, or the one file."""
    if INDEX in reader.paths:
        return reader.attempt(INDEX, lambda: _sum(reader, index_of(reader, INDEX).shards))
    single = [path for path in reader.paths if path.endswith(".safetensors") and "/" not in path]
    if "model.safetensors" in single:
        single = ["model.safetensors"]
    return reader.attempt(single[0], lambda: _sum(reader, (single[0],))) if len(single) == 1 else None


def index_of(reader: Reader, path: str) -> safetensors.Index:
    """Read the index of a sharded model. Raises EntryNotFound, TooLarge, WireError."""
    return safetensors.parse_index(resolve.read_file(reader.m, reader.repo, reader.commit, path, INDEX_BYTES))


def headers_of(reader: Reader, index_path: str, shards: tuple[str, ...]) -> dict[str, bytes]:
    """Return the JSON headers of the shards that lie beside an index. Raises EntryNotFound, TooLarge, WireError."""
    if len(shards) > SHARDS:
        raise TooLarge("The model has too many shards to be read here.")
    folder = index_path.rpartition("/")[0]
    headers: dict[str, bytes] = {}
    left = HEADERS_TOTAL
    for shard in shards:
        headers[shard] = header_of(reader, f"{folder}/{shard}" if folder else shard)
        left -= len(headers[shard])
        if left < 0:
            raise TooLarge("The headers of the model's files are too large to be read here.")
    return headers


def _sum(reader: Reader, shards: tuple[str, ...]) -> Weights:
    count: Counter[str] = Counter()
    for header in headers_of(reader, "", shards).values():
        count.update(safetensors.parse_header(header).parameters())
    if sum(count.values()) >= 2**63:
        raise WireError("The safetensors headers have an impossible number of parameters.")
    return Weights(dict(count))


def header_of(reader: Reader, path: str) -> bytes:
    """Return the JSON header of one safetensors file. Raises EntryNotFound, TooLarge, WireError."""
    location = resolve.locate(reader.m, reader.repo, reader.commit, path)
    begin = b"".join(resolve.read(reader.m, reader.repo, location, 0, min(_FIRST_READ, location.size)))
    end = safetensors.PREFIX + safetensors.header_length(begin, location.size)
    if end > len(begin):
        begin += b"".join(resolve.read(reader.m, reader.repo, location, len(begin), min(end, HEADER_READ + safetensors.PREFIX)))
    return begin[safetensors.PREFIX : end]


def gguf_of(reader: Reader) -> dict[str, Any] | None:
    """Return what the Hub calls `gguf` of the first GGUF file, its further parts included."""
    files = [path for path in reader.paths if path.endswith(".gguf") and "mmproj" not in path]
    if not files:
        return None
    return reader.attempt(files[0], lambda: _gguf(reader, files[0]))


def _gguf(reader: Reader, path: str) -> dict[str, Any]:
    first = read_gguf(reader, path)
    parts = [path, *_further_parts(reader, path)]
    # Only the first part has the vocabulary: the headers of the others are short.
    total = first.parameters + sum(gguf.parse(reader.start_of(part, _GGUF_READS[0])).parameters for part in parts[1:])
    if total >= 2**63:
        raise WireError("The GGUF headers have an impossible number of parameters.")
    size = sum(resolve.locate(reader.m, reader.repo, reader.commit, part).size for part in parts)
    found: dict[str, Any] = {
        "total": total,
        "architecture": first.architecture,
        "context_length": first.context_length,
        "chat_template": first.text("tokenizer.chat_template"),
        "totalFileSize": size,
    }
    return {name: value for name, value in found.items() if value is not None}


def read_gguf(reader: Reader, path: str) -> gguf.Gguf:
    """Return the header of one GGUF file. Raises EntryNotFound, WireError."""
    for limit in _GGUF_READS[:-1]:
        try:
            return gguf.parse(reader.start_of(path, limit))
        except gguf.Incomplete:
            continue
    return gguf.parse(reader.start_of(path, _GGUF_READS[-1]))


def _further_parts(reader: Reader, path: str) -> list[str]:
    match = _GGUF_SHARD.fullmatch(path)
    if match is None or int(match[2]) > _GGUF_PARTS:
        return []
    parts = [f"{match[1]}-{number:05d}-of-{match[2]}.gguf" for number in range(2, int(match[2]) + 1)]
    known = set(reader.paths)
    return [part for part in parts if part in known]
