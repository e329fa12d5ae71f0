"""The pages of buckets, as the owner, a stranger and an operator see them."""

from __future__ import annotations

from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.api.test_pages_people import browser
from tests.bucket_client import BucketClient, add, small
from tests.conftest import RunningHub

HTML = {"accept": "text/html"}
HOSTILE = "<img src=x onerror=alert(1)>.txt"
LISTS = ("/", "/alice", "/alice?kind=bucket", "/models", "/search?q=shelf", "/admin", "/admin/storage", "/new?kind=bucket")


def read(text: str) -> LexborHTMLParser:
    return LexborHTMLParser(text)


def names(text: str) -> list[str]:
    """Return the entries that a page lists."""
    return [cell.text() for cell in read(text).css("table.files td.name a:not(.up)")]


@pytest.fixture
def shelf(hub: RunningHub) -> BucketClient:
    """A private bucket of alice with a few files, one of them named by an attacker."""
    client = BucketClient(hub, hub.user("alice"), "alice/shelf", private=True)
    file = small(1)
    client.send(file)
    client.batch(*(add(path, file) for path in ("z.txt", "runs/1/out.txt", "runs/2", HOSTILE, "a b#c?.txt")))
    return client


def test_the_owner_walks_through_the_folders_and_downloads(hub: RunningHub, shelf: BucketClient):
    alice = browser(hub, "alice")
    front = alice.get("/buckets/alice/shelf").text
    assert names(front) == ["runs", HOSTILE, "a b#c?.txt", "z.txt"]
    assert HOSTILE not in front
    assert names(alice.get("/buckets/alice/shelf/tree/runs").text) == ["1", "2"]
    deep = alice.get("/buckets/alice/shelf/tree/runs/1").text
    assert read(deep).css_first("a.up").attributes["href"] == "/buckets/alice/shelf/tree/runs"
    odd = next(cell for cell in read(front).css("td.name a") if cell.text() == "a b#c?.txt")
    assert alice.get(odd.attributes["href"] or "").content == small(1).made.content
    assert alice.get("/buckets/alice/shelf/tree/nothing", headers=HTML).status_code == 404
    assert alice.get("/buckets/alice/shelf/tree/%00", headers=HTML).status_code == 404
    listed = alice.get("/buckets/alice").text
    assert "shelf" in listed
    assert "/buckets/alice" in alice.get("/alice").text


def test_a_long_folder_comes_in_pages(hub: RunningHub, shelf: BucketClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tulou.delivery.pages.buckets.FILES_PAGE", 2)
    alice, url, seen = browser(hub, "alice"), "/buckets/alice/shelf", []
    while url:
        text = alice.get(url).text
        seen += names(text)
        following = read(text).css_first("a[rel=next]")
        url = following.attributes["href"] if following else None
    assert sorted(seen) == sorted([HOSTILE, "a b#c?.txt", "runs", "z.txt"])


def test_a_stranger_sees_what_is_there_for_a_missing_bucket(hub: RunningHub, shelf: BucketClient):
    hub.user("mallory")
    mallory = browser(hub, "mallory")
    for path in ("", "/tree", "/tree/runs", "/settings", "/resolve/z.txt"):
        hidden, missing = (mallory.get(f"/buckets/alice/{name}{path}", headers=HTML) for name in ("shelf", "other"))
        assert hidden.status_code == missing.status_code == 404
        assert hidden.text.replace("shelf", "other") == missing.text
    assert "shelf" not in mallory.get("/buckets/alice").text
    assert "/buckets/alice" not in mallory.get("/alice").text
    assert mallory.get("/buckets/nobody-here", headers=HTML).status_code == 404


def test_its_administrators_close_rename_and_delete_a_bucket(hub: RunningHub, shelf: BucketClient):
    alice = browser(hub, "alice")
    page = "/buckets/alice/shelf/settings"
    assert alice.post(page, data={"do": "visibility", "visibility": "public"}).status_code == 303
    assert shelf.info()["private"] is False
    hub.user("mallory")
    assert browser(hub, "mallory").get(page, headers=HTML).status_code == 403
    assert browser(hub, "mallory").post(page, data={"do": "delete", "confirm": "alice/shelf"}).status_code == 403
    assert alice.post(page, data={"do": "visibility", "visibility": "odd"}).status_code == 400
    assert alice.post(page, data={"do": "delete", "confirm": "shelf"}).status_code == 400
    assert alice.post(page, data={}).status_code == 400
    moved = alice.post(page, data={"do": "move", "owner": "alice", "name": "rack", "confirm": "alice/shelf"})
    assert moved.headers["location"].startswith("/buckets/alice/rack/settings")
    gone = alice.post("/buckets/alice/rack/settings", data={"do": "delete", "confirm": "alice/rack"})
    assert gone.headers["location"].startswith("/settings/deleted")
    assert "alice/rack" in alice.get("/settings/deleted").text
    assert alice.get("/buckets/alice/rack", headers=HTML).status_code == 404
    hub.settle()


def test_lists_of_repositories_stay_whole_beside_a_bucket(hub: RunningHub, shelf: BucketClient, tmp_path: Path):
    hub.user("root", admin=True)
    hub.repo("alice/m")
    hub.settle()
    root = browser(hub, "root")
    for path in LISTS:
        assert root.get(path).status_code == 200, path
    assert "alice/shelf" in root.get("/admin/repositories?kind=bucket").text
    assert "alice/shelf" not in root.get("/admin/repositories?kind=model").text
    assert "alice/shelf" not in root.get("/search?q=shelf").text
