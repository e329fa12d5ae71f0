"""How the hub and its children talk: a length of four bytes, a letter, and a body."""

from __future__ import annotations

import os
import select
import struct
import time

JSON, BYTES, PROBLEM = b"J", b"B", b"E"
MOST = 256 << 20
_HEAD = struct.Struct("<IB")


def send(fd: int, kind: bytes, body: bytes) -> None:
    """Write one frame."""
    content = memoryview(_HEAD.pack(len(body), kind[0]) + body)
    while content:
        content = content[os.write(fd, content) :]


def receive(fd: int, deadline: float | None = None) -> tuple[bytes, bytes] | None:
    """Read one frame; None when the other side closed before its first byte.

    Raises EOFError in the middle of a frame, TimeoutError when `deadline` (of the monotonic clock) passes.
    """
    first = _some(fd, 1, deadline)
    if not first:
        return None
    head = first + _exactly(fd, _HEAD.size - 1, deadline)
    size, kind = _HEAD.unpack(head)
    if size > MOST:
        raise EOFError("The frame is too long.")
    return bytes([kind]), _exactly(fd, size, deadline)


def _exactly(fd: int, count: int, deadline: float | None) -> bytes:
    found = bytearray()
    while len(found) < count:
        some = _some(fd, count - len(found), deadline)
        if not some:
            raise EOFError("The other side closed in the middle of a frame.")
        found += some
    return bytes(found)


def _some(fd: int, most: int, deadline: float | None) -> bytes:
    left = None if deadline is None else max(0.0, deadline - time.monotonic())
    if not select.select([fd], [], [], left)[0]:
        raise TimeoutError
    return os.read(fd, min(most, 1 << 20))
