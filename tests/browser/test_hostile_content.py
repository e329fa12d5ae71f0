"""Nothing that a user writes runs in another user's page, with the site's policy and without it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import chromium, lair
from tests.browser.payloads import ALL, MARKUP
from tests.browser.world import World

# Run in the page: whatever of what users wrote could act there.
INSPECT = """() => {
  const bad = [];
  const inert = /^(https?:|mailto:)/i, picture = /^data:image\\/(png|jpe?g|gif|webp);/i;
  const forbidden = 'script,iframe,object,embed,applet,form,input,button,select,textarea,style,link,meta,base,svg,math,' +
    'template,dialog,frameset,frame,marquee,audio,video,slot,noscript,xmp';
  for (const area of document.querySelectorAll('.prose, .output')) {
    for (const node of area.querySelectorAll(forbidden)) bad.push(node.outerHTML.slice(0, 120));
    for (const node of area.querySelectorAll('*')) {
      if (node.localName.includes('-')) bad.push(node.outerHTML.slice(0, 120));
      for (const {name, value} of node.attributes) {
        if (/^on|^data-|^(style|srcdoc|formaction|is|ping|srcset|hx-.*)$/i.test(name)) bad.push(name + '=' + value);
        if (/(href|src|action|data|poster|background)$/i.test(name)) {
          const url = new URL(value, location).href;
          if (!inert.test(url) && !(node.localName === 'img' && picture.test(url))) bad.push(name + '=' + value);
          if (node.localName === 'img' && inert.test(url) && new URL(url).origin !== location.origin) bad.push('remote ' + url);
        }
      }
    }
  }
  return bad;
}"""
SETTLED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))))"


@dataclass
class Trap:
    """A window of a victim that records every script that ran, and where."""

    page: Page
    hub: str
    hits: list[str] = field(default_factory=list)

    def look(self, path: str, *, works: bool = True) -> list[str]:
        """Open a page, move about on it, and return what is wrong: scripts that ran, and elements that could act."""
        before = len(self.hits)
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status < 500, path
        assert answer.ok or not works, (path, answer.status)
        self.page.mouse.move(300, 300)
        self.page.keyboard.press("Tab")
        self.page.evaluate(SETTLED)
        assert self.page.url.startswith(self.hub), "the page led away"
        return [*self.hits[before:], *self.page.evaluate(INSPECT)]


@pytest.fixture(scope="module", params=["with the policy", "without the policy"])
def trap(request: pytest.FixtureRequest, browser: Browser, home: World) -> Iterator[Trap]:
    """A victim's window. Without the policy, what is escaped and filtered has to hold alone."""
    yield from victim(browser, home, bypass_csp=request.param == "without the policy")


def victim(browser: Browser, home: World, **options: Any) -> Iterator[Trap]:
    with chromium.window(browser, home.hub, "alice", **options) as window:
        made = Trap(window.new_page(), chromium.address(home.hub))
        window.expose_binding("caught", lambda source, said: made.hits.append(f"ran in {source['frame'].url}: {said}"))
        caught = "window.wasCaught = true; caught(n + ' ' + a[0]);"
        window.add_init_script(f"for (const n of ['alert', 'confirm', 'prompt']) window[n] = (...a) => {{ {caught} }};")
        made.page.on("dialog", lambda dialog: (made.hits.append(f"dialog {dialog.message}"), dialog.dismiss()))
        yield made


@pytest.fixture(scope="module", autouse=True)
def _lair(home: World) -> None:
    lair.fill(home)


def test_the_corpus_is_as_large_as_it_should_be():
    assert len(set(ALL)) >= 110


def test_the_trap_catches_what_runs_and_what_could(trap: Trap, request: pytest.FixtureRequest):
    assert trap.look("/") == []
    trap.page.evaluate("html => document.querySelector('main').innerHTML = html", f"<div class=prose>{MARKUP[9]}</div>")
    trap.page.evaluate(SETTLED)
    assert trap.page.evaluate(INSPECT) == ["onerror=alert(1)"]
    if "without the policy" in request.node.name:
        trap.page.wait_for_function("() => window.wasCaught")
        assert trap.hits.pop().endswith("alert 1")
    assert trap.hits == []


def test_no_line_of_the_corpus_runs_as_markdown(trap: Trap):
    found = {text: trap.look(f"/mallory/markdown/blob/main/{n:03d}.md") for n, text in enumerate(ALL)}
    assert {text: what for text, what in found.items() if what} == {}


