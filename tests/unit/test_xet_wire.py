"""Xet formats alone: hashes against vectors, and parsers that meet any bytes with a value or a WireError."""

from __future__ import annotations

import hashlib
import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import xet_data as xd
from tulou.kernel.errors import WireError
from tulou.kernel.ids import Sha256
from tulou.platform.xet.reconstruct import clip, merged
from tulou.wire import xet_hash as xh
from tulou.wire import xet_shard as xs
from tulou.wire import xet_xorb as xx

# Roots over the leaves (SHA-256 of the decimal index, 1000 + index bytes), and the file hashes of those trees, by an
# implementation that was checked against 72 vectors of the protocol's own.
TREES = {
    0: ("0" * 64, "0" * 64),
    1: (
        "386fc8ff66ebec5f796c696d6c7852d9b4914edd39c2dbc2e957fb273ad72967",
        "cc6c12eefb1a13c354345f8f89c472836fab33b0434cbff1bdcbbf788291f94b",
    ),
    2: (
        "25974a888cb6585a61d113423a14f17665691aeee58668f67006a3c26126371b",
        "832354aacdd7696531681030035fc68b4b0059184c85b330a96c2190ff4f9ae4",
    ),
    3: (
        "be1192eb852e42c6a2445d01a754ed38bf3e36189f8a79c923fe770c2e44ea23",
        "fd5b76f99785d96f4c7fe64ed279b031d921d194c6b1de856b356588e84c7e57",
    ),
    9: (
        "2d1261876ed1383cf6a47d8a7466c9bf02fb11dd32a5b75d8942c2ca13a0b138",
        "d1f6e2ae4327905ab7bc2897124b220ea28dbf2674def724d3d7219fb0991f7a",
    ),
    10: (
        "37920566c5d3a3770a4c0357f12e31c4ee3afaeb3ed62442af04612677c9e5c8",
        "c0d73a83a8ef46e405b9c56d2387886ba0b54415da6952f5ce99291269dc6df2",
    ),
    100: (
        "5bb1283db7e647ed625a7f1caad49157749e2e7a90d225ff810cd53b1c3995fa",
        "e7b235841eafa7f879e80d260989a11356e59bf4b88d3138d47d3ed33a1dcf61",
    ),
    1000: (
        "e11d22eb7f25d8ae3af0e6252f1eee1b68b1b5235af40554719f7159631d6ba0",
        "5619c4246e472610613a8fff0a2f32b260917a351ea2613b2f1a89925e556d9d",
    ),
}
# What hf_xet 1.8.0 calls files of one chunk.
SMALL_FILES = {
    b"hello": "48a3213a086cad271381aafe47232eb5df291a963cebbfec071972eff45eb422",
    b"Hello, Xet": "ccbe072e395a3cba805322c56b1b51af32d70a6f9f2238b02370f8cd6eed89ee",
    bytes(5000): "ff81afb4e72be932fb9a274d3773c8b86427cda9303680f03adb95e8c9dd621d",
}


@pytest.mark.parametrize("count", TREES)
def test_a_tree_over_known_leaves_has_its_known_root(count):
    leaves = [(hashlib.sha256(str(i).encode()).digest(), 1000 + i) for i in range(count)]
    root = xh.xorb_hash(leaves)
    assert (xh.printed(root), xh.printed(xh.file_hash(root))) == TREES[count]


@pytest.mark.parametrize("content", SMALL_FILES)
def test_a_small_file_has_the_hash_that_the_client_gives_it(content):
    root = xh.xorb_hash([(xh.chunk_hash(content), len(content))])
    assert xh.printed(xh.file_hash(root)) == SMALL_FILES[content]


@given(st.binary(min_size=32, max_size=32))
def test_a_hash_survives_printing_and_so_does_a_sha256(raw):
    assert xh.parse_printed(xh.printed(raw)) == raw
    assert xh.words_of_sha256(xh.sha256_of_words(raw)) == raw
    assert xh.sha256_of_words(xh.words_of_sha256(Sha256(raw.hex()))) == raw.hex()


@pytest.mark.parametrize("text", ["", "0" * 63, "0" * 65, "g" * 64, "A" * 64, "0" * 63 + "\n", "０" * 64])
def test_what_is_not_a_printed_hash_is_refused(text):
    with pytest.raises(WireError):
        xh.parse_printed(text)


@given(st.binary(min_size=1, max_size=3000), st.sampled_from([0, 1, 2]))
def test_a_chunk_of_any_length_survives_every_compression(raw, scheme):
    packed = xd.packed_chunk(raw, scheme)
    assert [bytes(chunk) for chunk in xx.decoded(packed)] == [raw]


@given(st.binary(max_size=400))
def test_any_bytes_are_a_xorb_or_an_error(content):
    try:
        table = xx.verify(memoryview(content), bytes(32))
    except WireError:
        return
    pytest.fail(f"{table} was accepted under a hash of zeros")


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_xorb_with_one_changed_byte_is_refused_or_is_a_footer_cut_off(position, value):
    made = xd.xorb(count=3, size=2000)
    content = bytearray(made.body)
    position %= len(content)
    if content[position] == value:
        return
    content[position] = value
    with pytest.raises(WireError):
        xx.verify(memoryview(bytes(content)), made.hash)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=30))
