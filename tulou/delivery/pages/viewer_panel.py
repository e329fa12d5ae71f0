"""The table of a dataset as pages show it: which split, which rows, and why there are none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from tulou.delivery.kit.call import Call
from tulou.features.content import revisions
from tulou.features.viewer import assets, first, shelf, state, tasks
from tulou.features.viewer import filter as filters
from tulou.features.viewer import rows as pages
from tulou.features.viewer import search as searches
from tulou.features.viewer.rows import PAGE, Shape
from tulou.features.viewer.shelf import Split
from tulou.features.viewer.state import ConfigState, SplitState, Trouble, View
from tulou.kernel.errors import Busy, NotFound, RevisionNotFound, ViewerProblem
from tulou.kernel.ids import Sha1

CUT = 500
"""Characters of a cell in a table; all of it is shown when its row is opened."""
_COLUMNS = 60
_LISTED = 200
_MEDIA = {"Image": "image", "Audio": "audio", "Video": "video"}


@dataclass(frozen=True, slots=True)
class Way:
    """A configuration or split to choose."""

    name: str
    url: str
    is_here: bool
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its type in a word, and the orders that its head leads to."""

    name: str
    kind: str
    sorted: str
    """ascending, descending or none"""
    sort_url: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A value: `kind` is text, number, null, image, audio or video; `src` is of the last three."""

    kind: str
    text: str = ""
    src: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of a page asks of a table."""

    page: int = 0
    query: str = ""
    where: str = ""
    orderby: str = ""

    def pairs(self, **changed: str) -> str:
        """Return it as the query of an address, with some of it changed."""
        said = {"q": self.query, "where": self.where, "orderby": self.orderby, **changed}
        return urlencode({name: value for name, value in said.items() if value})


@dataclass(frozen=True, slots=True)
class Panel:
    """Everything that `viewer_parts.html` draws."""

    dataset: str
    page: str
    """The path of the dataset's front page."""
    url: str
    """The address of the full table of this split."""
    state: str
    """ready, waiting, failed, looking, empty"""
    trouble: Trouble | None
    config: str
    split: str
    configs: list[Way]
    more_configs: int
    splits: list[Way]
    asked: Asked
    columns: list[Column]
    more_columns: int
    rows: list[tuple[int, list[Cell]]]
    total: int | None
    all_rows: int | None
    problem: str | None
    """Why what was asked for cannot be shown."""
    can_search: bool


def of(call: Call, config: str | None, split: str | None, asked: Asked, *, most: int = PAGE, at: str = "viewer") -> Panel | None:
    """Return the table of a split, or of the first one. None for a repository with no data at all. Raises NotFound."""
    m, repo = call.m, call.repo
    try:
        commit = revisions.head(m, repo)
    except RevisionNotFound:
        return None
    view = state.of(m, repo, commit)
    if view is None:
        tasks.ask(m, repo)
        return _bare(call, "looking", None, at)
    if view.trouble is not None and not view.configs:
        return None if view.trouble.code == "EmptyDatasetError" else _bare(call, "failed", view.trouble, at)
    chosen = view.config(config) if config else view.default_config
    if chosen is None:
        if config is not None and view.is_over:
            raise NotFound
        return _bare(call, "looking", None, at)
    return _of_config(call, commit, view, chosen, split, asked, most, at)


def _of_config(
    call: Call, commit: Sha1, view: View, config: ConfigState, split: str | None, asked: Asked, most: int, at: str
) -> Panel:
    known = config.splits or ()
    here = next((one for one in known if one.name == split), None) if split else next(iter(known), None)
    if split is not None and here is None and config.splits is not None:
        raise NotFound
    base = f"/{call.repo.name.path}/{at}"
    configs = [Way(one.name, f"{base}/{quote(one.name, safe='')}", one.name == config.name) for one in view.configs[:_LISTED]]
    place = f"{base}/{quote(config.name, safe='')}"
    splits = [Way(one.name, f"{place}/{quote(one.name, safe='')}", one is here, one.rows) for one in known]
    trouble = config.trouble or (here.trouble if here else None) or (None if here else view.trouble)
    condition = "failed" if trouble else "looking" if here is None else here.state
    table = _Table(call, commit, config, here, asked, most) if here is not None else None
    url = f"{place}/{quote(here.name, safe='')}" if here else place
    features = table.features if table else {}
    return Panel(
        dataset=call.repo.name.full, page=f"/{call.repo.name.path}", url=url, state=condition, trouble=trouble,
        config=config.name, split=here.name if here else "", configs=configs, more_configs=len(view.configs) - len(configs),
        splits=splits, asked=asked, columns=[_column(name, kind, url, asked) for name, kind in _shown(features)],
        more_columns=max(0, len(features) - _COLUMNS), rows=table.cells() if table else [],
        total=table.total if table else None, all_rows=here.rows if here else None,
        problem=table.problem if table else None, can_search=bool(table and table.can_search),
    )  # fmt: skip


