"""Whom to count by, where nothing but an address is known."""

from __future__ import annotations

import ipaddress


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
