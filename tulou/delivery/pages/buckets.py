"""The pages of buckets: those of an account, and the files of one, folder by folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.snippets import Snippet
from tulou.features.access.rules import Decision, decide
from tulou.features.accounts import lookup as accounts
from tulou.features.buckets import browse
from tulou.features.buckets.model import File, Folder, Overview
from tulou.kernel.actor import Action
from tulou.kernel.errors import AccountNotFound, EntryNotFound
from tulou.kernel.limits import NAME_CHARS
from tulou.kernel.names import RepoKind, parse_account

FILES_PAGE = 200
BUCKETS_PAGE = 50


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a bucket's pages, drawn by `bucket_base.html`."""

    bucket: Overview
    page: str
    """The path of its front page: every address of it begins so."""
    tab: str
    can_admin: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the listing; a folder has no size."""

    name: str
    url: str
    size: int | None
    at: int | None


async def of_account(call: Call) -> ASGIApp:
    """List the buckets of an account."""
    return render.page(call, "buckets.html", **await in_thread(_account, call))


async def folder(call: Call) -> ASGIApp:
    """Show a folder of a bucket."""
    return render.page(call, "bucket.html", **await in_thread(_folder, call))


def head(call: Call, tab: str) -> Head:
    """Return what surrounds every page of a bucket."""
    found = browse.overview(call.m, call.repo)
    return Head(found, f"/{found.name.path}", tab, _may(call, Action.ADMIN))


def _may(call: Call, action: Action) -> bool:
    return decide(call.actor, call.repo, action) is Decision.ALLOW


def _account(call: Call) -> dict[str, Any]:
    owner = accounts.by_name(call.m, parse_account(call.params["account"]))
    if owner is None:
        raise AccountNotFound
    after = _plain(call.query("cursor"))[:NAME_CHARS]
    found = browse.of_account(call.m, call.actor, owner, word="", after=after, limit=BUCKETS_PAGE + 1)
    cursor = found[BUCKETS_PAGE - 1].name.name if len(found) > BUCKETS_PAGE else None
    return {"account": owner, "buckets": found[:BUCKETS_PAGE], "cursor": cursor}


def _folder(call: Call) -> dict[str, Any]:
    path, cursor = _plain(call.params.get("path")).strip("/"), call.query("cursor")
    prefix = f"{path}/" if path else ""
    start = None if cursor is None else _plain(cursor)
    page = browse.level(call.m, call.repo, prefix, cursor=start, limit=FILES_PAGE)
    if path and not page.entries and cursor is None:
        raise EntryNotFound("There is no such folder in this bucket.")
    is_whole = page.cursor is None and cursor is None
    entries = sorted(page.entries, key=lambda entry: isinstance(entry, File)) if is_whole else page.entries
    shown = head(call, "files")
    return {
        "head": shown,
        "path": path,
        "crumbs": _crumbs(shown.page, path),
        "rows": [_row(shown.page, entry) for entry in entries],
        "above": _tree(shown.page, path.rpartition("/")[0]),
        "first": _tree(shown.page, path),
        "cursor": page.cursor,
        "is_first": cursor is None,
        "snippets": _snippets(call, shown.bucket, path, can_write=_may(call, Action.WRITE)),
    }


def _crumbs(page: str, path: str) -> list[tuple[str, str]]:
    parts = path.split("/") if path else []
    return [(part, _tree(page, "/".join(parts[: number + 1]))) for number, part in enumerate(parts)]


def _row(page: str, entry: File | Folder) -> Row:
    name = entry.path.rpartition("/")[2]
    if isinstance(entry, Folder):
        return Row(name, _tree(page, entry.path), None, entry.uploaded_at)
    return Row(name, f"{page}/resolve/{quote(entry.path)}", entry.size, entry.mtime or entry.uploaded_at)


def _tree(page: str, path: str) -> str:
    return f"{page}/tree/{quote(path)}" if path else page


def _snippets(call: Call, bucket: Overview, path: str, *, can_write: bool) -> list[Snippet]:
    """Return how to fetch the folder and, for those who may, how to fill it. Paths with signs of the shell stay out of it."""
    safe = path if path.replace("/", "").replace("-", "").replace("_", "").replace(".", "").isalnum() and path.isascii() else ""
    remote = f"hf://buckets/{bucket.name.full}" + (f"/{safe}" if safe else "")
    reach = f"export HF_ENDPOINT={call.base}\n"
    found = [Snippet("hf", "bash", f"{reach}hf buckets sync {remote} ./folder")]
    if can_write:
        found.append(Snippet("hf ↑", "bash", f"{reach}hf auth login\nhf buckets sync ./folder {remote}"))
    return [*found, Snippet("fsspec", "python", _PYTHON.format(base=call.base, remote=remote))]


_PYTHON = """from huggingface_hub import HfFileSystem

fs = HfFileSystem(endpoint="{base}")
print(fs.ls("{remote}"))"""


def _plain(text: str | None) -> str:
    if text is not None and "\0" in text:
        raise EntryNotFound
    return text or ""


_PAGES: dict[str, Any] = {"login": Login.COOKIE, "budget": Budget.PAGES}
_READ = ("GET", "HEAD")
ROUTES = [
    Route(_READ, "/buckets/{account}", of_account, Access.PUBLIC, **_PAGES),
    Route(_READ, "/buckets/{account}/{name}", folder, Action.READ_CONTENT, kind=RepoKind.BUCKET, **_PAGES),
    Route(_READ, "/buckets/{account}/{name}/tree", folder, Action.READ_CONTENT, kind=RepoKind.BUCKET, **_PAGES),
    Route(_READ, "/buckets/{account}/{name}/tree/{path*}", folder, Action.READ_CONTENT, kind=RepoKind.BUCKET, **_PAGES),
]
