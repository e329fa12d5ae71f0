"""What people do on the website, from the first sign-in to getting a deleted repository back, with scripts and without."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import chromium
from tests.browser.world import PASSWORD, World

CARD = "---\nlicense: mit\ntags:\n- 山歌\n---\n# Hill songs\n\nA model that hums **quietly**.\n"
WEIGHTS = bytes(range(256)) * 20_000


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def scripts(request: pytest.FixtureRequest) -> bool:
    """Whether the reader's browser runs scripts."""
    return bool(request.param)


@pytest.fixture
def stranger(browser: Browser, home: World, scripts: bool) -> Iterator[BrowserContext]:
    """A window of somebody who has not signed in."""
    with chromium.window(browser, home.hub, java_script_enabled=scripts) as window:
        yield window


@pytest.fixture
def alice(browser: Browser, home: World, scripts: bool) -> Iterator[Page]:
    """A page of alice, who is signed in. What it complains about fails the test."""
    with chromium.window(browser, home.hub, "alice", java_script_enabled=scripts) as window:
        page = window.new_page()
        complaints = chromium.Complaints(page)
        yield page
        assert complaints.found == []


def sign_in(page: Page, name: str) -> None:
    """Go from the front page through the door."""
    page.goto("/")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.locator("header summary", has_text=name)).to_be_visible()


def make_model(page: Page, name: str) -> None:
    """Make a model by the form that "New" leads to."""
    page.get_by_role("link", name="New", exact=True).click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("License").select_option("mit")
    page.get_by_role("button", name="Make the repository").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)


def folder_of(tmp_path: Path) -> Path:
    """Return a folder as somebody has it on their desk."""
    folder = tmp_path / "songs"
    (folder / "texts" / "春").mkdir(parents=True)
    (folder / "weights.bin").write_bytes(WEIGHTS)
    (folder / "texts" / "first song.txt").write_text("la la\n")
    (folder / "texts" / "春" / "二.txt").write_text("啦啦\n")
    return folder


def drag(page: Page, onto: str, path: Path) -> None:
    """Drag a file or folder of this machine onto an element, as the desktop does it."""
    box = page.locator(onto).bounding_box()
    assert box is not None
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    where = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    for kind in ("dragEnter", "dragOver"):
        session.send("Input.dispatchDragEvent", {"type": kind, "data": data, **where})
    expect(page.locator(f"{onto}.over")).to_be_visible()
    session.send("Input.dispatchDragEvent", {"type": "drop", "data": data, **where})


def test_somebody_signs_in_makes_a_model_fills_it_and_writes_its_card(
    home: World, stranger: BrowserContext, tmp_path: Path, scripts: bool
):
    page = stranger.new_page()
    name = f"songs-{scripts}".lower()
    sign_in(page, "bob")
    make_model(page, name)
    put_files(page, folder_of(tmp_path), name, scripts=scripts)
    http = home.hub.http(home.tokens["bob"])
    folder = "songs/" if scripts else ""
    assert http.get(f"/bob/{name}/resolve/main/{folder}weights.bin", follow_redirects=True).content == WEIGHTS
    entries = http.get(f"/api/models/bob/{name}/tree/main?recursive=true").json()
    assert [entry["path"] for entry in entries if "lfs" in entry] == [f"{folder}weights.bin"]
    write_card(page)
    assert "山歌" in http.get(f"/api/models/bob/{name}").json()["tags"]
    if scripts:
        assert http.get(f"/bob/{name}/resolve/main/songs/texts/%E6%98%A5/%E4%BA%8C.txt").text == "啦啦\n"


def put_files(page: Page, folder: Path, name: str, *, scripts: bool) -> None:
    """Put a folder into the model on the page: by dragging it, or without scripts by choosing files."""
    page.get_by_role("link", name="Files", exact=True).click()
    page.get_by_role("link", name="Upload", exact=True).click()
    if scripts:
        drag(page, ".drop-zone", folder)
        expect(page.get_by_text("first song.txt")).to_be_visible()
    else:
        page.get_by_label("Files", exact=True).set_input_files([folder / "weights.bin", folder / "texts" / "first song.txt"])
    page.get_by_role("button", name="Upload and commit").click()
    page.wait_for_url(f"**/bob/{name}/tree/main", timeout=30_000)
    expect(page.get_by_role("link", name="songs" if scripts else "weights.bin", exact=True)).to_be_visible()


def write_card(page: Page) -> None:
    """Edit the card of the model on the page, look at the preview, commit, and see it laid out."""
    page.get_by_role("link", name="Card", exact=True).click()
    page.get_by_role("link", name="Edit the card").click()
    page.get_by_label("Text", exact=True).fill(CARD)
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview").get_by_role("heading", name="Hill songs")).to_be_visible()
    page.get_by_label("What changes").fill("Write the card")
    page.get_by_role("button", name="Commit").click()
    page.get_by_role("link", name="Card", exact=True).click()
    expect(page.locator(".prose strong")).to_have_text("quietly")
    expect(page.get_by_role("heading", name="Hill songs")).to_be_visible()


