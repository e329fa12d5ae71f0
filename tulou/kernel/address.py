"""What can be told from an address alone: whether it is this machine, and whom to count by."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""The names under which a machine reaches only itself."""


def is_loopback(url: str) -> bool:
    """Say whether a URL leads every machine to itself."""
    return urlsplit(url).hostname in LOOPBACK


def network_of(address: str) -> str:
    """Return an IPv4 address as it is, and of an IPv6 address its /64: whoever has one of those has them all."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
