"""Upload files from the browser: by a plain form, or by the page's script, which sends them one by one."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp

from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread, objects, text
from tulou.delivery.kit.intake import in_slow_thread, pour
from tulou.delivery.kit.multipart import Form
from tulou.delivery.kit.routes import Budget, Login, Route, for_kinds
from tulou.delivery.pages import places, render
from tulou.delivery.pages.places import Place
from tulou.delivery.pages.repo_frame import frame
from tulou.features.content import commit, pulls, web_upload
from tulou.features.content.preupload import Candidate
from tulou.features.content.spool import HashedSpool
from tulou.features.content.web_upload import Received
from tulou.kernel.actor import Action
from tulou.kernel.errors import BadInput, HubError
from tulou.kernel.limits import COMMIT_BYTES, FORM_UPLOAD_BYTES, KIB, LFS_BATCH, NDJSON_LINE, PREUPLOAD_FILES
from tulou.kernel.names import parse_path
from tulou.wire import hf_commit, lfs
from tulou.wire.hf_commit import Header, Operation

_REFUSED = frozenset({400, 403, 409, 412, 413, 422})


async def show(call: Call) -> ASGIApp:
    """Show the form."""
    return render.page(call, "upload.html", **await in_thread(_values, call))


def _values(call: Call, problem: str | None = None) -> dict[str, Any]:
    place = places.find(call)
    places.require_branch(call, place, as_pull=False)
    return {**frame(call, "files"), "place": place, "can_propose": place.kind == "branch", "problem": problem}


async def receive(call: Call) -> ASGIApp:
    """Commit the files of the form."""
    place = await in_thread(places.find, call)
    await in_thread(lambda: places.require_branch(call, place, as_pull=False))
    with ExitStack() as open_files:
        inbox = _Inbox(call, place, open_files)
        form = Form.of(call, inbox.open)
        try:
            await pour(call, form.feed)
            form.close()
            target = await in_slow_thread(_commit, call, place, form, inbox.received)
        except HubError as problem:
            if problem.status not in _REFUSED:
                raise
            return render.page(call, "upload.html", status=problem.status, **await in_thread(_values, call, problem.message))
    return RedirectResponse(target, 303, render.HEADERS)


class _Inbox:
    """The files of one form: each goes to a spool of its own, all together up to a limit."""

    def __init__(self, call: Call, place: Place, open_files: ExitStack) -> None:
        self._m = call.m
        self._folder = place.path
        self._open_files = open_files
        self.received: list[Received] = []

    def open(self, name: str) -> HashedSpool:
        """Make room for a file. A name with slashes comes from a folder that was chosen."""
        path = parse_path(f"{self._folder}/{name}" if self._folder else name)
        left = FORM_UPLOAD_BYTES - sum(item.spool.size for item in self.received)
        spool = self._open_files.enter_context(HashedSpool(self._m, limit=left))
        self.received.append(Received(path, spool))
        return spool


def _commit(call: Call, place: Place, form: Form, received: list[Received]) -> str:
    if not received:
        raise BadInput("Choose at least one file.")
    fields = form.fields
    operations = web_upload.operations(call.m, call.actor, call.repo, place.revision, received)
    named = received[0].path if len(received) == 1 else f"{len(received)} files"
    summary = fields.get("summary", "").strip()[:500] or f"Upload {named}"
    header = hf_commit.header({"summary": summary, "description": fields.get("description", "").strip().replace("\r\n", "\n")})
    return _land(call, place, header, operations, as_pull=fields.get("where") == "pull")[1]


def _land(call: Call, place: Place, header: Header, operations: Iterable[Operation], *, as_pull: bool) -> tuple[str, str]:
    """Commit, and return the commit and the page to go to."""
    if as_pull:
        places.require_branch(call, place, as_pull=True)
        oid, number = pulls.commit_as_pull(call.m, call.actor, call.repo, place.revision, header, operations)
        return oid, place.url("tree", revision=f"refs/pr/{number}")
    return commit.commit(call.m, call.actor, call.repo, place.revision, header, operations), place.url("tree")


async def advise(call: Call) -> ASGIApp:
    """Tell the script how to send each file: in the commit, or to large-file storage."""
    body = await call.json()
    candidates = [_candidate(item) for item in objects(body, "files", limit=PREUPLOAD_FILES)]
    found = await in_thread(web_upload.advise, call.m, call.repo, call.params["revision"], candidates)
    return answers.json({"files": [{"path": one.path, "large": one.is_large, "ignored": one.ignored} for one in found]})


def _candidate(item: dict[str, Any]) -> Candidate:
    size, sample = item.get("size"), text(item, "sample", default="", limit=4 * KIB)
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise BadInput("Every file needs its size in bytes.")
    try:
        return Candidate(parse_path(text(item, "path")), size, base64.b64decode(sample, validate=True))
    except ValueError as cause:  # binascii.Error is one; letters beyond ASCII raise the plain kind
        raise BadInput("The 'sample' of a file must be base64.") from cause


async def links(call: Call) -> ASGIApp:
    """Tell the script where to put large files."""
    request = lfs.parse_batch({**await call.json(), "operation": "upload"})
    found = await in_thread(web_upload.links, call.m, call.actor, call.repo, list(request.objects[:LFS_BATCH]))
    return answers.json(found.to_json())


async def finish(call: Call) -> ASGIApp:
    """Commit what the script sent: a body of one JSON object a line, as the API takes it."""
    place = await in_thread(places.find, call)
    as_pull = call.flag("create_pr")
    await in_thread(lambda: places.require_branch(call, place, as_pull=as_pull))
    async with call.spool(COMMIT_BYTES) as file:

        def work() -> dict[str, str]:
            # A line longer than the limit comes in two pieces, and the first is refused.
            header, operations = hf_commit.parse(iter(lambda: file.readline(NDJSON_LINE + 1), b""))
            oid, target = _land(call, place, header, operations, as_pull=as_pull)
            return {"commit": oid, "url": target}

        return answers.json(await in_slow_thread(work))


def _pages(methods: tuple[str, ...], pattern: str, handler: Any) -> list[Route]:
    options: dict[str, Any] = {"login": Login.COOKIE, "budget": Budget.PAGES}
    return for_kinds(methods, "/{account}/{name}" + pattern, handler, Action.WRITE, **options)


_GET, _POST = ("GET", "HEAD"), ("POST",)
ROUTES = [
    *_pages(_GET, "/upload/{revision}", show),
    *_pages(_GET, "/upload/{revision}/{path*}", show),
    *_pages(_POST, "/upload/{revision}", receive),
    *_pages(_POST, "/upload/{revision}/{path*}", receive),
    *_pages(_POST, "/upload-advice/{revision}", advise),
    *_pages(_POST, "/upload-links/{revision}", links),
    *_pages(_POST, "/upload-commit/{revision}", finish),
    *_pages(_POST, "/upload-commit/{revision}/{path*}", finish),
]
