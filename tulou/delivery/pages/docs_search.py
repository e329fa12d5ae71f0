"""Search the documentation of one site."""

from __future__ import annotations

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call
from tulou.delivery.pages import docs_open, render
from tulou.features.docs import search


def results(call: Call) -> ASGIApp:
    """Show the sections that have the words of `q`."""
    opened = docs_open.open_site(call)
    tree = opened.library.tree(call.params["language"])
    query = (call.query("q") or "").strip()[: search.QUERY_CHARS]
    answer = search.find(call.m, opened, tree, query)
    return render.page(
        call,
        "docs_search.html",
        site=opened,
        tree=tree,
        local="",
        repo=call.found_repo,
        base_url=f"{opened.base}/{tree.language}",
        query=query,
        items=answer.items,
        is_ready=answer.is_ready,
        languages=[],
        versions=[],
    )