def test_no_line_of_the_corpus_runs_in_a_notebook(trap: Trap):
    assert trap.look("/mallory/notebook/blob/main/hostile.ipynb") == []
    assert trap.page.locator(".notebook .cell").count() == 2 * len(MARKUP), "every cell is there"


PLACES = [
    "/mallory/card", "/datasets/mallory/cards-dataset", "/mallory/tables", "/mallory/tables/tensors", "/mallory/names",
    "/mallory",
    "/mallory/tables/blob/main/cells.csv", "/mallory/tables/blob/main/cells.json", "/mallory/tables/blob/main/cells.jsonl",
    "/mallory/tables/blob/main/code.py", "/mallory/names/tree/main", "/mallory/names/commits/main",
    "/mallory/names/commit/main", "/mallory/names/branches", "/models?author=mallory", "/models", "/", "/search?q=mallory",
    "/search?q=onerror", "/settings/tokens", "/settings/sessions",
]  # fmt: skip


@pytest.mark.parametrize("path", PLACES)
def test_a_page_about_hostile_content_runs_none_of_it(trap: Trap, path: str):
    assert trap.look(path) == []


REFLECTED = [
    "/search?q={}", "/models?search={}", "/models?pipeline_tag={}", "/models?library={}", "/models?author={}", "/models?sort={}",
    "/models?cursor={}", "/login?next={}", "/settings/profile?done={}", "/{}", "/alice/{}", "/alice/roundhouse/blob/main/{}",
    "/alice/roundhouse/tree/{}", "/alice/roundhouse/new/main/{}", "/join/{}", "/one-time/{}", "/device?user_code={}",
]  # fmt: skip


@pytest.mark.parametrize("path", REFLECTED)
def test_nothing_that_an_address_says_runs(trap: Trap, path: str):
    for text in (MARKUP[9], MARKUP[92], "javascript:alert(1)", '"><script>alert(1)</script>', "{{7*7}}"):
        assert trap.look(path.format(quote(text, safe="")), works=False) == []
        assert "49" not in trap.page.title()


@pytest.mark.parametrize("alone", [False, True], ids=["in its frame", "on its own"])
def test_a_page_that_may_run_can_reach_nothing_of_the_hub(browser: Browser, home: World, alone: bool):
    for trap in victim(browser, home):
        page, hub = trap.page, trap.hub
        page.goto("/mallory/pages/blob/main/page.html")
        address = page.locator("iframe.framed").get_attribute("src")
        assert address is not None
        assert not address.startswith(hub), "it lives on another origin"
        if alone:
            page.goto(address)
        # What a frame of another origin contains is read through the debugger.
        inside = page.main_frame if alone else page.frame_locator("iframe.framed").owner.element_handle().content_frame()
        said = json.loads(inside.locator("#out").text_content() or "")
        assert said.pop("origin") == "null", "it has not even the origin of the other user's files"
        assert {name: value for name, value in said.items() if not value.startswith("refused")} == {}
        assert page.url == (address if alone else f"{hub}/mallory/pages/blob/main/page.html"), "it led the reader away"
        assert len(page.context.pages) == 1
        assert page.context.cookies(address) == [], "the other origin gets no cookie"


def test_a_drawing_runs_nothing_anywhere(browser: Browser, home: World):
    for trap in victim(browser, home):
        trap.page.goto("/mallory/pages/blob/main/drawing.svg")
        address = trap.page.locator("iframe.framed").get_attribute("src")
        trap.page.goto(address)  # ends when the drawing has loaded, and with it whatever it could have run
        assert trap.hits == []


@pytest.mark.parametrize("name", ["page.html", "drawing.svg"])
def test_the_hub_itself_only_hands_such_files_out_for_download(home: World, name: str):
    answer = home.hub.http().get(f"/mallory/pages/resolve/main/{name}", follow_redirects=True)
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "text/html" not in answer.headers["content-type"]


def test_cookies_are_worth_nothing_to_the_api_even_from_our_own_page(browser: Browser, home: World):
    for trap in victim(browser, home):
        trap.page.goto("/")
        ask = "async path => (await fetch(path, {credentials: 'include'})).status"
        assert trap.page.evaluate(ask, "/api/whoami-v2") == 401
        assert trap.page.evaluate("document.cookie") == "", "scripts do not see the session"
