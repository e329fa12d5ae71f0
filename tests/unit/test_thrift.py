"""The compact protocol: what is written is read, and any bytes are read or refused."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.kernel.errors import WireError
from tulou.wire import thrift

INTEGERS = st.integers(-(2**63), 2**63 - 1)
SIMPLE: list[tuple[int, st.SearchStrategy[Any]]] = [
    (thrift.BYTE, st.integers(-128, 127)),
    (thrift.I16, INTEGERS),
    (thrift.I32, INTEGERS),
    (thrift.I64, INTEGERS),
    (thrift.DOUBLE, st.binary(min_size=8, max_size=8)),
    (thrift.BINARY, st.binary(max_size=40)),
]


def listed(kind: int, values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[int, Any]]:
    return st.tuples(st.just(thrift.LIST), st.tuples(st.just(kind), st.lists(values, max_size=20)))


def structures(depth: int = 2) -> st.SearchStrategy[dict[int, tuple[int, Any]]]:
    values = [st.tuples(st.just(kind), one) for kind, one in SIMPLE] + [listed(kind, one) for kind, one in SIMPLE]
    values += [
        st.booleans().map(lambda value: (thrift.TRUE if value else thrift.FALSE, value)),
        listed(thrift.TRUE, st.booleans()),
    ]
    if depth:
        inner = structures(depth - 1)
        values += [st.tuples(st.just(thrift.STRUCT), inner), listed(thrift.STRUCT, inner)]
    return st.dictionaries(st.integers(1, 400), st.one_of(values), max_size=6)


@given(structures())
def test_what_is_written_is_read(value: dict[int, tuple[int, Any]]):
    assert thrift.Reader(thrift.write(value)).struct() == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes):
    with contextlib.suppress(WireError):
        reader = thrift.Reader(data)
        reader.struct()
        assert reader.at <= len(data)


@pytest.mark.parametrize(
    "data", [b"", b"\x1c" * 100, b"\x19" + b"\x19" * 200, b"\x19\xf5\xff\xff\xff\xff\x0f", b"\x15" + b"\xff" * 20, b"\x1e\0"]
)
def test_what_ends_early_nests_or_claims_too_much_is_refused(data: bytes):
    with pytest.raises(WireError):
        thrift.Reader(data).struct()
