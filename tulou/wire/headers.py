"""HTTP headers about files: ranges, entity tags, and names that cannot break out of their header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from tulou.kernel.errors import RangeNotSatisfiable

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")

# Types that a browser shows without running anything in them.
_INERT = {
    "txt": "text/plain; charset=utf-8", "md": "text/plain; charset=utf-8", "json": "text/plain; charset=utf-8",
    "jsonl": "text/plain; charset=utf-8", "csv": "text/plain; charset=utf-8", "tsv": "text/plain; charset=utf-8",
    "yaml": "text/plain; charset=utf-8", "yml": "text/plain; charset=utf-8", "toml": "text/plain; charset=utf-8",
    "py": "text/plain; charset=utf-8", "js": "text/plain; charset=utf-8", "sh": "text/plain; charset=utf-8",
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
    "mp3": "audio/mpeg", "wav": "audio/wav", "flac": "audio/flac", "ogg": "audio/ogg", "mp4": "video/mp4", "webm": "video/webm",
}  # fmt: skip

_PASSIVE = re.compile(
    r"image/(?:png|jpeg|gif|webp|avif|bmp|tiff)|(?:audio|video|font)/[a-z0-9.+-]+|text/plain|text/csv|application/(?:json|gzip|zip)"
    r"|application/(?:octet-stream|x-tar|vnd\.apache\.parquet)"
)


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes `start` to `end` (exclusive) of a file."""

    start: int
    end: int


def parse_range(header: str | None, size: int) -> Span | None:
    """Return the one range that a `Range` header asks for; None for the whole file.

    Several ranges and other units are ignored, as RFC 9110 allows. Raises RangeNotSatisfiable outside the file.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None:
        return None
    first, last = match.groups()
    if first == "" and last == "":
        return None
    if first == "":
        length = min(int(last), size)
        if length == 0:
            raise RangeNotSatisfiable(size)
        return Span(size - length, size)
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return None
    if start >= size:
        raise RangeNotSatisfiable(size)
    return Span(start, end)


def etag_matches(header: str | None, etag: str) -> bool:
    """True if an `If-None-Match` or `If-Range` header names this entity tag (given without quotes)."""
    if not header:
        return False
    if header.strip() == "*":
        return True
    return any(part.strip().removeprefix("W/").strip('"') == etag for part in header.split(","))


def content_type(path: str) -> str:
    """Return a type under which a browser runs nothing: unknown and active types are plain bytes."""
    name = path.rsplit("/", 1)[-1]
    return _INERT.get(name.rsplit(".", 1)[-1].lower() if "." in name else "txt", "application/octet-stream")


def declared_type(declared: str | None, path: str) -> str:
    """Return the type that a file's uploader declared if browsers run nothing in it, else what `content_type` says."""
    return declared if declared is not None and _PASSIVE.fullmatch(declared) else content_type(path)


def disposition(path: str) -> str:
    """Return a `Content-Disposition` that offers the file's own name (RFC 6266)."""
    name = path.rsplit("/", 1)[-1]
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    kind = "inline" if content_type(path) != "application/octet-stream" else "attachment"
    return f"{kind}; filename*=UTF-8''{quote(name, safe='')}; filename=\"{plain}\";"
