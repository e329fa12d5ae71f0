"""Take a picture of every type of page, light and dark, wide and narrow, in English and Chinese, into .cache/screenshots/."""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser import chromium, world  # noqa: E402 - the tests' furnished hub, from the folder above
from tests.browser.pages import PAGES, Shown  # noqa: E402
from tests.conftest import RunningHub, run_hub, settings_for  # noqa: E402

FOLDER = ROOT / ".cache" / "screenshots"
SIZES = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 390, "height": 844}}
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
TALLEST = 2600
"""Longer pages are cut: nobody looks at the hundredth row."""


def main() -> int:
    """Take the pictures; each is named by page, theme, width and language."""
    options = _arguments()
    if chromium.PROGRAM is None:
        print(chromium.MISSING, file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    chosen = [shown for shown in PAGES if options.only in shown.name]
    looks = itertools.product(options.theme, options.size, options.language)
    with tempfile.TemporaryDirectory() as data:
        for hub in run_hub(settings_for(Path(data) / "data")):
            world.furnish(hub)
            with chromium.started() as browser:
                for theme, size, language in looks:
                    _look(browser, hub, chosen, theme, size, language)
    print(f"{FOLDER}: {len(list(FOLDER.glob('*.png')))} pictures")
    return 0


def _look(browser: Browser, hub: RunningHub, chosen: list[Shown], theme: str, size: str, language: str) -> None:
    for user, pages in itertools.groupby(sorted(chosen, key=lambda shown: shown.user or ""), key=lambda shown: shown.user):
        settings = {"viewport": SIZES[size], "locale": LANGUAGES[language], "color_scheme": theme}
        with chromium.window(browser, hub, user, **settings) as window:
            page = window.new_page()
            for shown in pages:
                page.goto(shown.path)
                height = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
                page.set_viewport_size({"width": SIZES[size]["width"], "height": max(SIZES[size]["height"], height)})
                page.screenshot(path=FOLDER / f"{shown.name}.{theme}.{size}.{language}.png")
                page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="only pages whose name contains this")
    parser.add_argument("--theme", nargs="+", default=["light", "dark"])
    parser.add_argument("--size", nargs="+", default=list(SIZES))
    parser.add_argument("--language", nargs="+", default=list(LANGUAGES))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
