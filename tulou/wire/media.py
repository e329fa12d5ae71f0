"""Recognize pictures, sounds and films by their first bytes, and the size of a picture by its header."""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Media:
    """What some bytes are. `type` is what a browser may be told; sizes are of pictures, 0 when unknown."""

    type: str
    ending: str
    width: int = 0
    height: int = 0


UNKNOWN = Media("application/octet-stream", "bin")
_SIMPLE = (
    (b"fLaC", 0, Media("audio/flac", "flac")),
    (b"OggS", 0, Media("audio/ogg", "ogg")),
    (b"ID3", 0, Media("audio/mpeg", "mp3")),
    (b"%PDF-", 0, Media("application/pdf", "pdf")),
    (b"\x1aE\xdf\xa3", 0, Media("video/webm", "webm")),
    (b"ftypM4A", 4, Media("audio/mp4", "m4a")),
    (b"ftypavi", 4, Media("image/avif", "avif")),
    (b"ftyp", 4, Media("video/mp4", "mp4")),
    (b"II*\0", 0, Media("image/tiff", "tiff")),
    (b"MM\0*", 0, Media("image/tiff", "tiff")),
)
_STARTS_OF_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def sniff(data: bytes | memoryview) -> Media:
    """Return what the bytes are, by their content alone."""
    head = bytes(data[:64])
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        width, height = struct.unpack(">II", head[16:24])
        return Media("image/png", "png", width, height)
    if head.startswith(b"\xff\xd8"):
        return Media("image/jpeg", "jpg", *_jpeg(data))
    if head[:6] in {b"GIF87a", b"GIF89a"} and len(head) >= 10:
        return Media("image/gif", "gif", *struct.unpack("<HH", head[6:10]))
    if head.startswith(b"BM") and len(head) >= 26:
        width, height = struct.unpack("<ii", head[18:26])
        return Media("image/bmp", "bmp", abs(width), abs(height))
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Media("image/webp", "webp", *_webp(head))
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return Media("audio/wav", "wav")
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return Media("audio/mpeg", "mp3")
    return next((media for magic, at, media in _SIMPLE if head[at : at + len(magic)] == magic), UNKNOWN)


def _jpeg(data: bytes | memoryview) -> tuple[int, int]:
    """Walk the segments to the start of the frame."""
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            return 0, 0
        marker = data[at + 1]
        if marker in {0xFF, 0x01} or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _STARTS_OF_FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0, 0


def _webp(head: bytes) -> tuple[int, int]:
    kind = head[12:16]
    if kind == b"VP8X" and len(head) >= 30:
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if kind == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and len(head) >= 30:
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0
