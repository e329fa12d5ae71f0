"""The table of a dataset in a browser: scrolling far, sorting, narrowing by a bar, searching, opening a row, queries."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests import dataset_files as make
from tests.browser import axe, chromium
from tests.conftest import RunningHub, run_hub, settings_for

ROWS = 150_000
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000030000000208020000001216f14d"
    "0000001049444154789c63f8cfc0000310fa3f030000230003fd5c1d8d6f0000000049454e44ae426082"
)
FULL = "/datasets/alice/far/viewer"


def table() -> bytes:
    rows = range(ROWS)
    columns = {
        "id": pa.array(rows, pa.int64()),
        "kind": [f"kind {i % 5}" for i in rows],
        "text": [HOSTILE if i == 3 else f"明月 line {i}" for i in rows],
        "score": pa.array([None if i % 50 == 0 else (i * 7919 % 1000) / 10 for i in rows], pa.float64()),
    }
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, row_group_size=50_000)
    return sink.getvalue()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    for running in run_hub(settings_for(tmp_path_factory.mktemp("hub") / "data")):
        client = running.http(running.user("alice"))
        pictures: dict[str, bytes | str] = {
            f"train/{kind}/{i}.png": PNG + bytes([i]) for kind in ("cat", "dog") for i in range(3)
        }
        files: dict[str, dict[str, bytes | str]] = {
            "alice/far": {"train.parquet": table(), "README.md": "# Far"},
            "alice/pictures": pictures,
            "alice/broken": {"train.parquet": b"PAR1" + bytes(100)},
        }
        make.push(running, client, files)
        yield running


@pytest.fixture
def window(browser: Browser, hub: RunningHub) -> Iterator[BrowserContext]:
    with chromium.window(browser, hub, "alice") as opened:
        yield opened


@pytest.fixture
def page(window: BrowserContext) -> Iterator[Page]:
    opened = window.new_page()
    complaints = chromium.Complaints(opened)
    yield opened
    assert complaints.found == []


def grid(page: Page) -> None:
    page.goto(FULL)
    expect(page.get_by_role("grid")).to_be_visible(timeout=20_000)


def status(page: Page, text: str) -> None:
    expect(page.locator(".viewer-status")).to_have_text(re.compile(text), timeout=20_000)


def first_cells(page: Page, column: int, count: int = 4) -> list[str]:
    """Return the texts of the first rows in sight, in their order."""
    lines = page.locator(".space .line").evaluate_all(
        "(lines, at) => lines.map(l => [+l.dataset.position, l.children[at].textContent]).sort((a, b) => a[0] - b[0])", column
    )
    return [text for _position, text in lines[:count]]


def test_one_scrolls_to_the_last_of_many_rows_and_back(page: Page):
    grid(page)
    status(page, r"Rows 1 to \d+ of 150,000")
    page.get_by_role("grid").evaluate("g => { g.scrollTop = g.scrollHeight }")
    status(page, "to 150,000 of 150,000")
    expect(page.get_by_role("rowheader", name="149,999", exact=True)).to_be_visible()
    page.get_by_role("grid").evaluate("g => { g.scrollTop = g.scrollHeight / 2 }")
    status(page, r"Rows (74|75),\d{3} to")
    page.get_by_role("grid").press("Control+Home")
    status(page, "Rows 1 to")
    assert len(page.locator(".space .line").all()) < 60  # only what is seen is there


def test_a_small_turn_of_the_wheel_moves_by_rows_even_where_the_bar_stands_for_many(page: Page):
    grid(page)
    page.get_by_role("grid").hover()
    page.mouse.wheel(0, 640)
    status(page, r"Rows 11 to")


def test_the_head_sorts_and_a_bar_narrows(page: Page):
    grid(page)
    page.get_by_role("button", name="Sort by score").or_(page.get_by_title("Sort by score")).first.click()
    expect(page.get_by_role("columnheader").nth(4)).to_have_attribute("aria-sort", "ascending")
    page.get_by_title("Sort by score").click()
    expect(page.get_by_role("columnheader").nth(4)).to_have_attribute("aria-sort", "descending")
    expect(page.locator(".space .line").first).to_contain_text("99.9")
    bar = page.get_by_role("button", name=re.compile("Only rows with kind 3: 30,000"))
    bar.click()
    status(page, "of 30,000")
    expect(bar).to_have_attribute("aria-pressed", "true")
    assert set(first_cells(page, 2)) == {"kind 3"}
    assert "where=" in page.url
    assert "orderby=" in page.url
    page.reload()
    status(page, "of 30,000")
    page.get_by_label("Condition").fill('"id" < 10')
    page.get_by_role("button", name="Show", exact=True).click()
    status(page, "of 10")


def test_a_condition_that_makes_no_sense_is_said_so_and_the_next_one_works(window: BrowserContext):
    page = window.new_page()  # browsers complain of the 422 by themselves
    grid(page)
    page.get_by_label("Condition").fill('"nobody" < 10')
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("contains errors")
    page.get_by_label("Condition").fill('"id" < 7')
    page.get_by_role("button", name="Show", exact=True).click()
    status(page, "of 7")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_search_marks_what_it_found(page: Page):
    grid(page)
    page.get_by_label("Search the rows").fill("明月 77777")
    page.get_by_label("Search the rows").press("Enter")
    status(page, "of 1$")
    assert page.locator(".space mark").all_text_contents() == ["明月", "77777"]


def test_a_row_opens_in_full_with_the_keyboard_and_leads_on(page: Page):
    grid(page)
    page.get_by_role("grid").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    active = page.get_by_role("grid").get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").text_content() == "3"
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(HOSTILE)
    assert axe.violations(page) == []
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("heading")).to_have_text("Row 4")
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    assert page.get_by_role("grid").evaluate("g => g === document.activeElement")


def test_pictures_are_shown_in_their_cells(page: Page):
    page.goto("/datasets/alice/pictures/viewer")
    picture = page.get_by_role("grid").get_by_role("img").first
    expect(picture).to_be_visible(timeout=20_000)
    page.wait_for_function("e => e.complete && e.naturalWidth === 3", arg=picture.element_handle())
    page.get_by_role("button", name=re.compile("Only rows with dog")).click()
    status(page, "of 3")


PAGES = {
    "card": "/datasets/alice/far",
    "full": FULL,
    "embedded": "/datasets/alice/far/embed/viewer",
    "pictures": "/datasets/alice/pictures/viewer",
    "broken": "/datasets/alice/broken/viewer",
    "query": "/datasets/alice/far/sql?config=default&sql=" + quote("SELECT kind, count(*) AS n FROM train GROUP BY 1 ORDER BY 1"),
    "wrong query": "/datasets/alice/far/sql?sql=" + quote("SELEC 1"),
}


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_every_page_of_the_viewer_passes_axe_and_fits_a_telephone(browser: Browser, hub: RunningHub, path: str, look: str):
    options = {"color_scheme": look, "locale": "zh-CN" if look == "dark" else "en-GB"}
    with chromium.window(browser, hub, "alice", **options) as opened:
        page = opened.new_page()
        complaints = chromium.Complaints(page)
        page.goto(path)
        if "/viewer" in path and "broken" not in path:
            expect(page.get_by_role("grid")).to_be_visible(timeout=20_000)
        assert axe.violations(page) == []
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert complaints.found == []


def test_without_scripts_the_rows_are_there_and_every_control_is_a_link_or_a_form(browser: Browser, hub: RunningHub):
    with chromium.window(browser, hub, None, java_script_enabled=False) as opened:
        page = opened.new_page()
        page.goto("/datasets/alice/far")
        expect(page.get_by_role("cell", name="明月 line 5", exact=True)).to_be_visible()
        page.goto(FULL)
        page.get_by_role("link", name="Next page").click()
        expect(page.get_by_role("cell", name="明月 line 100", exact=True)).to_be_visible()
        page.get_by_role("link", name="id", exact=True).click()
        page.get_by_role("link", name="id", exact=True).click()
        expect(page.get_by_role("cell", name=f"明月 line {ROWS - 1}", exact=True)).to_be_visible()
        page.get_by_label("Search the rows").fill("明月 4242")
        page.get_by_role("button", name="Show", exact=True).click()
        expect(page.get_by_role("cell", name="明月 line 4242", exact=True)).to_be_visible()
        page.goto("/datasets/alice/broken/viewer")
        expect(page.get_by_text("The table cannot be shown.")).to_be_visible()


def test_a_query_runs_with_the_keyboard_and_its_link_shows_the_same_to_others(page: Page, browser: Browser, hub: RunningHub):
    page.goto("/datasets/alice/far/sql?config=default")
    field = page.get_by_label("Query", exact=True)
    field.fill("SELECT max(id) AS most FROM train")
    field.press("Control+Enter")
    expect(page.get_by_role("cell", name="149999", exact=True)).to_be_visible(timeout=20_000)
    with chromium.window(browser, hub) as other:
        stranger = other.new_page()
        stranger.goto(page.url)
        expect(stranger.get_by_role("cell", name="149999", exact=True)).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV").click()
    assert Path(saved.value.path()).read_text() == '"most"\n149999\n'


def test_a_public_table_may_be_framed_anywhere_and_a_private_one_nowhere(hub: RunningHub):
    client = hub.http()
    policy = client.get("/datasets/alice/far/embed/viewer", headers={"accept": "text/html"}).headers["content-security-policy"]
    assert "frame-ancestors *" in policy
    page = client.get(FULL, headers={"accept": "text/html"}).headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page
