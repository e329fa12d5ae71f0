"""Which address a request came from, and which URL of ours it used. Proxies are believed only when the operator names them."""

from __future__ import annotations

import ipaddress
import re

from starlette.datastructures import Headers
from starlette.types import Scope

from tulou.kernel.errors import BadInput, SettingError
from tulou.settings import Settings

_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_SCHEMES = {"ws": "http", "wss": "https"}


class Origins:
    """Reads `X-Forwarded-For`, `-Proto` and `-Host` from trusted proxies, and from nobody else."""

    def __init__(self, settings: Settings) -> None:
        self._public_url = settings.public_url
        try:
            self._trusted = [ipaddress.ip_network(part.strip()) for part in settings.trusted_proxies.split(",") if part.strip()]
        except ValueError as cause:
            raise SettingError("The setting 'trusted_proxies' must be addresses or networks, separated by commas.") from cause

    def client_address(self, scope: Scope, headers: Headers) -> str:
        """Return the address to hold responsible."""
        peer: str = scope["client"][0] if scope.get("client") else ""
        if not self._is_trusted(peer):
            return peer
        hops = [hop.strip() for hop in headers.get("x-forwarded-for", "").split(",") if hop.strip()]
        for hop in reversed(hops):
            if not self._is_trusted(hop):
                return hop[:64]
        return peer

    def base(self, scope: Scope, headers: Headers) -> str:
        """Return scheme and host of this request's URLs: the setting, or what the client itself used."""
        return self._public_url or "://".join(self.seen(scope, headers))

    def seen(self, scope: Scope, headers: Headers) -> tuple[str, str]:
        """Return scheme and host as the client used them. Raises BadInput for what cannot be a host."""
        scheme, host = _SCHEMES.get(scope["scheme"], scope["scheme"]), headers.get("host", "")
        peer: str = scope["client"][0] if scope.get("client") else ""
        if self._is_trusted(peer):
            scheme = headers.get("x-forwarded-proto", scheme)
            host = headers.get("x-forwarded-host", host)
        if scheme not in {"http", "https"} or not _HOST.fullmatch(host):
            raise BadInput("The Host header is missing or malformed.")
        return scheme, host

    def host(self, scope: Scope, headers: Headers) -> str:
        """Return the host as the client named it, whatever it is."""
        peer: str = scope["client"][0] if scope.get("client") else ""
        own = headers.get("host", "")
        return headers.get("x-forwarded-host", own) if self._is_trusted(peer) else own

    def _is_trusted(self, address: str) -> bool:
        if not self._trusted:
            return False
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)
