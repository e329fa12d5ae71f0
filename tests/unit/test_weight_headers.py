"""The headers of safetensors and GGUF files are read exactly, and lies in them cost nothing."""

from __future__ import annotations

import json
import struct
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.kernel.errors import WireError
from tulou.wire import gguf, safetensors


def tensor(dtype: str, shape: list[int], start: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def test_parameters_are_counted_by_type() -> None:
    header = {
        "__metadata__": {"format": "pt"},
        "a": tensor("F32", [2, 3], 0, 24),
        "b": tensor("BF16", [4], 24, 32),
        "c": tensor("F32", [], 32, 36),
        "d": tensor("F4", [3], 36, 38),
    }
    content = json.dumps(header).encode()
    read = safetensors.parse_header(content)
    assert read.parameters() == {"F32": 7, "BF16": 4, "F4": 3}
    assert read.metadata == {"format": "pt"}
    assert read.size == len(content) + 8
    assert safetensors.header_length(struct.pack("<Q", len(content)), 10_000) == len(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b'{"a":1}',
        b'{"__metadata__":{"a":1}}',
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}',
        b'{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}',
        b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}',
        b'{"a":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}}',
        b'{"a":{"dtype":"F32","shape":[9223372036854775807,9],"data_offsets":[0,4]}}',
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_a_broken_safetensors_header_is_refused(content: bytes) -> None:
    with pytest.raises(WireError):
        safetensors.parse_header(content)


@pytest.mark.parametrize(("length", "size"), [(2**63, 2**62), (200 * 2**20, 2**40), (90 * 2**20, 2**40), (100, 50)])
def test_the_length_of_a_safetensors_header_is_not_believed(length: int, size: int) -> None:
    with pytest.raises(WireError):
        safetensors.header_length(struct.pack("<Q", length), size)


def test_an_index_names_its_shards_once() -> None:
    weights = {"a": "2.safetensors", "b": "1.safetensors", "c": "1.safetensors"}
    index = safetensors.parse_index(json.dumps({"metadata": {"total_size": 5}, "weight_map": weights}).encode())
    assert index.shards == ("1.safetensors", "2.safetensors")
    assert index.metadata == {"total_size": 5}
    for broken in (b"", b"[]", b"{}", b'{"weight_map":[]}', b'{"weight_map":{"a":1}}'):
        with pytest.raises(WireError):
            safetensors.parse_index(broken)


def string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def gguf_file(keys: list[bytes], tensors: list[bytes]) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)) + b"".join(keys) + b"".join(tensors) + bytes(64)


GGUF_KEYS = [
    string("general.architecture") + struct.pack("<I", 8) + string("llama"),
    string("llama.context_length") + struct.pack("<II", 4, 2048),
    string("llama.eps") + struct.pack("<If", 6, 0.5),
    string("ok") + struct.pack("<I?", 7, True),
    string("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + string("a") + string("b"),
    string("tokenizer.ggml.types") + struct.pack("<IIQ3i", 9, 5, 3, 1, 2, 3),
]
GGUF_TENSORS = [
    string("w") + struct.pack("<I2QIQ", 2, 3, 4, 0, 0),
    string("b") + struct.pack("<IQIQ", 1, 5, 0, 0),
]
GGUF = gguf_file(GGUF_KEYS, GGUF_TENSORS)


def test_a_gguf_header_gives_metadata_and_parameters() -> None:
    read = gguf.parse(GGUF)
    assert read.architecture == "llama"
    assert read.context_length == 2048
    assert read.parameters == 17
    assert read.metadata["ok"] is True
    assert read.metadata["llama.eps"] == 0.5
    assert "tokenizer.ggml.tokens" not in read.metadata


def test_a_gguf_header_that_is_cut_off_asks_for_more() -> None:
    for end in range(len(GGUF) - 64):
        with pytest.raises(gguf.Incomplete):
            gguf.parse(GGUF[:end])


@pytest.mark.parametrize(
    "content",
    [
        b"nope" + bytes(40),
        b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
        b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 2**60),
        gguf_file([string("a") + struct.pack("<IIQ", 9, 8, 2**60)], []),
        gguf_file([string("a") + struct.pack("<IIQ", 9, 9, 1)], []),
        gguf_file([string("a") + struct.pack("<I", 99)], []),
        gguf_file([], [string("w") + struct.pack("<I", 9)]),
        gguf_file([], [string("w") + struct.pack("<I3Q", 3, 2**40, 2**40, 1)]),
    ],
)
def test_a_broken_gguf_header_is_refused(content: bytes) -> None:
    with pytest.raises(WireError) as caught:
        gguf.parse(content)
    assert not isinstance(caught.value, gguf.Incomplete)


def test_a_gguf_header_of_two_million_empty_tokens_takes_seconds_at_most_and_no_memory() -> None:
    count = 1_000_000
    content = gguf_file([string("t") + struct.pack("<IIQ", 9, 8, count) + bytes(8 * count)], [])
    started = time.process_time()
    gguf.parse(content)
    assert time.process_time() - started < 3
    tracemalloc.start()
    gguf.parse(gguf_file([string("t") + struct.pack("<IIQ", 9, 8, 1000) + bytes(8000)], []))
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@given(st.binary(max_size=400), st.integers(0, len(GGUF)))
def test_any_bytes_are_read_or_refused(noise: bytes, at: int) -> None:
    for content in (noise, GGUF[:at] + noise + GGUF[at + len(noise) :]):
        try:
            gguf.parse(content)
        except WireError:
            continue
    for parse in (safetensors.parse_header, safetensors.parse_index):
        try:
            parse(noise)
        except WireError:
            continue
