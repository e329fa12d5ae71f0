"""Real Gradio and real Streamlit, pushed with git, built and run in the sandbox, and used by Chromium through the proxy."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.browser import chromium, space_apps
from tests.browser.space_apps import GRADIO, STREAMLIT
from tests.conftest import RunningHub, run_hub, settings_for
from tests.people import PASSWORD, give_password
from tests.stories.programs import Git
from tulou.features.repos import lookup as repos
from tulou.features.runs import read as runs
from tulou.features.runs import want
from tulou.features.spaces import change, queries, read
from tulou.features.spaces.model import Space, Stage
from tulou.kernel.names import RepoKind, parse_repo_id

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PICTURES = Path(__file__).parents[2] / ".cache/screenshots/spaces"
THREE_MB = 3 * 1024 * 1024
SETTLED = 300
WAKING = 90_000
"""Milliseconds that an application may take to start on a machine with much else to do."""


def until(true: Callable[[], object], seconds: float) -> None:
    """Wait for a condition."""
    end, pause = time.monotonic() + seconds, threading.Event()
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        pause.wait(0.05)


class Live:
    """A hub with two Spaces that run."""

    def __init__(self, hub: RunningHub, home: Path) -> None:
        self.hub = hub
        self.token = hub.user("alice")
        self.git = Git(home, "alice", self.token).knows(hub.url)

    def push(self, name: str, files: dict[str, str], *, private: bool = False) -> None:
        """Make a Space and push its application."""
        space_apps.push(self.git, self.hub.http(self.token), name, files, private=private)

    def space(self, name: str) -> Space:
        found = repos.by_name(self.hub.m, parse_repo_id(RepoKind.SPACE, f"alice/{name}"))
        space = read.by_id(self.hub.m, found.id) if found is not None else None
        assert space is not None
        return space

    def comes_to(self, name: str, stage: Stage) -> Space:
        """Wait until a Space has come to a stage; an error ends the wait."""
        until(lambda: self.space(name).stage is stage or self.space(name).stage.is_error, SETTLED)
        space = self.space(name)
        assert space.stage is stage, space.message
        return space

    def app(self, name: str) -> str:
        """Return the address of an application."""
        return f"http://alice-{name}.localhost:{urlsplit(self.hub.url).port}/"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    for hub in run_hub(settings_for(tmp_path_factory.mktemp("live") / "data")):
        if hub.m.compute.nodes()[0].level != "sandbox":
            pytest.skip("this machine has no sandbox: " + " ".join(hub.m.compute.nodes()[0].notes))
        hub.hub.start()
        made = Live(hub, tmp_path_factory.mktemp("git"))
        made.push("counting", GRADIO)
        made.push("squares", STREAMLIT)
        made.push("secret", STREAMLIT, private=True)
        for name in ("counting", "squares", "secret"):
            made.comes_to(name, Stage.RUNNING)
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of 3 MB."""
    path = tmp_path / "three.bin"
    path.write_bytes(os.urandom(THREE_MB))
    return path


