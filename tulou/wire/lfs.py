"""git-lfs on the wire: pointer files, and the questions and answers of the batch API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tulou.kernel.errors import Unprocessable
from tulou.kernel.ids import Sha256
from tulou.kernel.limits import LFS_BATCH, LFS_OBJECT

MEDIA_TYPE = "application/vnd.git-lfs+json"
POINTER_BYTES = 1024
"""A pointer is shorter than this, extensions included (git-lfs specification, "The Pointer")."""

_VERSION = b"version https://git-lfs.github.com/spec/v1\n"
# Names under which the first releases of git-lfs wrote the same format; git-lfs still reads them as pointers.
_VERSION_LOOKALIKE = re.compile(rb"version (?:https://git-lfs\.github\.com/spec/|https://hawser\.github\.com/spec/|http://git-media\.io/v/)")
_LINE = re.compile(r"([a-z0-9.-]+) ([^\r\n]*)")
_OID = re.compile(r"sha256:([0-9a-f]{64})")
_HEX = re.compile(r"[0-9a-f]{64}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_EXTENSION = re.compile(r"ext-[0-9]-[a-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class LfsPointer:
    """What a pointer file says: SHA-256 of the content, and its size in bytes."""

    oid: Sha256
    size: int


def parse_pointer(blob: bytes) -> LfsPointer | None:
    """Read a pointer file. None for anything that the specification does not call a pointer."""
    if len(blob) >= POINTER_BYTES or not blob.startswith(_VERSION) or not blob.endswith(b"\n"):
        return None
    try:
        lines = blob[len(_VERSION) : -1].decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return None
    pairs = [(match[1], match[2]) for match in map(_LINE.fullmatch, lines) if match]
    keys = [key for key, _ in pairs]
    values = dict(pairs)
    if len(pairs) != len(lines) or keys != sorted(set(keys)) or not _known_keys(keys):
        return None
    oid, size = _OID.fullmatch(values["oid"]), _SIZE.fullmatch(values["size"])
    if oid is None or size is None or int(size[0]) >= 2**63:
        return None
    return LfsPointer(Sha256(oid[1]), int(size[0]))


def _known_keys(keys: list[str]) -> bool:
    return {"oid", "size"} <= set(keys) and all(key in {"oid", "size"} or _EXTENSION.fullmatch(key) for key in keys)


def looks_like_pointer(blob: bytes) -> bool:
    """True for what git-lfs may take for a pointer, even where it breaks the specification (no last newline, CRLF …)."""
    return len(blob) < POINTER_BYTES and _VERSION_LOOKALIKE.match(blob.lstrip()) is not None


def format_pointer(pointer: LfsPointer) -> bytes:
    """Write a pointer file."""
    return _VERSION + f"oid sha256:{pointer.oid}\nsize {pointer.size}\n".encode()


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object of a batch request. `problem` is set when its name or size is impossible; it is then not looked up."""

    oid: str
    size: int
    problem: str | None = None

    @property
    def pointer(self) -> LfsPointer:
        """The object as a pointer, once `problem` was seen to be None."""
        return LfsPointer(Sha256(self.oid), self.size)


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A parsed batch request."""

    operation: Literal["upload", "download"]
    transfers: tuple[str, ...]
    objects: tuple[Wanted, ...]


class UnknownHash(Unprocessable):
    """This server names objects by sha256 only."""

    status = 409
    code = "unknown_hash"


def parse_batch(body: Mapping[str, Any]) -> BatchRequest:
    """Check a batch request. Raises Unprocessable for one that makes no sense as a whole, UnknownHash."""
    operation = body.get("operation")
    if operation not in ("upload", "download"):  # a tuple: what JSON holds may be unhashable
        raise Unprocessable("The field 'operation' must be 'upload' or 'download'.")
    # The JavaScript client (2.x) spells it its own way.
    if body.get("hash_algo", "sha256") not in ("sha256", "sha_256"):
        raise UnknownHash
    transfers = body.get("transfers") or ["basic"]
    if not isinstance(transfers, list) or not all(isinstance(name, str) for name in transfers):
        raise Unprocessable("The field 'transfers' must be a list of names.")
    listed = body.get("objects")
    if not isinstance(listed, list) or len(listed) > LFS_BATCH or not all(isinstance(item, dict) for item in listed):
        raise Unprocessable(f"The field 'objects' must be a list of at most {LFS_BATCH} objects.")
    return BatchRequest(operation, tuple(transfers), tuple(map(_wanted, listed)))


def _wanted(item: Mapping[str, Any]) -> Wanted:
    oid, size = item.get("oid"), item.get("size")
    if not isinstance(oid, str) or len(oid) > POINTER_BYTES:
        raise Unprocessable("Every object needs an 'oid' of 64 hex characters.")
    if not _HEX.fullmatch(oid):
        return Wanted(oid, 0, "An object is named by the 64 lower-case hex characters of its SHA-256.")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        return Wanted(oid, 0, "The size of an object is a whole number of bytes, 0 or more.")
    if size > LFS_OBJECT:
        return Wanted(oid, 0, f"One object may have at most {LFS_OBJECT} bytes.")
    return Wanted(oid, size)


@dataclass(frozen=True, slots=True)
class Link:
    """One action a client may take: an address, what it must send with it, and for how many seconds that works."""

    href: str
    expires_in: int
    header: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the wire form. `header` is left out when it is empty."""
        shape: dict[str, Any] = {"href": self.href, "expires_in": self.expires_in}
        return {**shape, "header": dict(self.header)} if self.header else shape


@dataclass(frozen=True, slots=True)
class ObjectAnswer:
    """The answer for one object. No actions and no error: it is here already."""

    oid: str
    size: int
    actions: Mapping[str, Link] = field(default_factory=dict)
    error: tuple[int, str] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the wire form. Clients crash on an empty or null `actions`, so there is none then."""
        shape: dict[str, Any] = {"oid": self.oid, "size": self.size}
        if self.error is not None:
            return {**shape, "error": {"code": self.error[0], "message": self.error[1]}}
        if self.actions:
            shape["authenticated"] = True
            shape["actions"] = {name: link.to_json() for name, link in self.actions.items()}
        return shape


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """The answer to a batch request."""

    transfer: str
    objects: tuple[ObjectAnswer, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the wire form."""
        return {"transfer": self.transfer, "objects": [answer.to_json() for answer in self.objects], "hash_algo": "sha256"}
