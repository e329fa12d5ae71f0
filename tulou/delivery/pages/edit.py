"""Write, change and delete files in the browser: each is one commit, or one pull request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Budget, Login, Route, for_kinds
from tulou.delivery.pages import history, places, render
from tulou.delivery.pages.places import Place
from tulou.delivery.pages.repo_frame import frame
from tulou.features.cards.validate import Report, validate
from tulou.features.content import commit, diff, preview, pulls, rendered, tree, web_edit
from tulou.kernel.actor import Action
from tulou.kernel.errors import BadInput, EntryNotFound, HubError, StaleParent
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import EDIT_BYTES, KIB
from tulou.kernel.names import parse_path
from tulou.wire import hf_commit
from tulou.wire.hf_commit import DeletedFile, DeletedFolder, File, Header, Operation

_FORM_BYTES = 3 * EDIT_BYTES + 64 * KIB
_CARD = "---\nlicense: apache-2.0\n---\n\n# {name}\n\n"


@dataclass(frozen=True, slots=True)
class Draft:
    """What the editor holds: `path` is where the file is to be, `content` its text, `parent` the commit it was made for."""

    path: str
    content: str
    summary: str
    description: str
    as_pull: bool
    parent: str


async def edit(call: Call) -> ASGIApp:
    """Open a file in the editor."""
    return await _open(call, is_new=False)


async def new(call: Call) -> ASGIApp:
    """Open an empty editor; the address may name the folder or the file."""
    return await _open(call, is_new=True)


async def save(call: Call) -> ASGIApp:
    """Commit what the editor holds, or show what it would become."""
    return await _save(call, is_new=False)


async def create(call: Call) -> ASGIApp:
    """Commit a new file, or show what it would become."""
    return await _save(call, is_new=True)


async def ask_delete(call: Call) -> ASGIApp:
    """Ask whether a file or folder is to go."""
    return render.page(call, "delete.html", **await in_thread(_doomed, call), problem=None)


async def delete(call: Call) -> ASGIApp:
    """Delete a file or folder."""
    fields = dict(await call.form(64 * KIB))
    try:
        target = await in_thread(_delete, call, fields)
    except (BadInput, StaleParent) as problem:
        values = await in_thread(_doomed, call)
        return render.page(call, "delete.html", status=problem.status, **values, problem=problem.message)
    return RedirectResponse(target, 303, render.HEADERS)


async def _open(call: Call, *, is_new: bool) -> ASGIApp:
    def work() -> dict[str, Any]:
        place = places.find(call)
        places.require_branch(call, place, as_pull=not places.can_commit(call, place))
        draft = _blank(call, place) if is_new else _loaded(call, place)
        return _values(call, place, draft, is_new=is_new)

    return render.page(call, "edit.html", **await in_thread(work))


async def _save(call: Call, *, is_new: bool) -> ASGIApp:
    fields = dict(await call.form(_FORM_BYTES))

    def work() -> tuple[int, dict[str, Any]] | str:
        place = places.find(call)
        draft = _draft(fields)
        if fields.get("do") == "preview":
            return 200, _values(call, place, draft, is_new=is_new, is_preview=True)
        try:
            return _commit(call, place, draft, is_new=is_new)
        except StaleParent:
            # The text is kept; committing once more, knowingly, puts it on top of the newer version.
            newer = Draft(draft.path, draft.content, draft.summary, draft.description, draft.as_pull, str(place.commit))
            return 412, _values(call, place, newer, is_new=is_new, is_stale=True)
        except HubError as problem:
            if problem.status not in {400, 409, 413, 422}:
                raise
            return problem.status, _values(call, place, draft, is_new=is_new, problem=problem.message)

    done = await in_thread(work)
    if isinstance(done, str):
        return RedirectResponse(done, 303, render.HEADERS)
    return render.page(call, "edit.html", status=done[0], **done[1])


def _values(
    call: Call,
    place: Place,
    draft: Draft,
    *,
    is_new: bool,
    is_preview: bool = False,
    is_stale: bool = False,
    problem: str | None = None,
) -> dict[str, Any]:
    report = _report(call, draft) if is_preview or problem else None
    return {
        **frame(call, "files"),
        "place": place,
        "draft": draft,
        "is_new": is_new,
        "is_stale": is_stale,
        "is_preview": is_preview,
        "problem": problem,
        "report": report,
        "can_commit": places.can_commit(call, place),
        "can_propose": place.kind == "branch",
        "hunks": diff.compare(_before(call, place, is_new=is_new), _bytes(draft)) if is_preview else None,
        "laid": rendered.text(call.m, call.repo, draft.content, place.revision, draft.path)
        if is_preview and draft.path.lower().endswith(".md")
        else None,
        "rows": history.rows,
    }


def _blank(call: Call, place: Place) -> Draft:
    path = place.path
    if path and place.commit is not None:
        found = tree.at_paths(call.m, call.repo, place.commit, [path], expand=False)
        path = f"{path}/" if found and found[0].is_folder else path
    content = _CARD.format(name=call.repo.name.name) if path == "README.md" else ""
    return Draft(path, content, "", "", as_pull=False, parent=str(place.commit))


def _loaded(call: Call, place: Place) -> Draft:
    where = web_edit.location(call.m, call.repo, Sha1(str(place.commit)), place.path)
    if where is None:
        raise EntryNotFound
    text = preview.text_of(call.m, call.repo, where, EDIT_BYTES)
    if text is None or where.stored is not None:
        raise BadInput("This file cannot be changed in the browser: it is too large, or not a text.")
    return Draft(place.path, text, "", "", as_pull=False, parent=str(place.commit))


def _draft(fields: dict[str, str]) -> Draft:
    content = fields.get("content", "").replace("\r\n", "\n")
    if len(content.encode("utf-8", "replace")) > EDIT_BYTES:
        raise BadInput("The text is too long for the editor: upload the file instead.")
    return Draft(
        path=fields.get("path", "").strip().strip("/"),
        content=content,
        summary=fields.get("summary", "").strip()[:500],
        description=fields.get("description", "").strip().replace("\r\n", "\n"),
        as_pull=fields.get("where") == "pull",
        parent=fields.get("parent", ""),
    )


def _before(call: Call, place: Place, *, is_new: bool) -> bytes:
    where = None if is_new else web_edit.location(call.m, call.repo, Sha1(str(place.commit)), place.path)
    return (preview.text_of(call.m, call.repo, where, EDIT_BYTES) or "").encode() if where else b""


def _bytes(draft: Draft) -> bytes:
    return draft.content.encode("utf-8", "replace")


def _report(call: Call, draft: Draft) -> Report | None:
    return validate(call.repo.name.kind, draft.content) if draft.path == "README.md" else None


def _commit(call: Call, place: Place, draft: Draft, *, is_new: bool) -> str:
    """Commit the draft and return the address to go to."""
    as_pull = draft.as_pull or not places.can_commit(call, place)
    places.require_branch(call, place, as_pull=as_pull)
    path = parse_path(draft.path)
    report = _report(call, draft)
    if report is not None and report.errors:
        raise BadInput("The metadata of the card has mistakes: nothing was committed.")
    watched = path if is_new else place.path
    parent = web_edit.parent_for(call.m, call.repo, place.revision, watched, draft.parent)
    is_elsewhere = is_new or path != place.path
    if is_elsewhere and web_edit.location(call.m, call.repo, parent, path) is not None:
        raise BadInput("There is a file with this name already: open it in the editor instead.")
    content = _with_line_ends(call, place, draft, parent, is_new=is_new)
    web_edit.require_text(call.m, call.repo, place.revision, path, content)
    moved = [] if is_new or path == place.path else [DeletedFile(place.path)]
    summary = draft.summary or _summary(place, path, is_new=is_new)
    header = _header(summary, draft.description, parent)
    return _land(call, place, header, [File(path, content), *moved], path, as_pull=as_pull)


def _header(summary: str, description: str, parent: Sha1) -> Header:
    return hf_commit.header({"summary": summary, "description": description, "parentCommit": parent})


def _summary(place: Place, path: str, *, is_new: bool) -> str:
    if is_new:
        return f"Create {path}"
    return f"Update {path}" if path == place.path else f"Move {place.path} to {path}"


def _with_line_ends(call: Call, place: Place, draft: Draft, parent: Sha1, *, is_new: bool) -> bytes:
    """Forms send every line end as CR LF; keep those that the file had."""
    where = None if is_new else web_edit.location(call.m, call.repo, parent, place.path)
    old = preview.text_of(call.m, call.repo, where, EDIT_BYTES) if where else None
    is_windows = old is not None and "\r\n" in old and "\n" not in old.replace("\r\n", "")
    return (draft.content.replace("\n", "\r\n") if is_windows else draft.content).encode("utf-8", "replace")


def _land(call: Call, place: Place, header: Header, operations: list[Operation], shown: str, *, as_pull: bool) -> str:
    if as_pull:
        _, number = pulls.commit_as_pull(call.m, call.actor, call.repo, place.revision, header, operations)
        return place.url("blob" if shown else "tree", shown, f"refs/pr/{number}")
    commit.commit(call.m, call.actor, call.repo, place.revision, header, operations)
    return place.url("blob" if shown else "tree", shown)


def _doomed(call: Call) -> dict[str, Any]:
    place = places.find(call)
    places.require_branch(call, place, as_pull=not places.can_commit(call, place))
    found = tree.at_paths(call.m, call.repo, Sha1(str(place.commit)), [place.path], expand=False)
    if not found:
        raise EntryNotFound
    return {
        **frame(call, "files"),
        "place": place,
        "entry": found[0],
        "can_commit": places.can_commit(call, place),
        "can_propose": place.kind == "branch",
    }


def _delete(call: Call, fields: dict[str, str]) -> str:
    place = places.find(call)
    as_pull = fields.get("where") == "pull" or not places.can_commit(call, place)
    places.require_branch(call, place, as_pull=as_pull)
    parent = web_edit.parent_for(call.m, call.repo, place.revision, place.path, fields.get("parent", ""))
    found = tree.at_paths(call.m, call.repo, parent, [place.path], expand=False)
    if not found:
        raise EntryNotFound
    operation = DeletedFolder(place.path) if found[0].is_folder else DeletedFile(place.path)
    summary = fields.get("summary", "").strip()[:500] or f"Delete {place.path}"
    header = _header(summary, fields.get("description", "").strip().replace("\r\n", "\n"), parent)
    _land(call, place, header, [operation], "", as_pull=as_pull)
    # The folder above may be gone with its last file.
    return place.url("tree", "")


def _pages(methods: tuple[str, ...], pattern: str, handler: Any) -> list[Route]:
    options: dict[str, Any] = {"login": Login.COOKIE, "budget": Budget.PAGES}
    return for_kinds(methods, "/{account}/{name}" + pattern, handler, Action.READ_CONTENT, **options)


_GET, _POST = ("GET", "HEAD"), ("POST",)
ROUTES = [
    *_pages(_GET, "/edit/{revision}/{path*}", edit),
    *_pages(_POST, "/edit/{revision}/{path*}", save),
    *_pages(_GET, "/new/{revision}", new),
    *_pages(_GET, "/new/{revision}/{path*}", new),
    *_pages(_POST, "/new/{revision}", create),
    *_pages(_POST, "/new/{revision}/{path*}", create),
    *_pages(_GET, "/delete/{revision}/{path*}", ask_delete),
    *_pages(_POST, "/delete/{revision}/{path*}", delete),
]