def _bare(call: Call, condition: str, trouble: Trouble | None, at: str) -> Panel:
    page = f"/{call.repo.name.path}"
    return Panel(
        dataset=call.repo.name.full, page=page, url=f"{page}/{at}", state=condition, trouble=trouble, config="", split="",
        configs=[], more_configs=0, splits=[], asked=Asked(), columns=[], more_columns=0, rows=[], total=None, all_rows=None,
        problem=None, can_search=False,
    )  # fmt: skip


class _Table:
    """The rows of one page of one split: the first ones are at hand, the others are read."""

    def __init__(self, call: Call, commit: Sha1, config: ConfigState, here: SplitState, asked: Asked, most: int) -> None:
        self._call, self._commit, self._config, self._here = call, commit, config, here
        self.features: dict[str, Any] = here.features or {}
        self.total = here.rows if here.state == "ready" else None
        self.problem: str | None = None
        self._rows: list[dict[str, Any]] = []
        split = shelf.find(call.m, call.repo, commit, config.name, here.name) if here.state == "ready" else None
        self.can_search = split is not None and searches.is_searchable(split)
        if split is None or (asked == Asked(page=0) and self._first(most)):
            self._first(most)
            return
        try:
            self._read(split, asked, most)
        except (ViewerProblem, Busy) as problem:
            self.problem = problem.message

    def cells(self) -> list[tuple[int, list[Cell]]]:
        """Return the rows as numbers and cells."""
        shown = _shown(self.features)
        return [(row["row_idx"], [_cell(row["row"].get(name), kind) for name, kind in shown]) for row in self._rows]

    def _first(self, most: int) -> bool:
        call = self._call
        found = first.rows(call.m, call.repo, self._commit, self._config.number, self._here.name, self._media)
        if found is None:
            return False
        self._rows = found["rows"][:most]
        if not self.features:
            self.features = {column["name"]: column["type"] for column in found["features"]}
        return True

    def _read(self, split: Split, asked: Asked, most: int) -> None:
        m, repo, start = self._call.m, self._call.repo, asked.page * PAGE
        shape = Shape(self._media(), CUT)
        if asked.query:
            found = searches.find(m, repo, self._commit, split, query=asked.query, offset=start, length=most)
            self.total, raw = found.total, pages.numbered(m, split, found.rows, shape)
        elif asked.where or asked.orderby:
            vector = filters.matching(m, repo, self._commit, split, where=asked.where, orderby=asked.orderby)
            self.total, raw = vector.total, pages.numbered(m, split, vector.slice(start, most), shape)
        else:
            raw = pages.page(m, split, start, most, shape)
        self._rows = json.loads(raw)

    def _media(self) -> str:
        call = self._call
        return assets.prefix(call.m, call.actor, call.repo, self._commit, self._config.name, self._here.name)


def type_of(kind: Any) -> str:
    """Return the type of a column in a word."""
    if isinstance(kind, list):
        return "list"
    word = kind.get("_type") if isinstance(kind, dict) else None
    if not isinstance(word, str):
        return "dict"
    if word == "Value":
        return str(kind.get("dtype", "value")).removeprefix("large_")
    return {"ClassLabel": "class label", "Sequence": "list", "List": "list", "LargeList": "list"}.get(word, word.lower())


def _shown(features: dict[str, Any]) -> list[tuple[str, Any]]:
    return list(features.items())[:_COLUMNS]


def _column(name: str, kind: Any, url: str, asked: Asked) -> Column:
    quoted = '"' + name.replace('"', '""') + '"'
    now = {f"{quoted} asc": "ascending", f"{quoted} desc": "descending"}.get(asked.orderby.strip(), "none")
    following = {"none": f"{quoted} asc", "ascending": f"{quoted} desc", "descending": ""}[now]
    query = asked.pairs(q="", orderby=following)
    return Column(name, type_of(kind), now, url + (f"?{query}" if query else ""))


def _cell(value: Any, kind: Any) -> Cell:
    if value is None:
        return Cell("null")
    word = kind.get("_type") if isinstance(kind, dict) else None
    one = value[0] if isinstance(value, list) and len(value) == 1 else value
    if word in _MEDIA and isinstance(one, dict) and isinstance(one.get("src"), str):
        return Cell(_MEDIA[word], src=one["src"], width=one.get("width") or 0, height=one.get("height") or 0)
    if word == "ClassLabel" and isinstance(value, int) and 0 <= value < len(kind.get("names") or []):
        return Cell("text", str(kind["names"][value]))
    if isinstance(value, bool):
        return Cell("text", "true" if value else "false")
    if isinstance(value, int | float):
        return Cell("number", str(value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Cell("text", text[:CUT] + ("…" if len(text) > CUT else ""))
