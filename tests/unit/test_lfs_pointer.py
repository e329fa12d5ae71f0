"""Pointer files of git-lfs, by its specification."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.kernel.errors import Unprocessable
from tulou.wire.lfs import LfsPointer, format_pointer, looks_like_pointer, parse_batch, parse_pointer

V1 = b"version https://git-lfs.github.com/spec/v1\n"
OID = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
hexes = st.text("0123456789abcdef", min_size=64, max_size=64)


def test_the_example_of_the_specification_is_read():
    text = V1 + f"oid sha256:{OID}\nsize 12345\n".encode()
    assert parse_pointer(text) == LfsPointer(OID, 12345)
    assert format_pointer(LfsPointer(OID, 12345)) == text


@given(hexes, st.integers(0, 2**63 - 1))
def test_what_is_written_can_be_read_again(oid, size):
    pointer = LfsPointer(oid, size)
    assert parse_pointer(format_pointer(pointer)) == pointer


@given(st.binary(max_size=1100))
def test_any_bytes_are_a_pointer_or_not(raw):
    assert parse_pointer(raw) is None or raw.startswith(V1)
    assert parse_pointer(V1 + raw) is None or looks_like_pointer(V1 + raw)


@pytest.mark.parametrize(
    ("rest", "is_pointer"),
    [
        (f"oid sha256:{OID}\nsize 0\n", True),
        (f"ext-0-foo sha256:{OID}\next-1-bar sha256:{OID}\noid sha256:{OID}\nsize 1\n", True),
        (f"oid sha256:{OID}\nsize 1", False),
        (f"size 1\noid sha256:{OID}\n", False),
        (f"oid sha256:{OID}\noid sha256:{OID}\nsize 1\n", False),
        (f"oid sha256:{OID}\nsize 1\n\n", False),
        (f"oid sha256:{OID}\r\nsize 1\r\n", False),
        (f"oid  sha256:{OID}\nsize 1\n", False),
        (f"oid sha256:{OID.upper()}\nsize 1\n", False),
        (f"oid sha1:{OID}\nsize 1\n", False),
        (f"oid {OID}\nsize 1\n", False),
        (f"oid sha256:{OID}\nsize -1\n", False),
        (f"oid sha256:{OID}\nsize +1\n", False),
        (f"oid sha256:{OID}\nsize 01\n", False),
        (f"oid sha256:{OID}\nsize 1.0\n", False),
        (f"oid sha256:{OID}\nsize \u0661\n", False),
        (f"oid sha256:{OID}\nsize {2**63}\n", False),
        (f"oid sha256:{OID}\nsize 1\nzzz 1\n", False),
        (f"a 1\noid sha256:{OID}\nsize 1\n", False),
        (f"oid sha256:{OID}\n", False),
        ("size 1\n", False),
        ("", False),
        (f"ext-0-{'x' * 950} sha256:{OID}\noid sha256:{OID}\nsize 1\n", False),
    ],
)
def test_every_line_counts(rest, is_pointer):
    raw = V1 + rest.encode()
    assert (parse_pointer(raw) is not None) is is_pointer
    assert looks_like_pointer(raw) or len(raw) >= 1024


@pytest.mark.parametrize(
    "raw", [b"", b"version 1\n", b"# how to write version https://git-lfs.github.com/spec/v1\n", V1[:-1].upper()]
)
def test_other_files_do_not_look_like_pointers(raw):
    assert not looks_like_pointer(raw)


@pytest.mark.parametrize(
    "version", [b"https://git-lfs.github.com/spec/v2", b"http://git-media.io/v/2", b"https://hawser.github.com/spec/v1"]
)
def test_pointers_of_other_versions_look_like_pointers_but_are_none(version):
    raw = b"version " + version + f"\noid sha256:{OID}\nsize 1\n".encode()
    assert parse_pointer(raw) is None
    assert looks_like_pointer(raw)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=80),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["oid", "size", "objects", "x"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(
    st.dictionaries(
        st.sampled_from(["operation", "transfers", "objects", "hash_algo", "ref"]),
        json_values | st.sampled_from(["upload", "sha256"]),
    )
)
def test_any_batch_is_understood_or_refused(body):
    try:
        request = parse_batch(body)
    except Unprocessable:
        return
    assert all(wanted.problem or (len(wanted.oid) == 64 and wanted.size >= 0) for wanted in request.objects)
