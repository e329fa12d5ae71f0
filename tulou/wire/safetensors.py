"""Read the header of a safetensors file: which tensors it has, of which type and shape, and how many parameters.

Format: https://github.com/huggingface/safetensors#format. Eight bytes little-endian header length, then JSON.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TypeGuard

import orjson

from tulou.kernel.errors import WireError
from tulou.kernel.limits import HEADER_JSON, HEADER_READ

PREFIX = 8
MAX_TENSORS = 200_000
MAX_RANK = 64
_MAX_COUNT = 2**63

# Bits per element; sub-byte types as the format counts them.
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: its type name, its shape, and where its bytes begin and end after the header."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def parameters(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says. `size` is its own length in bytes with the eight before it."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]
    size: int

    def parameters(self) -> dict[str, int]:
        """Return the number of parameters by type."""
        count: Counter[str] = Counter()
        for tensor in self.tensors.values():
            count[tensor.dtype] += tensor.parameters
        return dict(count)


def header_length(prefix: bytes, file_size: int) -> int:
    """Read the first eight bytes: how many bytes of JSON follow. Raises WireError if they cannot be right.

    Nothing is allocated by this number before it was held against the size of the file and our own limit.
    """
    if len(prefix) < PREFIX:
        raise WireError("The file is too short to be in safetensors format.")
    length = int.from_bytes(prefix[:PREFIX], "little")
    if length > HEADER_JSON or length > file_size - PREFIX:
        raise WireError("The file is not in safetensors format: its header cannot be that long.")
    if length > HEADER_READ:
        raise WireError("The header of this safetensors file is too long to be read here.")
    return length


def parse_header(content: bytes) -> Header:
    """Read the JSON of a header. Raises WireError."""
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as cause:
        raise WireError("The header of the safetensors file is not JSON.") from cause
    if not isinstance(value, dict) or len(value) > MAX_TENSORS:
        raise WireError("The header of the safetensors file is not an object, or has too many tensors.")
    metadata = value.pop("__metadata__", None)
    if metadata is None:
        metadata = {}
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise WireError("The metadata of the safetensors file must be an object of strings.")
    header = Header({name: _tensor(info) for name, info in value.items()}, metadata, PREFIX + len(content))
    if sum(header.parameters().values()) >= _MAX_COUNT:
        raise WireError("The safetensors header has an impossible number of parameters.")
    return header


def _tensor(info: object) -> Tensor:
    if not isinstance(info, dict):
        raise WireError("A tensor in the safetensors header is not an object.")
    dtype, shape, offsets = info.get("dtype"), info.get("shape"), info.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in _BITS:
        raise WireError("A tensor in the safetensors header has an unknown type.")
    if not _are_sizes(shape) or len(shape) > MAX_RANK or not _are_sizes(offsets) or len(offsets) != 2:
        raise WireError("A tensor in the safetensors header has an impossible shape or place.")
    count = 1
    for side in shape:
        count *= side
        if count >= _MAX_COUNT:
            raise WireError("A tensor in the safetensors header has an impossible shape or place.")
    if offsets[1] - offsets[0] != (count * _BITS[dtype] + 7) // 8:
        raise WireError("A tensor in the safetensors header has another size than its shape says.")
    return Tensor(dtype, tuple(shape), offsets[0], offsets[1])


def _are_sizes(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < _MAX_COUNT for item in value)


@dataclass(frozen=True, slots=True)
class Index:
    """A `model.safetensors.index.json`: which shard files there are, in order of their names."""

    shards: tuple[str, ...]
    metadata: dict[str, str | int | float | bool]


def parse_index(content: bytes) -> Index:
    """Read the index of a sharded model. Raises WireError."""
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as cause:
        raise WireError("The index of the safetensors files is not JSON.") from cause
    weights = value.get("weight_map") if isinstance(value, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(shard, str) for shard in weights.values()):
        raise WireError("The index of the safetensors files has no weight_map of file names.")
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    # Plain values only: they are shown again, and nesting has no use here.
    plain = {name: item for name, item in metadata.items() if isinstance(item, str | int | float | bool)}
    return Index(tuple(sorted(set(weights.values()))), plain)
