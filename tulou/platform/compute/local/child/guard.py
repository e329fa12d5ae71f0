"""Judge where a run's gateway may connect: public addresses, and what the hub's administrator allowed by name."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass

WEB = frozenset({80, 443})
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_CLOSED = tuple(ipaddress.ip_network(network) for network in (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
    "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    # Only 2000::/4 is given out so far; within it: Teredo and its kin, documentation.
    "::/3", "3000::/4", "4000::/2", "8000::/1", "2001::/23", "2001:db8::/32",
))  # fmt: skip
"""The registries of special addresses of IANA (RFC 6890 and its updates), closed where ours is broader or newer than Python's."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_6TO4 = ipaddress.ip_network("2002::/16")
_ISATAP = (0x00005EFE, 0x02005EFE)


@dataclass(frozen=True, slots=True)
class Rules:
    """`named` may be reached whatever their addresses are: pairs of a host and a port."""

    named: frozenset[tuple[str, int]] = frozenset()

    def allows_port(self, host: str, port: int) -> bool:
        """Whether this port of this host may be reached, if its address may."""
        return port in WEB or (host, port) in self.named

    def allows_address(self, host: str, port: int, address: str) -> bool:
        """Whether the host may be reached at this address."""
        return (host, port) in self.named or is_public(address)


def plain(host: str) -> str:
    """Return a host name in the one way that rules are written: lower case, ASCII, without the last dot. Raises ValueError."""
    name = host.rstrip(".").lower()
    if not name.isascii():
        name = name.encode("idna").decode("ascii")
    if not name or len(name) > 253 or any(not (letter.isalnum() or letter in "-_.:") for letter in name):
        raise ValueError("not the name of a host")
    return name


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, and no other one hides in it."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_is_open(one) for one in (parsed, *_embedded(parsed)))


def _is_open(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address in _NAT64:
        return True  # as public as the address in it, which is judged too
    return address.is_global and not any(address in network for network in _CLOSED)


def _embedded(address: _Address) -> Iterable[ipaddress.IPv4Address]:
    """Return the version 4 addresses to which a version 6 address may lead."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    number = int(address)
    last = ipaddress.IPv4Address(number & 0xFFFFFFFF)
    if address in _NAT64 or (number >> 32) & 0xFFFFFFFF in _ISATAP:
        yield last
    if address in _6TO4:
        yield ipaddress.IPv4Address((number >> 80) & 0xFFFFFFFF)


def is_this_machine(address: str, port: int) -> bool:
    """Whether an address is one of this machine's own: what listens at it may trust its own machine. Nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, port))
        except OSError:
            return False  # no way leads there: connecting will say so
        return bool(probe.getsockname()[0] == address)
