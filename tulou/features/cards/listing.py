"""List repositories: filtered, sorted and paged, and never one that the actor may not see."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.tables import account, repo
from tulou.features.access import gate
from tulou.features.cards import narrow, queries
from tulou.features.cards.model import Overview
from tulou.features.cards.queries import Keyset
from tulou.kernel.actor import Actor
from tulou.kernel.errors import BadInput
from tulou.kernel.limits import LIST_PAGE
from tulou.kernel.names import RepoKind, fold
from tulou.platform.machinery import Machinery

MAX_CONDITIONS = 30
DETAIL_PAGE = 250
"""Cards and facts may have hundreds of kilobytes each: pages that show them are shorter."""
_WORD_CHARS = 200
_SORTS: dict[str, sa.Column[int]] = {
    # Nothing here measures a trend; the downloads of the last 30 days come nearest.
    "trendingScore": repo.c.downloads,
    "downloads": repo.c.downloads,
    "likes": repo.c.likes,
    "createdAt": repo.c.created_at,
    "lastModified": repo.c.updated_at,
}
_SPELLINGS = {"last_modified": "lastModified", "created_at": "createdAt", "trending_score": "trendingScore"}
_COUNT = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([KMBT]?)", re.IGNORECASE)
_FACTORS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


@dataclass(frozen=True, slots=True)
class Filter:
    """What to list. Every condition must hold; `search` words stand in `account/name`."""

    kind: RepoKind
    search: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    author: str | None = None
    pipeline_tag: str | None = None
    library: str | None = None
    gated: bool | None = None
    parameters: tuple[int | None, int | None] = (None, None)
    sort: str = "trendingScore"
    ascending: bool = False
    detail: bool = False
    """Read cards and facts too."""
    limit: int = LIST_PAGE
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some repositories, and the cursor of those that follow."""

    items: list[Overview]
    cursor: str | None


def page(m: Machinery, actor: Actor, wanted: Filter) -> Page:
    """Return one page. Costs four queries at most, whatever there is. Raises BadInput for an unknown sort or a broken cursor."""
    sort = _SPELLINGS.get(wanted.sort, wanted.sort)
    if sort not in _SORTS:
        raise BadInput(f"The parameter 'sort' must be one of {', '.join(_SORTS)}.")
    limit = max(1, min(wanted.limit, DETAIL_PAGE if wanted.detail else LIST_PAGE))
    with m.db.read() as connection:
        condition = matching(connection, actor, wanted)
        if condition is None:
            return Page([], None)
        items = queries.overviews(
            connection,
            condition,
            detail=wanted.detail,
            sort=_order(wanted, sort),
            ascending=wanted.ascending,
            after=_read_cursor(wanted.cursor, sort) if wanted.cursor else None,
            limit=limit + 1,
        )
    return Page(items[:limit], _write_cursor(sort, items[limit - 1]) if len(items) > limit else None)


def matching(connection: Connection, actor: Actor, wanted: Filter) -> sa.ColumnElement[bool] | None:
    """Return the condition that visible repositories meet the filter, or None if there can be none.

    Costs three queries at most. Raises BadInput for too many words and tags.
    """
    if len(wanted.search) + len(wanted.tags) > MAX_CONDITIONS:
        raise BadInput(f"At most {MAX_CONDITIONS} words and tags can be asked for at once.")
    words = (*wanted.search, *wanted.tags, wanted.author or "", wanted.pipeline_tag or "", wanted.library or "")
    if any("\0" in word for word in words):
        return None  # no name has one, and PostgreSQL refuses to compare with it
    conditions = _conditions(wanted)
    if wanted.author is not None:
        author = queries.account_id(connection, wanted.author)
        if author is None:
            return None
        conditions.append(repo.c.account_id == author)
    ids = narrow.few(connection, _rarities(wanted))
    if ids is not None:
        # An expression instead of the column: else SQLite walks the list's own index past everything to meet the few.
        conditions[0] = repo.c.kind.concat("") == wanted.kind.value
        conditions.append(repo.c.id.in_(ids))
    return sa.and_(gate.visible_repos(actor), *conditions)


