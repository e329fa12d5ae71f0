"""Read the beginning of a GGUF file: its metadata and its tensors.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Only scalars and short strings are kept; arrays, among
them the vocabulary, are skipped without being built.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from tulou.kernel.errors import WireError

MAX_KEYS = 4_096
MAX_TENSORS = 100_000
MAX_NAME = 65_535
MAX_TENSOR_NAME = 1_024
MAX_KEPT = 256 * 1024
"""Longer strings are skipped; a chat template, which people want to read, is shorter."""
_MAX_ARRAY = 4_000_000
_MAX_COUNT = 2**63
_MAX_DIMENSIONS = 8

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9

Value = bool | int | float | str


class Incomplete(WireError):
    """The header goes on beyond the bytes at hand: read more of the file."""


# What the numbers of tensor types are called (`ggml_type` in ggml.h); those that are missing were taken back.
_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K",
    13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S",
    22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 30: "BF16", 34: "TQ1_0",
    35: "TQ2_0", 39: "MXFP4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: its name (empty when it is no text), its type, and its sides as the file has them, fastest first."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def parameters(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Gguf:
    """The metadata by key, and the tensors in the order of the file."""

    metadata: dict[str, Value]
    tensors: tuple[Tensor, ...]

    @property
    def parameters(self) -> int:
        """The number of elements of all tensors."""
        return sum(tensor.parameters for tensor in self.tensors)

    @property
    def architecture(self) -> str | None:
        """The family of the model, such as `llama`."""
        return self.text("general.architecture")

    @property
    def context_length(self) -> int | None:
        """The longest input the model was trained for, in tokens."""
        value = self.metadata.get(f"{self.architecture}.context_length")
        return value if type(value) is int else None

    def text(self, key: str) -> str | None:
        """Return a string of the metadata."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None


def parse(content: bytes) -> Gguf:
    """Read a header from the first bytes of a file.

    Raises Incomplete when the header is longer than `content`, other WireErrors when it is not GGUF. The time is
    bounded by the length of `content`: every count in it is held against what is left to read.
    """
    reader = _Reader(content)
    if reader.take(4) != b"GGUF":
        raise WireError("The file is not in GGUF format.")
    version = reader.number("<I")
    if version not in {2, 3}:
        raise WireError("Only GGUF versions 2 and 3, in little-endian order, can be read.")
    tensors, keys = reader.number("<Q"), reader.number("<Q")
    if tensors > MAX_TENSORS or keys > MAX_KEYS:
        raise WireError("The GGUF header has too many tensors or keys.")
    metadata: dict[str, Value] = {}
    for _ in range(keys):
        key = reader.string(MAX_NAME)
        value = _value(reader, reader.number("<I"))
        if key is not None and value is not None:
            metadata[key] = value
    found = Gguf(metadata, tuple(_tensor(reader) for _ in range(tensors)))
    if found.parameters >= _MAX_COUNT:
        raise WireError("The GGUF header has an impossible number of parameters.")
    return found


def _value(reader: _Reader, kind: int) -> Value | None:
    if kind in _SCALARS:
        return reader.scalar(_SCALARS[kind])
    if kind == _STRING:
        return reader.string(MAX_KEPT)
    if kind != _ARRAY:
        raise WireError("The GGUF header has a value of unknown type.")
    item, count = reader.number("<I"), reader.number("<Q")
    if count > _MAX_ARRAY:
        raise WireError("The GGUF header has an array that is too long.")
    if item in _SCALARS:
        reader.skip(count * struct.calcsize(_SCALARS[item]))
    elif item == _STRING:
        for _ in range(count):
            reader.skip(reader.number("<Q"))
    else:
        raise WireError("The GGUF header has an array of arrays, or of an unknown type.")
    return None


def _tensor(reader: _Reader) -> Tensor:
    name = reader.string(MAX_TENSOR_NAME) or ""
    dimensions = reader.number("<I")
    if dimensions > _MAX_DIMENSIONS:
        raise WireError("A tensor in the GGUF header has too many dimensions.")
    shape = tuple(reader.number("<Q") for _ in range(dimensions))
    count = 1
    for side in shape:
        count *= side
        if count >= _MAX_COUNT:
            raise WireError("A tensor in the GGUF header has an impossible shape.")
    kind = reader.number("<I")
    reader.skip(8)  # offset
    return Tensor(name, _TYPES.get(kind, f"type {kind}"), shape)


class _Reader:
    """Reads numbers and strings off the front of some bytes."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def skip(self, count: int) -> int:
        """Go past `count` bytes and return where they began. Raises Incomplete."""
        begin = self._at
        if count > len(self._content) - begin:
            raise Incomplete
        self._at = begin + count
        return begin

    def take(self, count: int) -> bytes:
        begin = self.skip(count)
        return self._content[begin : self._at]

    def scalar(self, form: str) -> Value:
        begin = self.skip(struct.calcsize(form))
        value: Value = struct.unpack_from(form, self._content, begin)[0]
        return value

    def number(self, form: str) -> int:
        return int(self.scalar(form))

    def string(self, limit: int) -> str | None:
        """Read a string, or go past one that is longer than `limit` bytes or not UTF-8 and return None."""
        length = self.number("<Q")
        if length > limit:
            self.skip(length)
            return None
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError:
            return None
