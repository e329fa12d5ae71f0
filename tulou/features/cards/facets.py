"""Count what a list can be narrowed down by: tasks, libraries, languages, licences, sizes and other tags.

Counting is bounded: a list of at most `EXACT` repositories is counted as it is; what the public lists hold altogether is
counted in the background; in between, the values of the first `EXACT` are offered without numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from tulou.db.tables import repo
from tulou.features.cards import listing, queries
from tulou.features.cards.languages import is_language
from tulou.features.cards.listing import Filter
from tulou.features.cards.vocabulary import LIBRARIES, TASKS
from tulou.kernel.actor import Actor
from tulou.kernel.names import GIT_KINDS, RepoKind
from tulou.platform.machinery import Machinery

EXACT = 1_500
VALUES = 60
"""Most values that one facet offers."""
PREFIXES = {
    "task_categories": "task", "size_categories": "size", "license": "license", "language": "language", "format": "format",
}  # fmt: skip
"""What stands before the colon of a tag, and the facet it makes the rest a value of."""
# Tags that name other things than a property: they are shown where they belong, not offered among hundreds.
_SILENT = (
    "region:", "base_model:", "dataset:", "arxiv:", "doi:", "source_datasets:", "annotations_creators:", "language_creators:",
    "multilinguality:", "task_ids:", "library:", "config_name:",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facets:
    """`values` by facet, the most frequent first; a count is None where nobody counted."""

    values: dict[str, list[tuple[str, int | None]]]
    total: int | None
    """How many repositories the list has; None: more than `EXACT`, and nobody counted."""


def of(m: Machinery, actor: Actor, wanted: Filter, chosen: dict[str, Filter]) -> Facets:
    """Return what a list can be narrowed down by. `chosen` has, by facet with one value, the filter without it."""
    key = (actor.user_id, actor.token and actor.token.id, wanted, tuple(sorted(chosen)))
    known = m.cache.get("facets", key)
    if isinstance(known, Facets):
        return known
    mark = m.cache.mark()
    found = _counted(m, actor, wanted)
    for facet, without in chosen.items():
        others = _counted(m, actor, without)
        found.values[facet] = others.values.get(facet, [])
    m.cache.put(mark, "facets", key, found)
    return found


def refresh(m: Machinery) -> None:
    """Count all public repositories, for the lists without a filter."""
    for kind in GIT_KINDS:
        with m.db.read() as connection:
            live = sa.and_(repo.c.kind == kind.value, repo.c.deleted_at.is_(None), repo.c.visibility == "public")
            counted = queries.count_facets(connection, live)
        with m.db.write() as tx:
            queries.store_facets(tx, kind, json.dumps(counted), m.clock.now())


def _counted(m: Machinery, actor: Actor, wanted: Filter) -> Facets:
    everything = Filter(wanted.kind)
    # In any order, from the start, and however short the page is: the facets of a list are the same.
    plain = replace(wanted, sort=everything.sort, ascending=False, cursor=None, limit=everything.limit, detail=False)
    with m.db.read() as connection:
        condition = listing.matching(connection, actor, plain)
        if condition is None:
            return Facets({}, 0)
        counts, number = queries.count_some(connection, condition, EXACT)
        stored = queries.stored_facets(connection, wanted.kind) if number > EXACT and plain == everything else None
    if stored is not None:
        counted = json.loads(stored)
        return Facets(_grouped(wanted.kind, counted), counted["total"])
    values = _grouped(wanted.kind, counts)
    if number <= EXACT:
        return Facets(values, number)
    return Facets({facet: [(value, None) for value, _count in found] for facet, found in values.items()}, None)


def _grouped(kind: RepoKind, counted: Mapping[str, Any]) -> dict[str, list[tuple[str, int | None]]]:
    groups: dict[str, dict[str, int]] = {name: dict(counted.get(name, {})) for name in ("library", "sdk", "parameters")}
    groups["task"] = dict(counted.get("pipeline_tag", {}))
    for tag, count in counted.get("tags", {}).items():
        facet, value = _facet_of(kind, tag)
        if facet is not None:
            groups.setdefault(facet, {})[value] = groups.get(facet, {}).get(value, 0) + count
    for value in groups["sdk"]:
        groups.get("other", {}).pop(value, None)
    return {facet: _most_frequent(values.items()) for facet, values in groups.items() if values}


def _facet_of(kind: RepoKind, tag: str) -> tuple[str | None, str]:
    prefix, colon, value = tag.partition(":")
    if colon and prefix in PREFIXES:
        return PREFIXES[prefix], value
    if tag.startswith(_SILENT) or tag in TASKS or tag in LIBRARIES:
        return None, tag
    if kind is not RepoKind.SPACE and is_language(tag):
        return "language", tag
    return "other", tag


def _most_frequent(items: Iterable[tuple[str, int]]) -> list[tuple[str, int | None]]:
    return [*sorted(items, key=lambda item: (-item[1], item[0]))[:VALUES]]
