"""What a first visit may cost: bytes, requests, and no script that a page does not need. The times are in bench/pages.py."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, Response

from tests.browser import chromium
from tests.browser.pages import MODEL
from tests.browser.world import World

BYTES, REQUESTS = 60_000, 6
FIRST = [
    "/",
    "/models",
    "/datasets",
    MODEL,
    f"{MODEL}/tree/main",
    f"{MODEL}/blob/main/train.py",
    "/search?q=clay",
    "/connect",
    "/login",
]
# The card's own pictures belong to its author's budget, not to ours.
OURS = "/static/"


@pytest.mark.parametrize("path", FIRST)
def test_a_first_visit_is_small(home: World, browser: Browser, path: str):
    with chromium.window(browser, home.hub) as window:
        page = window.new_page()
        answers = []
        page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - Playwright takes functions of Python only
        page.goto(path, wait_until="networkidle")
        ours = [answer for answer in answers if OURS in answer.url or answer.request.resource_type == "document"]
        sizes = {answer.url: weight(answer) for answer in ours}
        assert sum(sizes.values()) <= BYTES, sizes
        assert len(answers) <= REQUESTS, [answer.url for answer in answers]
        assert all(answer.headers.get("content-encoding") == "gzip" for answer in ours if sizes[answer.url] > 4000)


def weight(answer: Response) -> int:
    """Return the bytes of an answer on the wire, head and body."""
    sizes = answer.request.sizes()
    return sizes["responseHeadersSize"] + sizes["responseBodySize"]


def test_a_second_page_asks_for_nothing_but_itself(home: World, browser: Browser):
    with chromium.window(browser, home.hub) as window:
        page = window.new_page()
        page.goto("/models", wait_until="networkidle")
        asked = []
        page.on("response", lambda answer: asked.append(answer.url) if not answer.request.is_navigation_request() else None)
        page.goto("/datasets", wait_until="networkidle")
        assert [url for url in asked if OURS in url and not from_cache(page, url)] == []


def from_cache(page: Page, url: str) -> bool:
    """Say whether the page got a file without asking for its bytes."""
    return page.evaluate("url => performance.getEntriesByName(url).every(entry => entry.transferSize === 0)", url)
