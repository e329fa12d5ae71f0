"""Draw a picture for an account: its first letter on a colour that its name decides."""

from __future__ import annotations

import hashlib

from tulou.features.accounts.model import Account, AccountKind

# Served from our own origin, so it must be unable to do anything: no script, no style, no embedding of its own.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "public, max-age=86400",
}


def url(base: str, account: Account) -> str:
    """Return the absolute URL of an account's picture."""
    family = "users" if account.kind is AccountKind.USER else "organizations"
    return f"{base}/api/{family}/{account.name}/avatar"


def draw(name: str) -> bytes:
    """Return an SVG for a name that passed the grammar, so its letters need no escaping."""
    hue = int.from_bytes(hashlib.sha256(name.encode()).digest()[:2], "big") % 360
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64">'
        f'<rect width="64" height="64" fill="hsl({hue},45%,42%)"/>'
        '<text x="32" y="43" font-family="sans-serif" font-size="32" text-anchor="middle" fill="#fff">'
        f"{name[0].upper()}</text></svg>"
    ).encode()
