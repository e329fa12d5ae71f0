"""Answer lists of repositories, and the vocabularies that clients filter by."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.hf import overviews, space_shapes
from tulou.delivery.hf.overviews import Shown
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Handler, Route
from tulou.features.cards import listing, overview, taxonomy
from tulou.features.cards.listing import Filter, Page
from tulou.features.cards.model import Overview
from tulou.features.spaces import read as spaces
from tulou.features.spaces.model import Space
from tulou.kernel.errors import BadInput
from tulou.kernel.limits import LIST_PAGE
from tulou.kernel.names import GIT_KINDS, RepoKind

# Nothing here runs models, so that whatever asks for models that somebody serves finds none.
_NOBODY_SERVES = ("inference", "inference_provider", "apps")
_DATASET_FIELDS = (
    "language", "language_creators", "multilinguality", "size_categories", "task_categories", "task_ids", "license", "benchmark",
)  # fmt: skip


def lister(kind: RepoKind) -> Handler:
    """Make the handler of GET /api/{kind}."""

    async def list_repos(call: Call) -> ASGIApp:
        expand = call.queries("expand", "expand[]")
        overviews.check_expand(kind, expand)
        if any(call.queries(name) for name in _NOBODY_SERVES):
            return answers.json([])
        wanted = _filter(call, kind, expand)
        items, cursor = await in_thread(_answer, call, wanted, expand)
        return answers.page(call, items, cursor)

    return list_repos


def _answer(call: Call, wanted: Filter, expand: list[str]) -> tuple[list[dict[str, Any]], str | None]:
    page = listing.page(call.m, call.actor, wanted)
    shown = _shown(call, page, expand)
    if expand:
        return [overviews.expanded(item, expand) for item in shown], page.cursor
    full, config, card = call.flag("full"), call.flag("config"), call.flag("cardData")
    return [overviews.listed(item, full=full, config=config, card=card) for item in shown], page.cursor


def _shown(call: Call, page: Page, expand: list[str]) -> list[Shown]:
    names = [item.name for item in page.items]
    users = overview.spaces_using(call.m, call.actor, names) if "spaces" in expand else None
    children = overview.children(call.m, call.actor, names) if "childrenModelCount" in expand else None
    wants_apps = bool({"runtime", "subdomain"} & set(expand))
    apps = spaces.many(call.m, [item.id for item in page.items]) if wants_apps else {}
    return [
        Shown(
            item,
            files=_files(item),
            app=_app(call, apps[item.id]) if item.id in apps else None,
            spaces=users[item.name.full] if users is not None else None,
            children=children[item.name.full] if children is not None else None,
            in_list=True,
        )
        for item in page.items
    ]


def _app(call: Call, space: Space) -> dict[str, Any]:
    return {"runtime": space_shapes.runtime(call.m, space, can_write=False), "subdomain": space.slug}


def _files(item: Overview) -> list[str] | None:
    """Lists show files only where they are known without opening the repository."""
    return item.summary.facts.get("files") if item.is_current else None


def _filter(call: Call, kind: RepoKind, expand: list[str]) -> Filter:
    parameters = call.query("num_parameters")
    wants_detail = any(call.flag(name) for name in ("full", "config", "cardData")) or bool(overviews.NEEDS_DETAIL & set(expand))
    return Filter(
        kind,
        search=tuple(word for text in call.queries("search") for word in text.split()),
        tags=_tags(call, kind),
        author=call.query("author") or None,
        pipeline_tag=call.query("pipeline_tag") or None,
        library=call.query("library") or None,
        gated=_gated(call),
        parameters=listing.parse_parameters(parameters) if parameters else (None, None),
        sort=call.query("sort") or "trendingScore",
        ascending=call.query("direction") == "1",
        detail=wants_detail,
        limit=_limit(call),
        cursor=call.query("cursor"),
    )


def _tags(call: Call, kind: RepoKind) -> tuple[str, ...]:
    tags = [tag.strip() for text in call.queries("filter", "tags", "other") for tag in text.split(",")]
    if kind is RepoKind.DATASET:
        tags += [f"{field}:{value.removeprefix(field + ':')}" for field in _DATASET_FIELDS for value in call.queries(field)]
    elif kind is RepoKind.SPACE:
        tags += [f"{field}:{value}" for field in ("models", "datasets") for value in call.queries(field)]
        tags += call.queries("sdk")
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def _gated(call: Call) -> bool | None:
    value = call.query("gated")
    if value is None:
        return None
    if value.lower() not in {"true", "false"}:
        raise BadInput("The parameter 'gated' must be true or false.")
    return value.lower() == "true"


def _limit(call: Call) -> int:
    asked = call.query("limit") or ""
    return min(int(asked), LIST_PAGE) if asked.isascii() and asked.isdigit() and len(asked) < 9 and int(asked) > 0 else LIST_PAGE


async def model_tags(_call: Call) -> ASGIApp:
    """GET /api/models-tags-by-type."""
    return answers.json(taxonomy.model_tags())


async def dataset_tags(_call: Call) -> ASGIApp:
    """GET /api/datasets-tags-by-type."""
    return answers.json(taxonomy.dataset_tags())


async def tasks(call: Call) -> ASGIApp:
    """GET /api/tasks: every task, with models of this hub that do it."""
    return answers.json(await in_thread(taxonomy.tasks, call.m))


ROUTES = [
    *(Route(("GET",), f"/api/{kind.plural}", lister(kind), Access.PUBLIC) for kind in GIT_KINDS),
    Route(("GET",), "/api/models-tags-by-type", model_tags, Access.PUBLIC),
    Route(("GET",), "/api/datasets-tags-by-type", dataset_tags, Access.PUBLIC),
    Route(("GET",), "/api/tasks", tasks, Access.PUBLIC),
]
