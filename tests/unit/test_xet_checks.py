"""Shards against stored chunk tables: whatever is changed in an honest one, nothing untrue is accepted."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import xet_data as xd
from tulou.kernel.errors import TooLarge, WireError
from tulou.platform.blobs.store import xorb_key
from tulou.platform.xet.checks import TABLE_SUFFIX, CheckedShard, check_shard, check_xorb, hash_files
from tulou.wire import xet_hash as xh
from tulou.wire import xet_shard as xs

FIRST, SECOND = xd.xorb(count=4, size=300, seed=1), xd.xorb(count=3, size=200, seed=2, scheme=2)


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    """A folder with two stored xorbs and their tables."""
    with tempfile.TemporaryDirectory() as folder:
        for made in (FIRST, SECOND):
            target = Path(folder) / xorb_key(xh.printed(made.hash))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(made.body)
            target.with_name(target.name + TABLE_SUFFIX).write_bytes(check_xorb(target, made.hash))
        yield Path(folder)


def honest() -> bytes:
    """A shard about one file over both xorbs, which begins and ends in the first."""
    parts = [(FIRST, 0, 3), (SECOND, 0, 3), (FIRST, 2, 4)]
    terms = [made.term(start, end) for made, start, end in parts]
    ranges = [xh.range_hash(b"".join(made.hashes[start:end])) for made, start, end in parts]
    entry = xd.file_entry(xd.file_hash_of(*parts), terms, ranges, "ab" * 32)
    return xd.shard([entry], [FIRST.entry(), SECOND.entry()])


def checked(root: Path, content: bytes) -> CheckedShard:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return check_shard(Path(file.name), root)


def test_an_honest_shard_is_accepted_and_its_file_hashed_from_the_stored_chunks(root):
    shard = checked(root, honest())
    (file,) = shard.files
    content = b"".join(FIRST.chunks[:3] + SECOND.chunks + FIRST.chunks[2:])
    assert (file.size, file.claimed_sha256) == (len(content), "ab" * 32)
    assert shard.xorbs == file.xorbs == {FIRST.name, SECOND.name}
    assert hash_files(root, [file.terms, b""]) == [hashlib.sha256(content).hexdigest(), hashlib.sha256().hexdigest()]


def test_an_empty_file_is_a_file(root):
    shard = checked(root, xd.shard([xd.file_entry(bytes(32), [], [], None, xs.HAS_RANGE_HASHES)], []))
    assert [(f.size, f.first_chunk, f.claimed_sha256) for f in shard.files] == [(0, None, None)]


@settings(max_examples=400)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_changed_shard_is_refused_or_says_nothing_else(root, changes):
    content = bytearray(honest())
    for position, value in changes:
        content[position % len(content)] = value
    try:
        shard = checked(root, bytes(content))
    except (WireError, TooLarge):
        return
    # Flags, unused fields and the claimed SHA-256 are all that can differ.
    for file, true in zip(shard.files, checked(root, honest()).files, strict=False):
        assert (file.hash, file.size, file.terms, file.xorbs) == (true.hash, true.size, true.terms, true.xorbs)


@given(st.lists(st.tuples(st.sampled_from([FIRST, SECOND]), st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=6))
def test_terms_beyond_a_xorb_are_refused_and_all_others_add_up(root, parts):
    terms = [xs.Term(made.hash, sum(map(len, made.chunks[start:end])), start, end) for made, start, end in parts]
    ranges = [xh.range_hash(b"".join(made.hashes[start:end])) for made, start, end in parts]
    content = xd.shard([xd.file_entry(xd.file_hash_of(*parts), terms, ranges, None, xs.HAS_RANGE_HASHES)], [])
    if all(start < end <= len(made.chunks) for made, start, end in parts):
        assert checked(root, content).files[0].size == sum(term.length for term in terms)
    else:
        with pytest.raises(WireError):
            checked(root, content)
