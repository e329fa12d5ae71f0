"""One file on a page: its text, picture, table or notebook, and everything one can do with it."""

from __future__ import annotations

from typing import Any

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp

from tulou.delivery.kit import usercontent
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Budget, Login, for_kinds
from tulou.delivery.pages import places, render
from tulou.delivery.pages.repo_frame import frame
from tulou.features.content import preview, resolve, tree
from tulou.features.content.preview import Look
from tulou.features.content.resolve import Location
from tulou.kernel.actor import Action
from tulou.kernel.errors import EntryNotFound
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import EDIT_BYTES


async def file(call: Call) -> ASGIApp:
    """Show a file; a folder's address leads to its listing."""
    found = await in_thread(_shown, call)
    if isinstance(found, str):
        return RedirectResponse(found, 302, render.HEADERS)
    return render.page(call, "blob.html", frame_source=usercontent.origin(call.m.settings, call.base), **found)


def _shown(call: Call) -> dict[str, Any] | str:
    place = places.find(call)
    entries = tree.at_paths(call.m, call.repo, _commit(place), [place.path], expand=True)
    if not entries:
        raise EntryNotFound(commit=place.commit)
    entry = entries[0]
    if entry.is_folder:
        return place.url("tree")
    location = resolve.locate(call.m, call.repo, _commit(place), place.path)
    is_source = call.query("view") == "source"
    shown = preview.of(call.m, call.repo, location, place.revision, as_source=is_source)
    return {
        **frame(call, "files"),
        "place": place,
        "entry": entry,
        "preview": shown,
        "looks": Look,
        "is_source": is_source,
        "has_source": preview.look_of(place.path) in preview.HAVE_SOURCE and entry.lfs is None,
        "framed": _framed(call, location) if shown.look is Look.FRAMED else None,
        "switcher": places.switcher(call),
        "verb": "blob",
        "can_commit": places.can_commit(call, place),
        "can_propose": place.kind == "branch" and call.actor.user_id is not None,
        "is_editable": entry.lfs is None and entry.size <= EDIT_BYTES and shown.look not in _NOT_TEXT,
    }


_NOT_TEXT = frozenset({Look.BINARY, Look.IMAGE, Look.AUDIO, Look.VIDEO, Look.TENSORS})


def _framed(call: Call, location: Location) -> str | None:
    return usercontent.link(call.m, call.base, call.actor, call.repo, location)


def _commit(place: places.Place) -> Sha1:
    if place.commit is None:
        raise EntryNotFound
    return place.commit


ROUTES = for_kinds(
    ("GET", "HEAD"), "/{account}/{name}/blob/{revision}/{path*}", file, Action.READ_CONTENT,
    login=Login.COOKIE, budget=Budget.PAGES,
)  # fmt: skip
