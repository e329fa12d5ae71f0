"""The pages that stand in for an application: in light and dark, on a telephone, without scripts, and by axe-core's rules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.apps_world import World, furnished
from tests.browser import axe, chromium
from tests.upstream import App, serving
from tulou.features.spaces.model import Stage

NOTICES = {
    "alice-nothing": "Nothing here", "alice-closed": "Nothing here", "alice-paused": "Paused", "alice-building": "Being built",
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with serving(App(), lifespan="off") as port, furnished(tmp_path_factory.mktemp("apps") / "data", port) as made:
        stages = {"alice/paused": Stage.PAUSED, "alice/building": Stage.BUILDING}
        for full in stages:
            made.space(full)
        made.hub.settle()  # what the runs say comes before what we say
        for full, stage in stages.items():
            made.put(full, stage=stage)
        yield made


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("slug", NOTICES)
def test_a_notice_passes_axe_and_fits_a_telephone(browser: Browser, world: World, slug: str, scheme: str):
    look = {"color_scheme": scheme, "viewport": {"width": 320, "height": 640}, "java_script_enabled": True}
    with chromium.window(browser, world.hub, **look) as window:
        page = window.new_page()
        complaints = chromium.Complaints(page)
        page.goto(f"http://{world.host(slug)}/")
        expect(page.get_by_role("heading")).to_have_text(NOTICES[slug])
        assert complaints.found == []  # axe reads stylesheets in a way that the policy forbids to pages
        assert axe.violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_page_that_leads_on_does_so_without_scripts(browser: Browser, world: World):
    with chromium.window(browser, world.hub, "alice", java_script_enabled=False) as window:
        page = window.new_page()
        page.goto("/spaces/alice/closed/enter?next=/deep")
        page.wait_for_url(f"http://{world.host('alice-closed')}/deep")
        expect(page.locator("body")).to_contain_text("/deep?")
