"""The tensors of a model: a tree of names with shapes and types, read from the header of a file."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Budget, Login, for_kinds
from tulou.delivery.pages import render
from tulou.delivery.pages.repo_frame import frame
from tulou.features.cards import tensor_tree, tensors
from tulou.features.content import revisions
from tulou.kernel.actor import Action
from tulou.kernel.errors import RevisionNotFound, TooLarge, WireError

_PAGES = 10_000


async def show(call: Call) -> ASGIApp:
    """Show the tensors of a file, or of the first file that has any."""
    return render.page(call, "repo_tensors.html", **await in_thread(_show, call))


def _show(call: Call) -> dict[str, Any]:
    repo, asked = call.repo, call.params.get("revision")
    values: dict[str, Any] = {
        **frame(call, "tensors"),
        "revision": quote(asked or repo.default_branch, safe=""),
        **dict.fromkeys(("path", "found", "problem")),
        "files": [], "nodes": [], "at": "", "page": 0, "has_more": False,
    }
    try:
        commit = revisions.commit_of(call.m, repo, asked or repo.default_branch)
    except RevisionNotFound:
        if asked is not None:
            raise
        return values  # nothing was ever committed
    files = tensors.files_at(call.m, repo, commit)
    path = call.params.get("path") or (files[0] if files else None)
    values |= {"files": files, "path": path}
    if path is None:
        return values
    try:
        found = tensors.of_file(call.m, repo, commit, path)
    except (WireError, TooLarge) as problem:
        return values | {"problem": problem.message}
    return values | {"found": found, **_tree(call, found)}


def _tree(call: Call, found: tensors.Tensors) -> dict[str, Any]:
    at, number = call.query("at") or "", call.query("page") or ""
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 6 and int(number) < _PAGES else 0
    group, has_more = tensor_tree.cut(tensor_tree.grow(found.tensors, at), page)
    return {"at": group.prefix if group.count else "", "nodes": group.children, "page": page, "has_more": has_more}


_OPTIONS: dict[str, Any] = {"login": Login.COOKIE, "budget": Budget.PAGES}
_READ = ("GET", "HEAD")
ROUTES = [
    *for_kinds(_READ, "/{account}/{name}/tensors", show, Action.READ_CONTENT, **_OPTIONS),
    *for_kinds(_READ, "/{account}/{name}/tensors/{revision}/{path*}", show, Action.READ_CONTENT, **_OPTIONS),
]
