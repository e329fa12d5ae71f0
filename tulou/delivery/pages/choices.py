"""What a list page is asked for, read from its address and written back into the addresses that narrow or widen it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from tulou.features.cards import facets, listing
from tulou.features.cards.languages import language_name
from tulou.features.cards.listing import Filter
from tulou.features.cards.vocabulary import LICENSES, TASKS
from tulou.kernel.errors import BadInput
from tulou.kernel.names import RepoKind

PAGE = 30
SORTS = {"trending": "Trending", "downloads": "Most downloads", "lastModified": "Recently updated", "createdAt": "Newest"}
"""Orders of a list by their word in the address."""
_WORDS = 10


@dataclass(frozen=True, slots=True)
class Facet:
    """Something to choose by: its word in the address, its title, and whether a repository has one value only."""

    key: str
    parameter: str
    title: str
    is_single: bool
    prefix: str = ""
    """What stands before the value in the tag that means it; facets that are columns have none."""


_TASK, _LIBRARY = Facet("task", "pipeline_tag", "Tasks", is_single=True), Facet("library", "library", "Libraries", is_single=True)
_LICENSE = Facet("license", "license", "Licences", is_single=True, prefix="license:")
_PARAMETERS = Facet("parameters", "num_parameters", "Parameters", is_single=True)
_OTHER = Facet("other", "other", "Other tags", is_single=False)
FACETS = {
    RepoKind.MODEL: (_TASK, _PARAMETERS, _LIBRARY, Facet("language", "language", "Languages", is_single=False), _LICENSE, _OTHER),
    RepoKind.DATASET: (
        Facet("task", "task_categories", "Tasks", is_single=False, prefix="task_categories:"),
        Facet("size", "size_categories", "Rows", is_single=True, prefix="size_categories:"),
        Facet("format", "format", "Formats", is_single=True, prefix="format:"),
        Facet("language", "language", "Languages", is_single=False, prefix="language:"),
        _LICENSE,
        _OTHER,
    ),
    RepoKind.SPACE: (Facet("sdk", "sdk", "SDKs", is_single=True), _LICENSE, _OTHER),
    RepoKind.KERNEL: (_LICENSE, _OTHER),
}
_RANGES = {
    "max:100M": "< 100M", "min:100M,max:1B": "100M – 1B", "min:1B,max:8B": "1B – 8B", "min:8B,max:40B": "8B – 40B",
    "min:40B": "> 40B",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choices:
    """The state of a list page. `chosen` has pairs of a facet's parameter and a value."""

    kind: RepoKind
    search: str = ""
    author: str = ""
    sort: str = "trending"
    chosen: tuple[tuple[str, str], ...] = ()

    def url(self, cursor: str | None = None) -> str:
        """Return the address of this page, or of the one after it."""
        pairs = [("search", self.search), ("author", self.author), *self.chosen, ("sort", self.sort), ("cursor", cursor or "")]
        query = urlencode([(name, value) for name, value in pairs if value and (name, value) != ("sort", "trending")])
        return f"/{self.kind.plural}" + (f"?{query}" if query else "")

    def has(self, facet: Facet, value: str) -> bool:
        """Say whether a value is chosen."""
        return (facet.parameter, value) in self.chosen

    def toggled(self, facet: Facet, value: str) -> Choices:
        """Return the page with a value chosen, or no longer. A facet with one value forgets the one before."""
        pair = (facet.parameter, value)
        if pair in self.chosen:
            return replace(self, chosen=tuple(other for other in self.chosen if other != pair))
        kept = self.without(facet) if facet.is_single else self
        return replace(kept, chosen=(*kept.chosen, pair))

    def without(self, facet: Facet) -> Choices:
        """Return the page with nothing chosen of a facet."""
        return replace(self, chosen=tuple(pair for pair in self.chosen if pair[0] != facet.parameter))

    def active(self) -> list[tuple[Facet, str]]:
        """Return what is chosen."""
        by_parameter = {facet.parameter: facet for facet in FACETS[self.kind]}
        return [(by_parameter[parameter], value) for parameter, value in self.chosen]

    def filter(self, cursor: str | None = None) -> Filter:
        """Return what to list. Raises BadInput."""
        chosen = self.active()
        columns = {facet.key: value for facet, value in chosen if facet in {_TASK, _LIBRARY, _PARAMETERS}}
        return Filter(
            self.kind,
            search=tuple(self.search.split()[:_WORDS]),
            tags=tuple(facet.prefix + value for facet, value in chosen if facet not in {_TASK, _LIBRARY, _PARAMETERS}),
            author=self.author or None,
            pipeline_tag=columns.get("task"),
            library=columns.get("library"),
            parameters=listing.parse_parameters(columns["parameters"]) if "parameters" in columns else (None, None),
            sort="trendingScore" if self.sort == "trending" else self.sort,
            limit=PAGE,
            cursor=cursor,
        )


def read(kind: RepoKind, pairs: list[tuple[str, str]]) -> Choices:
    """Read the query of an address; what it repeats or leaves empty counts once or not at all. Raises BadInput."""
    by_parameter = {facet.parameter: facet for facet in FACETS[kind]}
    found = Choices(kind)
    for name, text in pairs:
        value = text.strip()
        if name == "search":
            found = replace(found, search=value[:200])
        elif name == "author":
            found = replace(found, author=value[:200])
        elif name == "sort" and value:
            if value not in SORTS:
                raise BadInput("The parameter 'sort' must be one of " + ", ".join(SORTS) + ".")
            found = replace(found, sort=value)
        elif name in by_parameter and value:
            facet, value = _precise(kind, by_parameter[name], value)
            if not found.has(facet, value):
                found = found.toggled(facet, value)
    return found


def label(facet: Facet, value: str) -> str:
    """Return a value as people read it; tasks and titles still go through the translator."""
    if facet.key == "task":
        return TASKS[value].label if value in TASKS else value
    if facet.key == "language":
        name = language_name(value)
        return value if name == value else f"{name} ({value})"
    if facet.key == "parameters":
        return _RANGES.get(value, value)
    return value


def hint(facet: Facet, value: str) -> str | None:
    """Return the long name of a value whose label is a short one."""
    return LICENSES.get(value) if facet.key == "license" else None


def _precise(kind: RepoKind, facet: Facet, value: str) -> tuple[Facet, str]:
    """Take `other=license:mit` and `license=license:mit` for `license=mit`."""
    prefix, colon, rest = value.partition(":")
    meant = facets.PREFIXES.get(prefix) if colon and rest else None
    if meant is None:
        return facet, value
    if facet.key == meant:
        return facet, rest
    other = next((known for known in FACETS[kind] if known.key == meant and known.prefix == f"{prefix}:"), None)
    return (other, rest) if other is not None and facet is _OTHER else (facet, value)
