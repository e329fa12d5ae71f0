"""What a run with `egress` may reach, as its gateway is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from tulou.kernel.errors import SettingError
from tulou.platform.compute.local.child import guard
from tulou.settings import Settings

_PROXY_PORTS = range(3128, 3228)
_LOOPBACK = {"localhost": "127.0.0.1", "127.0.0.1": "127.0.0.1", "::1": "::1"}
_PYPI = ("https://pypi.org", "https://files.pythonhosted.org")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def named(settings: Settings) -> list[tuple[str, int]]:
    """Return the hosts and ports that the administrator allows by name, whatever their addresses. Raises SettingError."""
    chosen = [settings.python_index_url] if settings.python_index_url else list(_PYPI)
    found = [_of_url(url) for url in (*chosen, settings.public_url) if url]
    for entry in filter(None, (part.strip() for part in settings.egress_allow.split(","))):
        found += _of_entry(entry)
    return found


def _of_url(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    try:
        return guard.plain(parts.hostname or ""), parts.port or _DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError) as cause:
        raise SettingError("The setting 'python_index_url' must be an address that begins with http:// or https://.") from cause


def _of_entry(entry: str) -> Iterator[tuple[str, int]]:
    try:
        parts = urlsplit(f"//{entry}")
        host = guard.plain(parts.hostname or "")
        ports = [parts.port] if parts.port else sorted(guard.WEB)
    except ValueError as cause:
        raise SettingError("The setting 'egress_allow' must be hosts, or hosts with ports, separated by commas.") from cause
    return ((host, port) for port in ports)


def order(loopback: str, allowed: list[tuple[str, int]], number: int) -> dict[str, Any]:
    """Return the order for a gateway. `number` tells the runs of this machine apart.

    What is on this machine's loopback, the hub first, is on the run's own at the same port: programs ask no proxy for it.
    """
    hub = urlsplit(loopback)
    place = [(hub.hostname or "127.0.0.1", hub.port or 80)] if loopback else []
    here = list(dict.fromkeys((_LOOPBACK[host], port) for host, port in (*place, *allowed) if host in _LOOPBACK))
    proxy = next(port for port in _PROXY_PORTS if port not in {taken for _, taken in here})
    return {
        "listen": [("127.0.0.1", proxy), *here],
        "forward": here,
        "named": [*allowed, *place],
        # Each run comes to this machine from an address of its own, which is never 127.0.0.1.
        "source": f"127.{77 + number // 65536 % 64}.{number // 256 % 256}.{number % 256}",
    }


def environment(gateway: dict[str, Any]) -> dict[str, str]:
    """Return the variables by which programs find the proxy."""
    proxy = f"http://127.0.0.1:{gateway['listen'][0][1]}"
    names = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": "localhost,127.0.0.1,::1"}
    return names | {name.lower(): value for name, value in names.items()}
