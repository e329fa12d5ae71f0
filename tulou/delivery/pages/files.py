"""The files of a repository at a revision, folder by folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Budget, Login, Route, for_kinds
from tulou.delivery.pages import places, render
from tulou.delivery.pages.places import Place
from tulou.delivery.pages.repo_frame import frame
from tulou.features.access.rules import Decision, decide
from tulou.features.content import log, rendered, resolve, tree
from tulou.features.content.log import Commit
from tulou.features.content.rendered import Laid
from tulou.features.content.tree import Entry, Page
from tulou.kernel.actor import Action
from tulou.kernel.errors import EntryNotFound

FILES_PAGE = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the listing. A submodule has no page."""

    name: str
    url: str | None
    entry: Entry
    download: str | None


async def folder(call: Call) -> ASGIApp:
    """Show a folder: what each entry is, and the commit that last changed it."""
    return render.page(call, "files.html", **await in_thread(_shown, call))


def _shown(call: Call) -> dict[str, Any]:
    place = places.find(call, may_be_empty=True)
    page = _page(call, place)
    is_whole = page.cursor is None and call.query("cursor") is None
    entries = sorted(page.entries, key=lambda entry: (not entry.is_folder, entry.path.lower())) if is_whole else page.entries
    return {
        **frame(call, "files"),
        "place": place,
        "rows": [_row(place, entry) for entry in entries],
        "is_bare": not place.path and all(entry.path == ".gitattributes" for entry in entries),
        "cursor": page.cursor,
        "is_first": call.query("cursor") is None,
        "last": _last(call, place, entries),
        "switcher": places.switcher(call),
        "verb": "tree",
        "can_commit": places.can_commit(call, place),
        "readme": _readme(call, place, entries) if place.path else None,
    }


def _page(call: Call, place: Place) -> Page:
    if place.commit is None:
        if place.path:
            raise EntryNotFound
        return Page([], None)
    return tree.listing(
        call.m, call.repo, place.commit, place.path,
        recursive=False, expand=True, limit=FILES_PAGE, cursor=call.query("cursor"),
    )  # fmt: skip


def _row(place: Place, entry: Entry) -> Row:
    name = entry.path.rpartition("/")[2]
    if entry.is_submodule:
        return Row(name, None, entry, None)
    if entry.is_folder:
        return Row(name, place.url("tree", entry.path), entry, None)
    return Row(name, place.url("blob", entry.path), entry, place.url("resolve", entry.path))


def _last(call: Call, place: Place, entries: list[Entry]) -> Commit | None:
    """Return the commit to show above the listing: the newest of all, or the last that changed something in the folder."""
    if place.commit is None:
        return None
    if not place.path:
        return log.commits(call.m, call.repo, place.commit, 0, 1)[0]
    return max((e.last_commit for e in entries if e.last_commit), key=lambda commit: commit.at, default=None)


def _readme(call: Call, place: Place, entries: list[Entry]) -> Laid | None:
    """Lay out the README of a folder; that of the root is the card, which has a tab of its own."""
    found = next((e for e in entries if e.path.rpartition("/")[2].lower() == "readme.md" and not e.is_folder), None)
    if found is None or place.commit is None or decide(call.actor, call.repo, Action.READ_CONTENT) is not Decision.ALLOW:
        return None
    return rendered.markdown(call.m, call.repo, resolve.locate(call.m, call.repo, place.commit, found.path), place.revision)


def _pages(pattern: str) -> list[Route]:
    options: dict[str, Any] = {"login": Login.COOKIE, "budget": Budget.PAGES}
    return for_kinds(("GET", "HEAD"), "/{account}/{name}" + pattern, folder, Action.READ_INFO, **options)


ROUTES = [*_pages("/tree/{revision}"), *_pages("/tree/{revision}/{path*}")]
