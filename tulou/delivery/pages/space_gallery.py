"""Begin a Space from one that works: the gallery of templates, and the form that makes one yours."""

from __future__ import annotations

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.forms import fields, me, owners, see
from tulou.features.spaces import templates
from tulou.features.spaces.templates import Template
from tulou.kernel.errors import BadInput, HubError, NotFound
from tulou.kernel.names import RepoKind, parse_repo_name


async def gallery(call: Call) -> ASGIApp:
    """Show the templates."""
    return render.page(call, "space_gallery.html", templates=templates.everything())


async def ask(call: Call) -> ASGIApp:
    """Show one template, and ask for a name."""
    return await in_thread(_page, call, _template(call), {}, None)


async def make(call: Call) -> ASGIApp:
    """Make the Space, and go there."""
    template, form = _template(call), await fields(call)

    def act() -> str:
        name = parse_repo_name(RepoKind.SPACE, form.get("owner", ""), form.get("name", "").strip())
        return f"/{templates.create(call.m, call.actor, name, template, visibility=form.get('visibility') or None).name.path}"

    try:
        onward = await in_thread(act)
    except HubError as problem:
        return await in_thread(_page, call, template, form, problem)
    return see(onward)


def _template(call: Call) -> Template:
    try:
        return templates.find(call.params["key"])
    except BadInput as cause:
        raise NotFound("There is no such template.") from cause


def _page(call: Call, template: Template, form: dict[str, str], problem: HubError | None) -> ASGIApp:
    account = me(call)
    contents = {path: body.decode() for path, body in templates.files(template).items() if path != "README.md"}
    return render.page(
        call,
        "space_from.html",
        status=problem.status if problem else 200,
        chosen=template,
        files=contents,
        owners=owners(call),
        typed=form,
        visibility=form.get("visibility") or account.default_visibility,
        problem=problem,
    )


ROUTES = [
    Route(("GET", "HEAD"), "/new/space", gallery, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
    Route(("GET", "HEAD"), "/new/space/{key}", ask, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/new/space/{key}", make, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
]