@pytest.mark.parametrize(
    ("words", "found", "snippet"),
    [("dry walls", "alice/roundhouse", "walls"), ("绝句", "alice/tulou-poet", "绝句"), ("mallory", "mallory", "")],
)
def test_search_finds_cards_and_people_in_english_and_chinese(stranger: BrowserContext, words: str, found: str, snippet: str):
    page = stranger.new_page()
    page.goto("/")
    box = page.get_by_role("searchbox").first
    box.fill(words)
    box.press("Enter")
    page.wait_for_url("**/search?q=*")
    result = page.get_by_role("main").get_by_role("link", name=found, exact=True).first
    expect(result).to_be_visible()
    if snippet:
        expect(page.locator("mark", has_text=snippet).first).to_be_visible()
    result.click()
    expect(page.get_by_role("heading", level=1).first).to_contain_text(found.rsplit("/", maxsplit=1)[-1], ignore_case=True)


def test_a_model_made_private_is_as_if_it_were_not_there(home: World, alice: Page, stranger: BrowserContext):
    name = f"hidden-{id(alice)}"
    home.repo(f"alice/{name}", files={"README.md": "# Hidden\n"})
    visitor = stranger.new_page()
    assert visitor.goto(f"/alice/{name}").status == 200
    alice.goto(f"/alice/{name}/settings")
    alice.get_by_label("private: nobody else learns that it exists").check()
    alice.get_by_role("button", name="Save").click()
    told(alice, "Saved.")
    expect(alice.locator(".repo-head .badge", has_text="private")).to_be_visible()
    hidden, missing = (seen(visitor, f"/alice/{one}").replace(one, "") for one in (name, "never-was"))
    assert hidden == missing
    alice.get_by_label("public: everybody who reaches this hub").check()
    alice.get_by_role("button", name="Save").click()
    told(alice, "Saved.")
    assert visitor.goto(f"/alice/{name}").status == 200


def seen(page: Page, path: str) -> str:
    """Return the status and the text of a page."""
    answer = page.goto(path)
    assert answer is not None
    return f"{answer.status} {answer.text()}"


def told(page: Page, words: str) -> None:
    """Expect the page to say that something was done."""
    expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()


def test_a_token_made_on_the_website_works_with_hf(home: World, alice: Page, tmp_path: Path):
    alice.goto("/settings/tokens")
    name = f"laptop {id(alice)}"
    alice.get_by_label("Name", exact=True).fill(name)
    alice.get_by_role("button", name="Make", exact=True).click()
    secret = alice.locator("pre code").first.text_content() or ""
    assert secret.startswith("hf_")
    assert "alice" in hf(home, tmp_path, secret, "auth", "whoami")
    hf(home, tmp_path, secret, "download", "alice/secret-plans", "--local-dir", str(tmp_path / "got"))
    assert "Nobody is to know." in (tmp_path / "got" / "README.md").read_text()
    alice.goto("/settings/tokens")
    expect(alice.get_by_text(secret)).to_have_count(0)
    alice.get_by_role("button", name=f"Revoke {name}").click()
    told(alice, "The token is revoked.")
    with pytest.raises(subprocess.CalledProcessError):
        hf(home, tmp_path, secret, "download", "alice/secret-plans", "--local-dir", str(tmp_path / "again"), "--force-download")


def hf(home: World, tmp_path: Path, token: str, *arguments: str) -> str:
    """Run the real command line of Hugging Face. Raises CalledProcessError."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "HF_ENDPOINT": home.hub.url, "HF_TOKEN": token}
    program = Path(sys.executable).parent / "hf"
    return subprocess.run([program, *arguments], env=environ, check=True, capture_output=True, text=True, timeout=120).stdout


def test_a_deleted_repository_comes_back_with_its_files(home: World, alice: Page):
    name = f"mistake-{id(alice)}"
    home.repo(f"alice/{name}", files={"README.md": "# Not a mistake\n"})
    alice.goto(f"/alice/{name}/settings")
    alice.get_by_text("Delete…").click()
    confirm = alice.locator("#confirm-delete")
    confirm.fill("alice/something-else")
    alice.get_by_role("button", name="Delete this repository").click()
    expect(alice.get_by_role("alert")).to_be_visible()
    alice.get_by_text("Delete…").click()
    alice.locator("#confirm-delete").fill(f"alice/{name}")
    alice.get_by_role("button", name="Delete this repository").click()
    told(alice, "restore it for seven days")
    assert alice.goto(f"/alice/{name}").status in {401, 404}
    alice.goto("/settings/deleted")
    alice.get_by_role("button", name=f"Restore alice/{name}").click()
    told(alice, "The repository is restored.")
    assert alice.goto(f"/alice/{name}").status == 200
    expect(alice.get_by_role("heading", name="Not a mistake")).to_be_visible()


def test_a_reader_chooses_language_and_theme_and_both_stay(stranger: BrowserContext):
    page = stranger.new_page()
    page.goto("/models")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("模型")
    page.locator("button[value=dark]").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/alice/roundhouse")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_keyboard_reaches_the_content_first_and_the_menu_without_a_mouse(alice: Page):
    alice.goto("/alice/roundhouse")
    alice.keyboard.press("Tab")
    expect(alice.get_by_role("link", name="Skip to the content")).to_be_focused()
    alice.keyboard.press("Enter")
    assert alice.url.endswith("#main")
    summary = alice.locator("header summary", has_text="alice")
    summary.focus()
    alice.keyboard.press("Enter")
    expect(alice.get_by_role("link", name="Settings").first).to_be_visible()
