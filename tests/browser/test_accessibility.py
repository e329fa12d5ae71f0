"""Every page opens in a browser without a complaint, fits a telephone, and passes axe-core."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import axe, chromium
from tests.browser.pages import PAGES, Shown
from tests.browser.world import World

NARROW = {"width": 360, "height": 740}


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
def test_a_page_opens_without_complaints_fits_a_telephone_and_has_no_serious_barrier(home: World, browser: Browser, shown: Shown):
    with chromium.window(browser, home.hub, shown.user) as window:
        page = window.new_page()
        complaints = chromium.Complaints(page)
        answer = page.goto(shown.path)
        assert answer is not None
        assert answer.status == shown.status
        found = {"in the light": axe.violations(page)}
        page.emulate_media(color_scheme="dark")
        found["in the dark"] = axe.violations(page)
        page.set_viewport_size(NARROW)
        found["too wide"] = too_wide(page)
        found["complaints"] = complaints.found
        assert {what: problems for what, problems in found.items() if problems} == {}
        assert page.locator("h1:not(.prose h1)").count() == 1, "one heading names the page"


def too_wide(page: Page) -> list[str]:
    """Return what sticks out of a narrow window when the page scrolls sideways."""
    if page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]:
        return []
    return page.evaluate(
        "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 8)"
        ".map(e => e.tagName + '.' + e.className + ' ' + Math.round(e.getBoundingClientRect().right))"
    )
