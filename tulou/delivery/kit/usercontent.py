"""The second origin: which host it is, and the links to it."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from tulou.features.content import showcase
from tulou.features.content.resolve import Location
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Actor
from tulou.kernel.address import LOOPBACK
from tulou.platform.machinery import Machinery
from tulou.settings import Settings

LOCAL_HOST = "usercontent.localhost"
"""Browsers lead every name below `localhost` to their own machine, and keep its cookies apart from those of `localhost`."""


def origin(settings: Settings, base: str) -> str | None:
    """Return scheme and host of the second origin for pages at `base`; None when there is none."""
    if settings.usercontent_url:
        return settings.usercontent_url
    split = urlsplit(base)
    if split.scheme != "http" or split.hostname not in LOOPBACK:
        return None
    return f"http://{LOCAL_HOST}" + (f":{split.port}" if split.port else "")


def is_here(settings: Settings, host: str) -> bool:
    """Say whether a `Host` header names the second origin, which serves nothing but users' files."""
    if settings.usercontent_url:
        return host.lower() == urlsplit(settings.usercontent_url).netloc.lower()
    return host.lower().partition(":")[0] == LOCAL_HOST


def link(m: Machinery, base: str, actor: Actor, repo: Repo, location: Location) -> str | None:
    """Return an address that shows one file for a few minutes; None when there is no second origin."""
    start = origin(m.settings, base)
    if start is None:
        return None
    return f"{start}/show/{showcase.seal(m, actor, repo, location, base)}/{quote(location.path.rpartition('/')[2])}"
