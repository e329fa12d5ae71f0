"""The lists of models, datasets, Spaces and kernels: searched, narrowed down, sorted and paged by their address alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Handler, Login, Route
from tulou.delivery.pages import choices, render
from tulou.delivery.pages.choices import FACETS, SORTS, Choices, Facet
from tulou.features.cards import facets, listing
from tulou.features.cards.facets import Facets
from tulou.kernel.names import GIT_KINDS, RepoKind

_SHOWN = 12
"""Values of a facet that are shown before "more"."""
TITLES = {RepoKind.MODEL: "Models", RepoKind.DATASET: "Datasets", RepoKind.SPACE: "Spaces", RepoKind.KERNEL: "Kernels"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One value to choose, or to let go of."""

    label: str
    hint: str | None
    count: int | None
    url: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The values of one facet: those at once, and those behind "more"."""

    title: str
    first: list[Choice]
    more: list[Choice]


def lister(kind: RepoKind) -> Handler:
    """Make the handler of a list page."""

    async def show(call: Call) -> ASGIApp:
        asked = choices.read(kind, call.request.query_params.multi_items())
        return render.page(call, "repos.html", **await in_thread(_listed, call, asked))

    return show


def _listed(call: Call, asked: Choices) -> dict[str, Any]:
    cursor = call.query("cursor") or None
    page = listing.page(call.m, call.actor, asked.filter(cursor))
    single = {facet.key: asked.without(facet).filter() for facet, _value in asked.active() if facet.is_single}
    counted = facets.of(call.m, call.actor, asked.filter(), single)
    return {
        "asked": asked,
        "title": TITLES[asked.kind],
        "items": page.items,
        "total": counted.total,
        "most": facets.EXACT,
        "groups": [group for facet in FACETS[asked.kind] if (group := _group(asked, facet, counted)) is not None],
        "active": [_choice(asked, facet, value, None) for facet, value in asked.active()],
        "cleared": Choices(asked.kind, sort=asked.sort).url(),
        "sorts": [(asked_sort, title, _sorted(asked, asked_sort)) for asked_sort, title in SORTS.items()],
        "first": asked.url() if cursor else None,
        "next": asked.url(page.cursor) if page.cursor else None,
    }


def _group(asked: Choices, facet: Facet, counted: Facets) -> Group | None:
    values = dict(counted.values.get(facet.key, []))
    chosen = [value for known, value in asked.active() if known == facet]
    for value in chosen:
        values.setdefault(value, None)
    # A value that all have narrows nothing down, unless it would take the place of the one that is chosen.
    is_replaced = bool(chosen) and facet.is_single
    kept = {value for value, count in values.items() if value in chosen or is_replaced or count is None or count != counted.total}
    useful = {value: count for value, count in values.items() if value in kept}
    shown = [_choice(asked, facet, value, count) for value, count in useful.items()]
    shown.sort(key=lambda choice: not choice.is_chosen)
    return Group(facet.title, shown[:_SHOWN], shown[_SHOWN:]) if shown else None


def _choice(asked: Choices, facet: Facet, value: str, count: int | None) -> Choice:
    url = asked.toggled(facet, value).url()
    return Choice(choices.label(facet, value), choices.hint(facet, value), count, url, asked.has(facet, value))


def _sorted(asked: Choices, sort: str) -> str:
    return Choices(asked.kind, asked.search, asked.author, sort, asked.chosen).url()


ROUTES = [
    Route(("GET", "HEAD"), f"/{kind.plural}", lister(kind), Access.PUBLIC, Login.COOKIE, Budget.PAGES) for kind in GIT_KINDS
]
