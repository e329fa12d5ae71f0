"""Debian's Chromium, driven by Playwright: how it is started, and windows as somebody sees them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.conftest import RunningHub
from tulou.features.accounts import lookup
from tulou.features.accounts.sessions import Browser as Agent
from tulou.features.accounts.sessions import open_in

PROGRAM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
MISSING = "no chromium: apt-get install chromium fonts-noto-cjk (or set CHROMIUM)"
FLAGS = [
    "--no-sandbox",  # tests run as root on build machines, and open only pages of their own hub
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # Nothing but this machine has a name.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1",
]


@contextmanager
def started() -> Iterator[Browser]:
    """Start Chromium, and stop it at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        yield browser
        browser.close()


def address(hub: RunningHub) -> str:
    """Return the hub's address by name: with `localhost` the second origin shares more with the first than with a number."""
    return hub.url.replace("127.0.0.1", "localhost")


def session_of(hub: RunningHub, user: str) -> str:
    """Open a session and return its secret."""
    account = lookup.user(hub.m, user)
    with hub.m.db.write() as tx:
        return open_in(tx, hub.m, account.id, Agent("127.0.0.1", "Chromium of the tests"))


def window(browser: Browser, hub: RunningHub, user: str | None = None, **options: Any) -> BrowserContext:
    """Open a window with its own cookies, signed in as `user`."""
    # While a page slides in, what the mouse does falls on its picture.
    still = {"reduced_motion": "reduce", "viewport": {"width": 1280, "height": 900}}
    settings = {"base_url": address(hub), "locale": "en-GB", **still, **options}
    context = browser.new_context(**settings)
    context.set_default_timeout(15_000)
    if user is not None:
        secret = session_of(hub, user)
        context.add_cookies(
            [{"name": "tulou_session", "value": secret, "url": address(hub), "httpOnly": True, "sameSite": "Lax"}]
        )
    return context


class Complaints:
    """What a page complained about: scripts that failed, things the policy refused, requests that were not answered."""

    def __init__(self, page: Page) -> None:
        self.found: list[str] = []
        page.on("pageerror", lambda error: self.found.append(f"script: {error}"))
        page.on("console", self._said)
        page.on("response", self._answered)

    def _said(self, message: Any) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.found.append(f"console: {message.text}")

    def _answered(self, response: Any) -> None:
        if response.status >= 400 and response.request.resource_type != "document":
            self.found.append(f"{response.status} {response.url}")
