"""What leads nowhere in a site: for those who can mend it."""

from __future__ import annotations

from urllib.parse import quote

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call
from tulou.delivery.pages import docs_open, render
from tulou.features.access import gate
from tulou.features.docs import check
from tulou.features.docs.library import Tree
from tulou.features.docs.site import Site
from tulou.kernel.actor import Action
from tulou.kernel.errors import EntryNotFound

WHAT = {
    "link": "Links", "anchor": "Anchors", "image": "Pictures", "object": "Names of objects", "autodoc": "Objects to describe",
    "tag": "Components", "contents": "Contents", "card": "Cards",
}  # fmt: skip


def report(call: Call, opened: Site, tree: Tree) -> ASGIApp:
    """Show the report of a site at a revision. Raises Forbidden, EntryNotFound."""
    if call.found_repo is None:
        raise EntryNotFound("There is no such page in this documentation.")
    gate.check(call.actor, call.repo, Action.WRITE)
    found = check.report(call.m, opened)
    groups = [(title, [row for row in found.findings if row.what == what]) for what, title in WHAT.items()]
    return render.page(
        call,
        "docs_check.html",
        site=opened,
        tree=tree,
        local="",
        repo=call.repo,
        base_url=f"{opened.base}/{tree.language}",
        groups=[(title, rows) for title, rows in groups if rows],
        pages=found.pages,
        count=len(found.findings),
        is_cut=found.is_cut,
        page_url=lambda row: f"{opened.base}/{row.language}/{quote(row.page)}",
        languages=[],
        versions=docs_open.versions(call, opened, tree, "_check"),
    )
