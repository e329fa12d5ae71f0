"""What a run with `egress` may reach, as its gateway is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from tulou.kernel.errors import SettingError
from tulou.platform.compute.local.child import guard
from tulou.settings import Settings

_PROXY_PORTS = (3128, 3129)
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
    """Return the order for a gateway. `number` tells the runs of this machine apart."""
    hub = urlsplit(loopback)
    place = (hub.hostname or "127.0.0.1", hub.port or 80) if loopback else None
    proxy = next(port for port in _PROXY_PORTS if place is None or port != place[1])
    # Each run comes to the hub from an address of its own, which is never 127.0.0.1.
    source = f"127.{77 + number // 65536 % 64}.{number // 256 % 256}.{number % 256}" if place and ":" not in place[0] else ""
    return {
        "listen": [("127.0.0.1", proxy), *([place] if place else [])],
        "hub": place or ("127.0.0.1", 0),
        "named": allowed,
        "source": source,
    }


def environment(gateway: dict[str, Any]) -> dict[str, str]:
    """Return the variables by which programs find the proxy."""
    proxy = f"http://127.0.0.1:{gateway['listen'][0][1]}"
    names = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": "localhost,127.0.0.1,::1"}
    return names | {name.lower(): value for name, value in names.items()}
