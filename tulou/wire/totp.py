"""Six digits that a phone and the hub both compute from a shared secret and the time (RFC 6238 over RFC 4226)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6


def step_at(millis: int) -> int:
    """Return the number of the half minute that a time in Unix milliseconds lies in."""
    return millis // 1000 // STEP_SECONDS


def code(secret: bytes, step: int) -> str:
    """Return the digits of one step, with HMAC-SHA-1: authenticator apps know nothing else for certain."""
    mac = hmac.digest(secret, struct.pack(">Q", step), hashlib.sha1)
    at = mac[-1] & 0x0F
    number: int = struct.unpack(">I", mac[at : at + 4])[0] & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def match(secret: bytes, typed: str, step: int, *, after: int) -> int | None:
    """Return the step whose code was typed: this one, or a neighbour, as clocks differ. Steps up to `after` are spent."""
    given = typed.encode()  # as text, digits of other scripts could not be compared
    steps = (step - 1, step, step + 1)
    found = [near for near in steps if near > after and hmac.compare_digest(code(secret, near).encode(), given)]
    return found[0] if found else None


def shown(secret: bytes) -> str:
    """Return a secret as people copy it: base32 in groups of four."""
    letters = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def uri(secret: bytes, account: str, issuer: str) -> str:
    """Return the `otpauth:` address that apps read from a picture."""
    label = quote(f"{issuer}:{account}", safe=":")
    query = urlencode({"secret": base64.b32encode(secret).decode().rstrip("="), "issuer": issuer})
    return f"otpauth://totp/{label}?{query}"
