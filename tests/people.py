"""People at a browser: signed in by a link, by a password, or not at all."""

from __future__ import annotations

import httpx

from tests.conftest import RunningHub
from tulou.features.accounts import links, lookup, passwords
from tulou.kernel.actor import SYSTEM

PASSWORD = "correct horse battery staple"


def browser(hub: RunningHub, user: str | None = None) -> httpx.Client:
    """Return a browser, with `user` signed in by a one-time link."""
    client = hub.http()
    client.headers.update({"accept": "text/html,application/xhtml+xml", "origin": hub.url})
    if user is not None:
        secret = links.make(hub.m, SYSTEM, lookup.user(hub.m, user))
        assert client.post(f"/one-time/{secret}").status_code == 303
    return client


def give_password(hub: RunningHub, user: str, password: str = PASSWORD) -> None:
    """Give a user a password."""
    with hub.m.db.write() as tx:
        passwords.put(tx, hub.m, lookup.user(hub.m, user).id, passwords.hashed(password, user))


def sign_in(client: httpx.Client, user: str, password: str = PASSWORD, **more: str) -> httpx.Response:
    """Fill in the sign-in form."""
    return client.post("/login", data={"name": user, "password": password, **more})
