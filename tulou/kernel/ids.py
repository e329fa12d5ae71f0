"""Make identifiers: sortable record ids, secrets, and the types of content hashes."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from typing import NewType

Sha1 = NewType("Sha1", str)
"""40 lower-case hex characters: a git object id."""
Sha256 = NewType("Sha256", str)
"""64 lower-case hex characters: the SHA-256 of whole file content, as git-lfs names it."""
XetHash = NewType("XetHash", str)
"""64 lower-case hex characters: a xet merkle hash in its printed form (four little-endian u64)."""

_ID = re.compile(r"[0-9a-f]{24}")


def new_id() -> str:
    """Return 24 hex characters: 4 bytes of Unix seconds, then 8 random bytes, so ids sort by age."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


def is_id(text: str) -> bool:
    """True for what `new_id` may have made."""
    return _ID.fullmatch(text) is not None


def new_secret(prefix: str) -> str:
    """Return `prefix` and 34 base62 characters (over 200 bits): the shape secret scanners know."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return prefix + "".join(secrets.choice(alphabet) for _ in range(34))


def secret_hash(secret: str) -> str:
    """Return the SHA-256 hex digest under which a high-entropy secret is stored and looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()
