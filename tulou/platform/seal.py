"""Encrypt what must be given back later: secrets of Spaces and jobs, unreadable in a copy of the database."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class SealBroken(Exception):
    """The sealed bytes were made with another key, for another purpose, or changed since."""


class Sealer:
    """AES-256-GCM under a key of this hub that is not in the database."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, purpose: str, content: bytes) -> bytes:
        """Return bytes that only `unseal` with the same purpose can read: nonce, then ciphertext with its tag."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, content, purpose.encode())

    def unseal(self, purpose: str, sealed: bytes) -> bytes:
        """Return what was sealed. Raises SealBroken."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode())
        except (InvalidTag, ValueError) as cause:
            raise SealBroken("a secret cannot be read: it was sealed with another secret.key") from cause
