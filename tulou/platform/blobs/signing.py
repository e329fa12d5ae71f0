"""Sign short-lived claims: URLs that carry their own right, and tokens that others only pass on."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from tulou.kernel.clock import Clock
from tulou.kernel.errors import Forbidden


class BadSignature(Forbidden):
    """This link is not valid or has expired."""

    code = "bad_signature"


class Signer:
    """HMAC-SHA-256 over a purpose, claims and an expiry. A claim signed for one purpose is worthless for another."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def seal(self, purpose: str, claims: dict[str, Any], *, seconds: int) -> tuple[str, int]:
        """Return a URL-safe token that carries `claims`, and its expiry in Unix seconds."""
        expires = self._clock.now() // 1000 + seconds
        body = _encode(json.dumps({**claims, "exp": expires}, separators=(",", ":")).encode())
        return f"{body}.{self._mac(purpose, body)}", expires

    def unseal(self, purpose: str, token: str) -> dict[str, Any]:
        """Return the claims. Raises BadSignature for a forged, foreign or expired token."""
        body, _, mac = token.partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(purpose, body).encode()):
            raise BadSignature
        claims: dict[str, Any] = json.loads(_decode(body))
        if claims.pop("exp") <= self._clock.now() // 1000:
            raise BadSignature
        return claims

    def derive(self, purpose: str, name: str) -> bytes:
        """Return 32 bytes that only this hub can compute for a name: a secret that need not be stored."""
        return hmac.new(self._key, f"derive {purpose}\n{name}".encode(), hashlib.sha256).digest()

    def _mac(self, purpose: str, body: str) -> str:
        return _encode(hmac.new(self._key, f"{purpose}\n{body}".encode(), hashlib.sha256).digest())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