def parse_parameters(text: str) -> tuple[int | None, int | None]:
    """Read `min:6B,max:128B`. Raises BadInput."""
    bounds: dict[str, int] = {}
    for part in text.split(","):
        name, _, value = part.strip().partition(":")
        match = _COUNT.fullmatch(value)
        if name not in {"min", "max"} or match is None:
            raise BadInput("The parameter 'num_parameters' looks like min:6B,max:128B.")
        bounds[name] = int(float(match[1]) * _FACTORS[match[2].upper()])
    return bounds.get("min"), bounds.get("max")


def _order(wanted: Filter, sort: str) -> sa.ColumnElement[int]:
    # The repositories of one owner are few. An expression, which has no index, makes SQLite find them first and sort
    # them, where it would walk all repositories in order: 2 instead of 400 ms among 100,000.
    is_owned = wanted.author is not None or any("/" in word for word in wanted.search)
    return _SORTS[sort] + 0 if is_owned else _SORTS[sort]


def _conditions(wanted: Filter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [repo.c.kind == wanted.kind.value]
    conditions += [_named(word) for word in wanted.search]
    conditions += [queries.has_tag(tag) for tag in wanted.tags]
    if wanted.pipeline_tag is not None:
        conditions.append(repo.c.pipeline_tag == wanted.pipeline_tag)
    if wanted.library is not None:
        conditions.append(repo.c.library == wanted.library)
    if wanted.gated is not None:
        conditions.append(repo.c.gated != "" if wanted.gated else repo.c.gated == "")
    least, most = wanted.parameters
    if least is not None:
        conditions.append(repo.c.parameters >= least)
    if most is not None:
        conditions.append(repo.c.parameters <= most)
    return conditions


def _rarities(wanted: Filter) -> Iterator[narrow.Condition]:
    """Yield the conditions that may leave few rows."""
    tags = [*wanted.tags]
    if wanted.kind is RepoKind.MODEL:  # whose task and library are tags as well
        tags += [tag for tag in (wanted.pipeline_tag, wanted.library) if tag is not None]
    yield from map(narrow.tagged, tags)
    for word in wanted.search:
        condition = narrow.named(fold(word[:_WORD_CHARS])) if "/" not in word else None
        if condition is not None:
            yield condition


def _named(word: str) -> sa.ColumnElement[bool]:
    word = fold(word[:_WORD_CHARS])
    owner, slash, name = word.partition("/")
    if slash:
        owners = sa.select(account.c.id).where(account.c.key.endswith(owner, autoescape=True))
        return sa.and_(repo.c.account_id.in_(owners), repo.c.key.startswith(name, autoescape=True))
    owners = sa.select(account.c.id).where(account.c.key.contains(word, autoescape=True))
    return sa.or_(repo.c.key.contains(word, autoescape=True), repo.c.account_id.in_(owners))


def _value(sort: str, item: Overview) -> int:
    return {
        "trendingScore": item.downloads,
        "downloads": item.downloads,
        "likes": item.likes,
        "createdAt": item.created_at,
        "lastModified": item.updated_at,
    }[sort]


def _write_cursor(sort: str, last: Overview) -> str:
    return base64.urlsafe_b64encode(f"{sort}:{_value(sort, last)}:{last.id}".encode()).decode()


def _read_cursor(cursor: str, sort: str) -> Keyset:
    try:
        text = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True).decode("ascii")
    except (UnicodeError, binascii.Error) as cause:
        raise BadInput("The parameter 'cursor' must come from the page before.") from cause
    match = re.fullmatch(r"([A-Za-z]+):([0-9]{1,18}):([0-9a-f]{24})", text)
    if match is None or match[1] != sort:
        raise BadInput("The parameter 'cursor' must come from the page before.")
    return Keyset(int(match[2]), match[3])
