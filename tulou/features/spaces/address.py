"""Where visitors find the application of a Space."""

from __future__ import annotations

from urllib.parse import urlsplit

from tulou.settings import Settings

PATH_MODE = "path"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def host(settings: Settings, base: str, slug: str) -> str | None:
    """Return the host, with its port if it needs one, of a Space's own origin; None where Spaces have no hosts of their own.

    `base` is scheme and host of the hub as this visitor, or this machine, knows it.
    """
    if settings.apps_url == PATH_MODE:
        return None
    if settings.apps_url:
        return f"{slug}.{urlsplit(settings.apps_url).netloc}"
    split = urlsplit(base)
    if split.scheme != "http" or not is_loopback(base):
        return None
    return f"{slug}.localhost" + (f":{split.port}" if split.port else "")


def is_loopback(url: str) -> bool:
    """Say whether a URL leads to this machine itself."""
    return urlsplit(url).hostname in _LOOPBACK


def path(full_name: str) -> str:
    """Return the path, on the hub's own host, of a Space in path mode."""
    return f"/spaces/{full_name}/app"
