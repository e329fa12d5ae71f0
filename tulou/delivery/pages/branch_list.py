"""Branches and tags: list, make, delete."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Budget, Login, Route, for_kinds
from tulou.delivery.pages import render
from tulou.delivery.pages.repo_frame import frame
from tulou.features.content import branches, ref_list
from tulou.kernel.actor import Action
from tulou.kernel.errors import BadInput, HubError
from tulou.kernel.limits import KIB

_FORM_BYTES = 16 * KIB
_REFUSED = frozenset({400, 404, 409, 422})


async def show(call: Call) -> ASGIApp:
    """List them."""
    return render.page(call, "branches.html", **await in_thread(_values, call))


async def change(call: Call) -> ASGIApp:
    """Make or delete one."""
    fields = dict(await call.form(_FORM_BYTES))
    try:
        await in_thread(_change, call, fields)
    except HubError as problem:
        if problem.status not in _REFUSED:
            raise
        values = await in_thread(_values, call, problem.message, fields)
        return render.page(call, "branches.html", status=problem.status, **values)
    return RedirectResponse(f"/{call.repo.name.path}/branches", 303, render.HEADERS)


def _values(call: Call, problem: str | None = None, fields: dict[str, str] | None = None) -> dict[str, Any]:
    page = f"/{call.repo.name.path}"

    def url(verb: str, name: str) -> str:
        return f"{page}/{verb}/{quote(name, safe='')}"

    return {
        **frame(call, "files"),
        "found": ref_list.refs_with_commits(call.m, call.repo),
        "url": url,
        "problem": problem,
        "fields": fields or {},
    }


def _change(call: Call, fields: dict[str, str]) -> None:
    m, actor, repo = call.m, call.actor, call.repo
    wanted, name = fields.get("do", ""), fields.get("name", "").strip()
    start = fields.get("start", "").strip() or repo.default_branch
    if wanted == "make-branch":
        branches.create_branch(m, actor, repo, name, start)
    elif wanted == "make-tag":
        branches.create_tag(m, actor, repo, name, start, _message(fields))
    elif wanted == "delete-branch":
        branches.delete_branch(m, actor, repo, name)
    elif wanted == "delete-tag":
        branches.delete_tag(m, actor, repo, name)
    else:
        raise BadInput("The form must say what to do.")


def _message(fields: dict[str, str]) -> str | None:
    message = fields.get("message", "").strip().replace("\r\n", "\n")
    if "\0" in message:
        raise BadInput("The message has a NUL character.")
    return message or None


def _pages(methods: tuple[str, ...], handler: Any, access: Action) -> list[Route]:
    options: dict[str, Any] = {"login": Login.COOKIE, "budget": Budget.PAGES}
    return for_kinds(methods, "/{account}/{name}/branches", handler, access, **options)


ROUTES = [*_pages(("GET", "HEAD"), show, Action.READ_INFO), *_pages(("POST",), change, Action.WRITE)]
