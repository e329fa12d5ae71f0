"""A furnished hub and a Chromium for each module. Where there is no Chromium the whole tier is skipped, and says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium, world
from tests.browser.world import World
from tests.conftest import run_hub, settings_for

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, and skip it without a browser."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(300))
            if chromium.PROGRAM is None:
                item.add_marker(pytest.mark.skip(reason=chromium.MISSING))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium. One for each module: Playwright's event loop must not outlive the tests that want it."""
    with chromium.started() as started:
        yield started


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The furnished hub of a module."""
    for hub in run_hub(settings_for(tmp_path_factory.mktemp("hub") / "data")):
        yield world.furnish(hub)
