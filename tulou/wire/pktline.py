"""git's pkt-line framing: four hex digits of length, then at most 65,516 bytes (gitprotocol-common)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import BinaryIO

from tulou.kernel.errors import WireError

PAYLOAD_BYTES = 65_516
"""LARGE_PACKET_DATA_MAX of git: 65,520 with the length itself."""
_BAND_BYTES = PAYLOAD_BYTES - 1
_HEX = frozenset(b"0123456789abcdefABCDEF")


class Mark(Enum):
    """Packets without content."""

    FLUSH = b"0000"
    DELIMITER = b"0001"
    RESPONSE_END = b"0002"


FLUSH = Mark.FLUSH.value


def encode(payload: bytes) -> bytes:
    """Frame one payload. Raises ValueError for one that does not fit: a mistake of ours, not of a client."""
    if not 0 < len(payload) <= PAYLOAD_BYTES:
        raise ValueError("a pkt-line carries 1 to 65516 bytes")
    return b"%04x%s" % (len(payload) + 4, payload)


def band(number: int, content: bytes) -> bytes:
    """Frame content for side band 1 (data), 2 (messages) or 3 (fatal error), in as many packets as it needs."""
    pieces = (content[at : at + _BAND_BYTES] for at in range(0, len(content), _BAND_BYTES))
    return b"".join(encode(bytes([number]) + piece) for piece in pieces)


def read(stream: BinaryIO) -> bytes | Mark:
    """Read one packet. Raises WireError where the stream ends too early or does not follow the format."""
    head = stream.read(4)
    if len(head) != 4 or not _HEX.issuperset(head):
        raise WireError("A pkt-line begins with its length in four hex digits.")
    length = int(head, 16)
    if length <= 2:
        return Mark(b"%04x" % length)
    if length < 4 or length > PAYLOAD_BYTES + 4:
        raise WireError("A pkt-line has 4 to 65520 bytes.")
    payload = stream.read(length - 4)
    if len(payload) != length - 4:
        raise WireError("A pkt-line ends before its length says.")
    return payload


def lines(stream: BinaryIO, *, limit: int) -> Iterator[bytes]:
    """Yield payloads up to the next flush packet, without their last newline. Raises WireError past `limit` of them."""
    for _ in range(limit + 1):
        packet = read(stream)
        if packet is Mark.FLUSH:
            return
        if isinstance(packet, Mark):
            raise WireError("A delimiter packet has no place here.")
        yield packet.removesuffix(b"\n")
    raise WireError("There are too many pkt-lines in one list.")
