"""The body that changes a bucket, as bytes from anywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.kernel.errors import WireError
from tulou.kernel.names import RepoKind
from tulou.wire.bucket_batch import AddFile, CopyFile, DeleteFile, Refused, parse
from tulou.wire.headers import content_type, declared_type

HASH = "ab" * 32
ACTIVE = ("text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/pdf", "video/x y", "")
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
_KEYS = ("type", "path", "xetHash", "mtime", "contentType", "sourceRepoType", "sourceRepoId")
_LIKELY = st.fixed_dictionaries(
    {"type": st.sampled_from(["addFile", "copyFile", "deleteFile"]), "path": st.text(max_size=30), "xetHash": st.just(HASH)},
    optional=dict.fromkeys(_KEYS[3:], _JSON),
)


@given(st.lists(st.binary(max_size=60) | _LIKELY.map(lambda value: json.dumps(value).encode()), max_size=6))
def test_any_lines_are_read_or_refused(lines: list[bytes]) -> None:
    try:
        operations = parse(lines)
    except WireError:
        return
    assert len(operations) <= len(lines)
    for one in operations:
        assert isinstance(one, Refused) or one.path
        if isinstance(one, AddFile | CopyFile):
            assert one.mtime is None or 0 <= one.mtime < 10**15


def test_each_operation_is_read_as_clients_write_it() -> None:
    lines = [
        {"type": "addFile", "path": "a/b", "xetHash": HASH, "mtime": 1_700_000_000_123, "contentType": "text/plain"},
        {"type": "addFile", "path": "old", "xetHash": HASH, "mtime": -5.5},
        {"type": "copyFile", "path": "c", "xetHash": HASH, "sourceRepoType": "dataset", "sourceRepoId": "acme/x"},
        {"type": "deleteFile", "path": "d"},
        {"type": "deleteFile", "path": "/d"},
    ]
    one, old, copied, gone, refused = parse(json.dumps(line).encode() for line in lines)
    assert one == AddFile("a/b", HASH, 1_700_000_000_123, "text/plain")  # type: ignore[arg-type]
    assert isinstance(old, AddFile)
    assert old.mtime == 0
    assert isinstance(copied, CopyFile)
    assert (copied.source.kind, copied.source.full) == (RepoKind.DATASET, "acme/x")
    assert gone == DeleteFile("d")
    assert isinstance(refused, Refused)


@pytest.mark.parametrize("declared", ACTIVE)
def test_a_declared_type_that_a_browser_might_run_is_not_served(declared: str) -> None:
    assert declared_type(declared, "x.html") == content_type("x.html") == "application/octet-stream"


def test_a_declared_type_that_nothing_runs_in_is_served() -> None:
    assert declared_type("image/webp", "picture") == "image/webp"
    assert declared_type(None, "notes.txt") == "text/plain; charset=utf-8"
