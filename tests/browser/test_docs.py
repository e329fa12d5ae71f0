"""Documentation in a browser: tabs by mouse and keyboard, what is copied, anchors of other hubs, and the same without scripts."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.browser import chromium
from tests.browser.pages import DOCS
from tests.browser.world import World


def test_tabs_of_one_group_change_together_and_are_remembered(home: World, browser: Browser):
    with chromium.window(browser, home.hub, None) as window:
        page = window.new_page()
        complaints = chromium.Complaints(page)
        page.goto(f"{DOCS}/en/constructs")
        jax = page.get_by_role("tab", name="JAX")
        assert page.get_by_role("tab", name="PyTorch").first.get_attribute("aria-selected") == "true"
        expect(page.get_by_text("jax.numpy.ones")).to_be_hidden()
        jax.click()
        expect(page.get_by_text("jax.numpy.ones")).to_be_visible()
        expect(page.get_by_text("torch.ones(2)")).to_be_hidden()
        jax.press("ArrowRight")
        expect(page.get_by_text("torch.ones(2)")).to_be_visible()
        page.goto(f"{DOCS}/en/constructs?framework=JAX")
        expect(page.get_by_text("jax.numpy.ones")).to_be_visible()
        assert complaints.found == []


def test_a_session_is_copied_without_its_prompts_and_its_answers(home: World, browser: Browser):
    with chromium.window(browser, home.hub, None) as window:
        window.grant_permissions(["clipboard-read", "clipboard-write"])
        page = window.new_page()
        page.goto(f"{DOCS}/en/constructs")
        block = page.locator(".doc-code", has_text="torch.ones(2)")
        block.get_by_role("button", name="Copy").click()
        expect(block.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()").strip() == "import torch\ntorch.ones(2)"


def test_an_anchor_as_other_hubs_write_it_is_found(home: World, browser: Browser):
    with chromium.window(browser, home.hub, None) as window:
        page = window.new_page()
        page.set_viewport_size({"width": 1000, "height": 400})
        page.goto(f"{DOCS}/en/api#handbook.build")
        expect(page.locator("[id='u-handbook.build']")).to_be_in_viewport()


def test_without_scripts_every_tab_is_there_to_be_read(home: World, browser: Browser):
    context = browser.new_context(base_url=home.hub.url, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{DOCS}/en/constructs")
    expect(page.get_by_text("torch.ones(2)")).to_be_visible()
    expect(page.get_by_text("jax.numpy.ones")).to_be_visible()
    assert page.locator(".doc-tab-title").all_text_contents()[:2] == ["PyTorch", "JAX"]
    context.close()