def test_a_chunk_table_survives_being_written(sizes):
    made = xd.Made([xd.noise(size, i) for i, size in enumerate(sizes)])
    table = xx.verify(memoryview(made.body), made.hash)
    again = xx.ChunkTable.from_bytes(table.to_bytes())
    assert (again.hashes, again.stored, again.raw) == (table.hashes, table.stored, table.raw)
    assert (table.raw_size, table.stored_size) == (sum(sizes), len(made.body))
    for wrong in (table.to_bytes()[:-1], table.to_bytes() + b"x", b"", b"\xff" * 12):
        with pytest.raises(WireError):
            xx.ChunkTable.from_bytes(wrong)


@given(st.binary(max_size=600))
def test_any_bytes_are_a_shard_or_an_error(content):
    for attempt in (content, xs.TAG + struct.pack("<QQ", 2, 0) + content):
        try:
            parsed = xs.parse(memoryview(attempt))
        except WireError:
            continue
        for entry in parsed.files:
            list(entry.terms())


@given(st.data())
def test_a_shard_with_one_changed_byte_is_read_or_refused(data):
    content = bytearray(xd.WholeFile(xd.xorb(count=3, size=100)).shard())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] = data.draw(st.integers(0, 255))
    try:
        parsed = xs.parse(memoryview(bytes(content)))
    except WireError:
        return
    for entry in parsed.files:
        list(entry.terms())
    for xorb in parsed.xorbs:
        list(xorb.chunks())


def test_terms_survive_being_packed_and_read_back_from_a_shard():
    file = xd.WholeFile(xd.xorb(count=5, size=100))
    parsed = xs.parse(memoryview(file.shard()))
    (entry,) = parsed.files
    assert list(entry.terms()) == [file.made.term()]
    assert list(entry.range_hashes()) == [file.range_hash]
    assert (entry.hash, entry.sha256) == (file.hash, file.sha256)
    assert list(xs.unpack_terms(xs.pack_terms(entry.terms()))) == [file.made.term()]


def test_a_shard_with_lookup_tables_and_footer_is_read_up_to_its_sections():
    body = xd.WholeFile(xd.xorb(count=5, size=100)).shard()
    with_footer = body[:40] + struct.pack("<Q", 200) + body[48:] + bytes(200)
    assert len(xs.parse(memoryview(with_footer)).files) == 1


def test_a_deduplication_answer_has_the_footer_that_clients_read():
    made = xd.xorb(count=4, size=100)
    table = xx.verify(memoryview(made.body), made.hash)
    answer = xs.dedup_answer([(made.hash, table)], b"k" * 32, 1000, 2000)
    end = len(answer) - 200
    footer = struct.unpack("<9Q32sQQ48s4Q", answer[end:])
    assert footer == (1, 48, 96, end, 0, end, 0, end, 0, b"k" * 32, 1000, 2000, bytes(48), 0, 0, 400, end)
    (entry,) = xs.parse(memoryview(answer)).xorbs
    assert [chunk for chunk, _, _ in entry.chunks()] == [xh.keyed_hash(b"k" * 32, value) for value in made.hashes]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), min_size=1, max_size=12))
def test_merged_runs_cover_the_same_chunks_and_neither_overlap_nor_touch(runs):
    joined = merged([(start, start + length) for start, length in runs])
    covered = {i for start, length in runs for i in range(start, start + length)}
    assert {i for first, end in joined for i in range(first, end)} == covered
    assert all(a[1] < b[0] for a, b in pairwise(joined))


@given(st.data())
def test_clipped_terms_hold_exactly_the_asked_bytes_after_the_skip(data):
    sizes = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=12))
    made = xd.Made([xd.noise(size, i) for i, size in enumerate(sizes)])
    table = xx.verify(memoryview(made.body), made.hash)
    terms = [made.term(0, None), made.term(0, 1), made.term(len(sizes) - 1, None)]
    content = b"".join(b"".join(made.chunks[t.start : t.end]) for t in terms)
    start = data.draw(st.integers(0, len(content) - 1))
    end = data.draw(st.integers(start, len(content)))
    skip, clipped = clip(lambda _name: table, terms, start, end)
    got = b"".join(b"".join(made.chunks[t.start : t.end]) for t in clipped)
    assert got[skip : skip + end - start] == content[start:end]
    assert all(t.length == sum(sizes[t.start : t.end]) for t in clipped)
    assert len(got) - (end - start) < 80  # no whole chunk more than needed at either side


@pytest.mark.parametrize("schemes", [(0, 0, 0, 0), (0, 1, 0, 2), (1, 1, 2, 2)])
def test_a_run_of_chunks_unpacks_to_their_bytes_whatever_is_compressed(schemes):
    raws = [xd.noise(1000 + i, seed=i) if i % 2 else bytes(3000 + i) for i in range(len(schemes))]
    packed = [xd.packed_chunk(raw, scheme) for raw, scheme in zip(raws, schemes, strict=True)]
    body = b"".join(packed)
    hashes = [(xh.chunk_hash(raw), len(raw)) for raw in raws]
    table = xx.verify(memoryview(body), xh.xorb_hash(hashes))
    for first in range(len(raws)):
        for end in range(first + 1, len(raws) + 1):
            assert table.unpacked(b"".join(packed[first:end]), first, end) == b"".join(raws[first:end])
