"""Find the few repositories that a rare word or tag leaves, so that a list of them never looks at all the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.tables import account, repo, repo_gram, repo_tag
from tulou.features.repos.naming import grams

FEW = 500
"""With more, walking along the order of the list meets a page of them soon enough."""
_MOST_CONDITIONS = 8
_MOST_GRAMS = 8
_Ids = sa.Select[tuple[str]]


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that must hold: queries that count its rows up to a bound, and the ids of those rows."""

    counts: tuple[sa.ScalarSelect[int], ...]
    """The fewest of these is how many there are at most."""
    extra: sa.ScalarSelect[int]
    """As many more."""
    ids: Callable[[int], _Ids]
    """Given which of `counts` is the fewest."""


def tagged(tag: str) -> Condition:
    """The repositories with a tag."""
    ids = sa.select(repo_tag.c.repo_id.label("id")).where(repo_tag.c.tag == tag)
    return Condition((_bounded(repo_tag.c.tag == tag),), _NONE, lambda _fewest: ids)


def named(word: str) -> Condition | None:
    """The repositories that may have a folded word in their name or owner; None for a word too short to be looked up."""
    parts = grams(word)[:_MOST_GRAMS]
    if not parts:
        return None
    owned = repo.c.account_id.in_(sa.select(account.c.id).where(account.c.key.contains(word, autoescape=True)))

    def ids(fewest: int) -> _Ids:
        others = [_has_gram(part) for part in parts if part != parts[fewest]]
        by_name = sa.select(repo_gram.c.repo_id.label("id")).where(repo_gram.c.gram == parts[fewest], *others).limit(FEW + 1)
        by_owner = sa.select(repo.c.id.label("id")).where(owned).limit(FEW + 1)
        both = sa.union(sa.select(by_name.subquery()), sa.select(by_owner.subquery())).subquery()
        return sa.select(both.c.id)

    return Condition(tuple(_bounded(repo_gram.c.gram == part) for part in parts), _bounded(owned), ids)


def few(connection: Connection, conditions: Iterable[Condition]) -> list[str] | None:
    """Return the ids of at most `FEW` repositories of which all that meet the conditions are some; None if there may be more.

    Two queries: how rare is each condition, and which rows does the rarest leave.
    """
    known = list(islice(conditions, _MOST_CONDITIONS))
    if not known:
        return None
    questions = [count for condition in known for count in (*condition.counts, condition.extra)]
    row = iter(connection.execute(sa.select(*questions)).one())
    sizes = [([next(row) for _ in condition.counts], next(row)) for condition in known]
    rarest = min(range(len(known)), key=lambda i: min(sizes[i][0]) + sizes[i][1])
    counts, extra = sizes[rarest]
    if min(counts) + extra == 0:
        return []
    found = [row.id for row in connection.execute(known[rarest].ids(counts.index(min(counts))).limit(FEW + 1))]
    return found if len(found) <= FEW else None


def _bounded(condition: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    some = sa.select(sa.literal(1).label("one")).where(condition).limit(FEW + 1).subquery()
    return sa.select(sa.func.count()).select_from(some).scalar_subquery()


def _has_gram(part: str) -> sa.ColumnElement[bool]:
    other = repo_gram.alias()
    return sa.exists().where(other.c.gram == part, other.c.repo_id == repo_gram.c.repo_id)


_NONE = sa.select(sa.literal(0)).scalar_subquery()
