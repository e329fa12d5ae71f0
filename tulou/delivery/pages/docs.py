"""Documentation: a page of a site, and the same as Markdown, as a notebook, or all of a site as one text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import docs_open, render
from tulou.delivery.pages.docs_check import report
from tulou.delivery.pages.docs_open import open_site
from tulou.delivery.pages.docs_search import results
from tulou.delivery.pages.words import language_of
from tulou.features.docs import cards, check, export, manual, site
from tulou.features.docs.library import Tree
from tulou.features.docs.site import Shown, Site
from tulou.kernel.actor import Action
from tulou.kernel.errors import EntryNotFound
from tulou.kernel.names import GIT_KINDS

_TEXTS = {"llms.txt": export.index, "llms-full.txt": export.everything}


@dataclass(frozen=True, slots=True)
class Step:
    """The page before or after this one."""

    title: str
    url: str


async def page(call: Call) -> ASGIApp:
    """Show a page; with `.md`, `.ipynb` or `llms.txt` at the end of its address, the text for other readers."""
    return await in_thread(_page, call)


async def language(call: Call) -> ASGIApp:
    """Search the site, or lead to the first page in this language."""
    if call.query("q") is not None:
        return await in_thread(results, call)
    return await in_thread(_to_home, call)


async def revision(call: Call) -> ASGIApp:
    """Lead to the first page in the reader's language."""
    return await in_thread(_to_home, call)


async def newest(call: Call) -> ASGIApp:
    """Lead to the newest version that has documentation."""
    name = await in_thread(site.newest, call.m, call.repo)
    call.params["revision"] = name
    return await in_thread(_to_home, call)


async def front(call: Call) -> ASGIApp:
    """Lead to the hub's own manual."""
    return await in_thread(_to_home, call)


def _to_home(call: Call) -> ASGIApp:
    opened = open_site(call)
    asked = call.params.get("language")
    tree = opened.library.tree(asked) if asked else docs_open.language_for(opened, language_of(call.request.headers))
    home = tree.home or opened.library.default.home
    if home is None:
        raise EntryNotFound
    return RedirectResponse(f"{opened.base}/{tree.language}/{quote(home)}", 302, render.HEADERS)


def _page(call: Call) -> ASGIApp:
    opened = open_site(call)
    if call.params["revision"] != opened.revision:  # the manual is there in the version that runs only
        rest = f"{quote(call.params['language'])}/{quote(call.params['page'])}"
        return RedirectResponse(f"{opened.base}/{rest}", 302, render.HEADERS)
    tree = opened.library.tree(call.params["language"])
    asked = call.params["page"].strip("/")
    if asked in _TEXTS:
        return _text(call, _TEXTS[asked](opened, tree, call.base))
    if asked == "_check":
        return report(call, opened, tree)
    found = site.locate(opened, tree, asked)
    if found is not None:
        if _wants_markdown(call):
            return _text(call, export.markdown(opened, found[1]))
        if found[0] != asked:
            return RedirectResponse(f"{opened.base}/{tree.language}/{quote(found[0])}", 302, render.HEADERS)
        return _shown(call, site.show(call.m, opened, tree, *found))
    return _otherwise(call, opened, tree, asked)


def _otherwise(call: Call, opened: Site, tree: Tree, asked: str) -> ASGIApp:
    """Answer for an address that names no page: another form of one, or a page that moved. Raises EntryNotFound."""
    stem, dot, ending = asked.rpartition(".")
    found = site.locate(opened, tree, stem) if dot and stem else None
    if found is not None and ending == "md":
        return _text(call, export.markdown(opened, found[1]))
    if found is not None and ending == "ipynb":
        name = quote(found[0].rpartition("/")[2])
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}.ipynb", "X-Content-Type-Options": "nosniff"}
        return Response(export.notebook(opened, found[1]), headers=headers, media_type="application/x-ipynb+json")
    target = found[0] if found is not None and ending in {"html", "mdx"} else site.moved(opened, tree, asked)
    if target is None:
        raise EntryNotFound("There is no such page in this documentation.")
    return RedirectResponse(f"{opened.base}/{tree.language}/{quote(target)}", 302, render.HEADERS)


