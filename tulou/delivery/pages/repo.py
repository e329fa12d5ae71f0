"""A plain page for a repository: its card as text, its files, and how to get it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Budget, Login, Route, for_kinds
from tulou.delivery.pages import render
from tulou.features.content import resolve, revisions, tree
from tulou.features.content.tree import Page
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Action
from tulou.kernel.errors import EntryNotFound, RevisionNotFound, TooLarge
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import CARD_BYTES
from tulou.kernel.names import RepoKind, parse_path

_FILES = 500


@dataclass(frozen=True, slots=True)
class Snippet:
    """A way to get the repository: what it is for, and what to type."""

    title: str
    code: str


async def front(call: Call) -> ASGIApp:
    """Show the card and the files of the default branch."""
    return render.page(call, "repo.html", **await in_thread(_shown, call, call.repo.default_branch, ""))


async def folder(call: Call) -> ASGIApp:
    """Show the files of a folder at a revision."""
    path = call.params.get("path", "").strip("/")
    values = await in_thread(_shown, call, call.params["revision"], parse_path(path) if path else "")
    return render.page(call, "repo.html", **values)


async def file(call: Call) -> ASGIApp:
    """Lead from a file's page, which other tools link to, to the file."""
    target = f"{_page(call.repo)}/resolve/{quote(call.params['revision'], safe='')}/{quote(call.params['path'])}"
    return RedirectResponse(target, 302)


async def commit(call: Call) -> ASGIApp:
    """Lead from a commit's page, which other tools link to, to the files at that commit."""
    return RedirectResponse(f"{_page(call.repo)}/tree/{quote(call.params['revision'], safe='')}", 302)


def _shown(call: Call, revision: str, path: str) -> dict[str, Any]:
    repo = call.repo
    try:
        at = revisions.commit_of(call.m, repo, revision)
    except RevisionNotFound:
        if revision != repo.default_branch:
            raise
        at = None  # nothing was ever committed
    page = _listing(call, repo, at, path) if at else Page([], None)
    return {
        "repo": repo,
        "page": _page(repo),
        "revision": quote(revision, safe=""),
        "shown_revision": revision,
        "path": path,
        "up": path.rpartition("/")[0],
        "entries": sorted(page.entries, key=lambda entry: (not entry.is_folder, entry.path)),
        "is_cut": page.cursor is not None,
        "card": _card(call, repo, at) if at and not path else None,
        "snippets": snippets(repo, call.base),
    }


def _listing(call: Call, repo: Repo, at: Sha1, path: str) -> Page:
    return tree.listing(call.m, repo, at, path, recursive=False, expand=False, limit=_FILES, cursor=None)


def _card(call: Call, repo: Repo, at: Sha1) -> str | None:
    try:
        return resolve.read_file(call.m, repo, at, "README.md", CARD_BYTES).decode("utf-8", "replace")
    except (EntryNotFound, TooLarge):
        return None


def _page(repo: Repo) -> str:
    return f"/{repo.name.path}"


def snippets(repo: Repo, base: str) -> list[Snippet]:
    """Return what to type to get a repository; its name passed the grammar, so it needs no quoting."""
    full, kind = repo.name.full, repo.name.kind
    option = "" if kind is RepoKind.MODEL else f" --repo-type {kind.value}"
    found = [
        Snippet("hf", f"export HF_ENDPOINT={base}\nhf download {full}{option}"),
        Snippet("git", f"git clone {base}/{repo.name.path}"),
    ]
    if kind is RepoKind.DATASET:
        found.append(Snippet("datasets", f'from datasets import load_dataset\nload_dataset("{full}")'))
    if kind is RepoKind.MODEL:
        found.append(Snippet("transformers", f'from transformers import AutoModel\nAutoModel.from_pretrained("{full}")'))
    return found


def _pages(pattern: str, handler: Any) -> list[Route]:
    options: dict[str, Any] = {"login": Login.COOKIE, "budget": Budget.PAGES}
    return for_kinds(("GET", "HEAD"), "/{account}/{name}" + pattern, handler, Action.READ_INFO, **options)


ROUTES = [
    *_pages("", front),
    *_pages("/tree/{revision}", folder),
    *_pages("/tree/{revision}/{path*}", folder),
    *_pages("/blob/{revision}/{path*}", file),
    *_pages("/commit/{revision}", commit),
]
