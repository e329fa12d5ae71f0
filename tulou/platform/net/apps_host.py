"""Where Spaces are reached: each on a host name of its own, or, if the operator chose so, below the hub's own address."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tulou.kernel.address import LOOPBACK
from tulou.settings import Settings

PATH_MODE = "path"
"""The value of `apps_url` that gives Spaces no host of their own."""
_LOCAL = ".localhost"
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def is_path_mode(settings: Settings) -> bool:
    """Say whether Spaces live below the hub's own address."""
    return settings.apps_url == PATH_MODE


def has_hosts(settings: Settings) -> bool:
    """Say whether each Space has a host name of its own: chosen by the operator, or by default for a hub on this machine."""
    if settings.apps_url:
        return not is_path_mode(settings)
    public = urlsplit(settings.public_url)
    return not settings.public_url or (public.scheme == "http" and public.hostname in LOOPBACK)


def origin(settings: Settings, base: str, slug: str) -> str | None:
    """Return scheme and host of a Space for whoever reached the hub at `base`; None when it has none of its own."""
    if not has_hosts(settings):
        return None
    if settings.apps_url:
        url = urlsplit(settings.apps_url)
        return f"{url.scheme}://{slug}.{url.netloc}"
    url = urlsplit(base)
    if url.scheme != "http" or url.hostname not in LOOPBACK:
        return None
    # Browsers lead every name below `localhost` to their own machine, and keep its cookies apart from all others.
    return f"http://{slug}{_LOCAL}" + (f":{url.port}" if url.port else "")


def is_app_host(settings: Settings, host: str) -> bool:
    """Say whether a `Host` header names a Space, or could: nothing of the hub is served there."""
    return has_hosts(settings) and _parent(settings, host) is not None


def slug_of(settings: Settings, host: str) -> str | None:
    """Return the first label of an application's host name; None if no Space can be called so."""
    label = _parent(settings, host) if has_hosts(settings) else None
    return label if label and _SLUG.fullmatch(label) else None


def is_slug(text: str) -> bool:
    """Say whether a Space's host name can begin with this."""
    return _SLUG.fullmatch(text) is not None


def _parent(settings: Settings, host: str) -> str | None:
    """Return what stands before the host of all Spaces; None for other hosts. Ports are of no account: proxies change them."""
    name = host.lower().partition(":")[0].rstrip(".")
    if settings.apps_url:
        suffix = f".{urlsplit(settings.apps_url).hostname}"
        return name.removesuffix(suffix) if name.endswith(suffix) else None
    # `usercontent.localhost` is the other origin of ours; a slug has a hyphen between owner and name.
    return name.removesuffix(_LOCAL) if name.endswith(_LOCAL) and "-" in name else None