def _shown(call: Call, shown: Shown) -> Response:
    opened, tree, local = shown.site, shown.tree, shown.local
    there = tree.pages.keys() | opened.library.default.pages.keys()
    order = [entry for entry in tree.order if entry.local in there]
    at = next((number for number, entry in enumerate(order) if entry.local == local), None)
    base = f"{opened.base}/{tree.language}"
    versions = docs_open.versions(call, opened, tree, local)
    return render.page(
        call,
        "docs.html",
        site=opened,
        tree=tree,
        local=local,
        base_url=base,
        repo=call.found_repo,
        title=shown.page.title or tree.title(local) or local.rpartition("/")[2],
        anchor=shown.page.anchor,
        body=Markup(_filled(call, shown)),  # noqa: S704 - sanitised, see platform/markup/docs_page.py
        toc=[heading for heading in shown.page.toc if heading.level in {2, 3}],
        is_plain=shown.page.is_plain,
        is_translated=shown.language == tree.language,
        text_language=shown.language,
        languages=docs_open.languages(opened, tree, local),
        versions=versions,
        newest=docs_open.newer(call, versions),
        before=_step(base, order[at - 1]) if at else None,
        after=_step(base, order[at + 1]) if at is not None and at + 1 < len(order) else None,
        edit_url=_edit_url(call, shown),
        is_stale=site.is_stale(call.m, opened, tree, local),
        original_url=f"{opened.base}/{opened.library.default.language}/{quote(local)}",
        can_check=docs_open.may_write(call),
        problems=_problems(call, opened),
    )


def _filled(call: Call, shown: Shown) -> str:
    """Return the text with its cards as this reader may see them."""
    if not shown.page.cards:
        return shown.page.html
    seen = cards.seen(call.m, call.actor, shown.page.cards)
    reader = render.reader_of(call)
    drawn = {
        card: render.text("docs_card.html", reader, item=seen.get(card), full=card.partition(":")[2]) for card in shown.page.cards
    }
    return cards.fill(shown.page.html, drawn)


def _problems(call: Call, opened: Site) -> int:
    """Return how much leads nowhere, for those who can mend it; nothing while nobody has looked."""
    found = check.known(call.m, opened) if docs_open.may_write(call) else None
    return len(found.findings) if found else 0


def _step(base: str, entry: Any) -> Step:
    return Step(entry.title, f"{base}/{quote(entry.local)}")


def _edit_url(call: Call, shown: Shown) -> str | None:
    if not docs_open.may_write(call) or shown.site.revision != call.repo.default_branch:
        return None
    return f"/{call.repo.name.path}/edit/{quote(shown.site.revision, safe='')}/{quote(shown.path)}"


def _wants_markdown(call: Call) -> bool:
    accept = call.request.headers.get("accept", "")
    return "text/html" not in accept and ("text/markdown" in accept or "text/plain" in accept)


def _text(call: Call, text: str) -> Response:
    headers = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff", "Vary": "Accept, Cookie"}
    return Response(text, headers=headers, media_type="text/markdown; charset=utf-8")


def _routes() -> list[Route]:
    options: dict[str, Any] = {"login": Login.EITHER, "budget": Budget.PAGES}
    methods = ("GET", "HEAD")
    found = [Route(methods, "/docs", front, Access.PUBLIC, **options)]
    ways = (
        ("", newest),
        ("/{revision}", revision),
        ("/{revision}/{language}", language),
        ("/{revision}/{language}/{page*}", page),
    )
    for kind in GIT_KINDS:
        start = f"/docs/{kind.prefix}{{account}}/{{name}}"
        found += [Route(methods, start + end, handler, Action.READ_CONTENT, kind=kind, **options) for end, handler in ways]
    start = f"/docs/{manual.NAME}"
    own = (("", front), ("/{revision}", front), *ways[2:])
    return [*found, *(Route(methods, start + end, handler, Access.PUBLIC, **options) for end, handler in own)]


ROUTES = _routes()