def picture(page: Page, name: str) -> None:
    """Keep a picture for somebody to look at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")


def use_gradio(app: Page | FrameLocator, file: Path) -> None:
    expect(app.get_by_role("button", name="Count", exact=True)).to_be_visible(timeout=WAKING)
    app.get_by_role("button", name="Count", exact=True).click()
    expect(app.get_by_label("Counted")).to_have_value("step 5 of 5", timeout=30_000)
    app.locator("input[type=file]").first.set_input_files(file)
    expect(app.get_by_label("Weight")).to_have_value(f"{THREE_MB} bytes", timeout=30_000)


def use_streamlit(app: Page | FrameLocator, file: Path) -> None:
    expect(app.get_by_text("The square is 9")).to_be_visible(timeout=WAKING)
    app.get_by_label("Number").fill("12")
    app.get_by_label("Number").press("Enter")
    expect(app.get_by_text("The square is 144")).to_be_visible()
    app.get_by_role("button", name="Again").click()
    expect(app.get_by_text("Pressed 1 times")).to_be_visible()
    app.locator("input[type=file]").set_input_files(file)
    expect(app.get_by_text(f"It has {THREE_MB} bytes")).to_be_visible(timeout=30_000)


def test_gradio_works_in_the_page_of_its_space_and_sees_nothing_of_the_hubs_session(browser: Browser, live: Live, file: Path):
    with chromium.window(browser, live.hub, "alice") as window:
        page = window.new_page()
        page.goto("/spaces/alice/counting")
        app = page.frame_locator("iframe")
        use_gradio(app, file)
        app.get_by_role("button", name="Look", exact=True).click()
        expect(app.get_by_label("Seen")).to_have_value("cookies [], authorization False", timeout=30_000)
        picture(page, "gradio-in-its-page")


def test_streamlit_works_in_the_page_of_its_space(browser: Browser, live: Live, file: Path):
    with chromium.window(browser, live.hub) as window:
        page = window.new_page()
        page.goto("/spaces/alice/squares")
        use_streamlit(page.frame_locator("iframe"), file)
        picture(page, "streamlit-in-its-page")


def test_both_work_alone_on_their_own_host(browser: Browser, live: Live, file: Path):
    with chromium.window(browser, live.hub) as window:
        page = window.new_page()
        page.goto(live.app("counting"))
        use_gradio(page, file)
        picture(page, "gradio-alone")
        page.goto(live.app("squares"))
        use_streamlit(page, file)
        picture(page, "streamlit-alone")


@pytest.mark.parametrize("flags", [[], ["--test-third-party-cookie-phaseout"]], ids=["cookies", "no foreign cookies"])
def test_a_private_space_opens_in_its_page_for_those_who_may_see_it(browser: Browser, live: Live, file: Path, flags: list[str]):
    other = browser.browser_type.launch(executable_path=chromium.PROGRAM, args=[*chromium.FLAGS, *flags])
    with other, chromium.window(other, live.hub, "alice") as window:
        page = window.new_page()
        page.goto("/spaces/alice/secret")
        use_streamlit(page.frame_locator("iframe"), file)
        picture(page, f"private-in-its-page-{len(flags)}")
        kept = [cookie for cookie in window.cookies() if cookie["name"] == "__Host-tulou-visit"]
        assert [(cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) for cookie in kept] == [(True, True, "None")]


def test_a_visitor_of_a_private_space_signs_in_and_comes_back_to_it(browser: Browser, live: Live):
    give_password(live.hub, "alice")
    with chromium.window(browser, live.hub) as window:
        page = window.new_page()
        missing = page.goto(live.app("nothing"))
        assert missing is not None
        hidden = page.goto(live.app("secret"))
        assert hidden is not None
        assert hidden.status == missing.status == 404
        picture(page, "private-shut")
        page.get_by_role("link", name="Sign in").click()
        page.get_by_label("User name").fill("alice")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_text("The square is 9")).to_be_visible(timeout=30_000)
        assert page.url.startswith(live.app("secret"))


@pytest.mark.parametrize("name", ["counting", "squares"])
def test_a_frozen_space_thaws_for_its_visitor(browser: Browser, live: Live, file: Path, name: str):
    run_id = live.comes_to(name, Stage.RUNNING).run_id or ""
    with live.hub.m.db.write() as tx:
        want.pause(tx, live.hub.m, run_id)
    until(lambda: runs.get(live.hub.m, run_id).phase == "paused", 30)
    with chromium.window(browser, live.hub) as window:
        page = window.new_page()
        page.goto(live.app(name))
        (use_gradio if name == "counting" else use_streamlit)(page, file)
    assert runs.get(live.hub.m, run_id).phase == "running"


@pytest.mark.parametrize("name", ["counting", "squares"])
def test_a_space_that_sleeps_wakes_for_its_visitor(browser: Browser, live: Live, file: Path, name: str):
    m, before = live.hub.m, live.comes_to(name, Stage.RUNNING)
    with m.db.write() as tx:
        taken = queries.take(tx, before.repo_id)
        assert taken is not None
        change.rest(tx, m, taken, "sleep")
    until(lambda: runs.get(m, before.run_id).is_over, 60)
    with chromium.window(browser, live.hub) as window:
        page = window.new_page()
        page.goto(live.app(name))  # waits, or shows a page that looks again by itself
        (use_gradio if name == "counting" else use_streamlit)(page, file)
        picture(page, f"{name}-woken")
    assert live.space(name).run_id != before.run_id


@pytest.fixture
def paused(live: Live) -> Iterator[str]:
    """A Space that its owner paused, until the end of the test."""
    http = live.hub.http(live.token)
    assert http.post("/api/spaces/alice/secret/pause").status_code == 200
    live.comes_to("secret", Stage.PAUSED)
    yield "secret"
    assert http.post("/api/spaces/alice/secret/restart").status_code == 200
    live.comes_to("secret", Stage.RUNNING)


def test_a_paused_space_says_so_and_stays_asleep(browser: Browser, live: Live, paused: str):
    with chromium.window(browser, live.hub, "alice", locale="zh-CN") as window:
        page = window.new_page()
        with page.expect_response(lambda answer: answer.url == live.app(paused)) as answer:
            page.goto(f"/spaces/alice/{paused}/enter")
        expect(page.get_by_role("heading")).to_have_text("已暂停")
        assert answer.value.status == 503
        picture(page, "paused")
    assert live.space(paused).stage is Stage.PAUSED
