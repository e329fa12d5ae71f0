"""Framing of git's protocol."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.kernel.errors import WireError
from tulou.wire import pktline
from tulou.wire.pktline import Mark


@given(st.lists(st.binary(min_size=1, max_size=200)))
def test_what_is_framed_can_be_read_again(payloads):
    stream = io.BytesIO(b"".join(map(pktline.encode, payloads)) + pktline.FLUSH + b"rest")
    assert [pktline.read(stream) for _ in payloads] == payloads
    assert pktline.read(stream) is Mark.FLUSH
    assert stream.read() == b"rest"


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw):
    stream = io.BytesIO(raw)
    try:
        for line in pktline.lines(stream, limit=50):
            assert isinstance(line, bytes)
    except WireError:
        pass


@pytest.mark.parametrize(
    "raw", [b"", b"000", b"0003", b"0004x"[:3], b"fff1" + b"x" * 65_517, b"ffff", b"-001", b"+005x", b" 005x", b"0x05x", b"00 5x"]
)
def test_a_broken_length_is_refused(raw):
    with pytest.raises(WireError):
        pktline.read(io.BytesIO(raw))


def test_the_largest_packet_is_taken():
    payload = b"x" * pktline.PAYLOAD_BYTES
    assert pktline.read(io.BytesIO(pktline.encode(payload))) == payload


@pytest.mark.parametrize("payload", [b"", b"x" * (pktline.PAYLOAD_BYTES + 1)])
def test_what_does_not_fit_is_our_mistake(payload):
    with pytest.raises(ValueError, match="65516"):
        pktline.encode(payload)


@pytest.mark.parametrize("count", [3, 4])
def test_a_list_is_read_to_its_limit(count):
    stream = io.BytesIO(pktline.encode(b"x\n") * count + pktline.FLUSH)
    if count <= 3:
        assert list(pktline.lines(stream, limit=3)) == [b"x"] * 3
    else:
        with pytest.raises(WireError):
            list(pktline.lines(stream, limit=3))


@given(st.binary(max_size=200_000))
def test_a_side_band_carries_its_content_in_order(content):
    stream = io.BytesIO(pktline.band(2, content) + pktline.FLUSH)
    found = b""
    while (packet := pktline.read(stream)) is not Mark.FLUSH:
        assert isinstance(packet, bytes)
        assert packet[0] == 2
        found += packet[1:]
    assert found == content
