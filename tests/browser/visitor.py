"""A browser without a screen, for tests that only read."""

from __future__ import annotations

import httpx

from tests.browser import chromium
from tests.browser.world import World

HTML = {"accept": "text/html,application/xhtml+xml"}


def visitor(home: World, user: str | None) -> httpx.Client:
    """Return a client that asks for pages, signed in as `user`."""
    client = home.hub.http()
    client.headers.update({**HTML, "origin": home.hub.url})
    if user is not None:
        client.cookies.set("tulou_session", chromium.session_of(home.hub, user))
    return client
