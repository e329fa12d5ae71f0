"""SQL over what cards and headers say, private to this slice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.engine import Tx
from tulou.db.tables import account, facet, ref, repo, repo_tag
from tulou.features.cards.model import Overview, Summary
from tulou.kernel.names import RepoKind, RepoName, fold

_LIGHT: tuple[sa.ColumnElement[Any], ...] = (
    repo.c.id, repo.c.kind, repo.c.name, repo.c.visibility, repo.c.gated, repo.c.created_at, repo.c.updated_at,
    repo.c.storage_bytes, repo.c.downloads, repo.c.downloads_all, repo.c.likes, repo.c.card_commit, repo.c.tags,
    repo.c.pipeline_tag, repo.c.library, repo.c.sdk, repo.c.parameters, account.c.name.label("account_name"),
    ref.c.peeled.label("head"),
)  # fmt: skip
_FULL = (*_LIGHT, repo.c.card, repo.c.facts)
_ROWS = repo.join(account, account.c.id == repo.c.account_id).outerjoin(
    ref, sa.and_(ref.c.repo_id == repo.c.id, ref.c.name == sa.literal("refs/heads/") + repo.c.default_branch)
)

# Ranges of parameters, spelled as the parameter `num_parameters` is, each with where it ends.
PARAMETER_RANGES: tuple[tuple[str, int], ...] = (
    ("max:100M", 10**8), ("min:100M,max:1B", 10**9), ("min:1B,max:8B", 8 * 10**9), ("min:8B,max:40B", 40 * 10**9),
    ("min:40B", 10**18),
)  # fmt: skip
_FACET_VALUES = 1_000


@dataclass(frozen=True, slots=True)
class Keyset:
    """Where a page begins: after the row with this value of the sort column and this id."""

    value: int
    id: str


def overviews(
    connection: Connection,
    condition: sa.ColumnElement[bool],
    *,
    detail: bool,
    sort: sa.ColumnElement[int],
    ascending: bool,
    after: Keyset | None,
    limit: int,
) -> list[Overview]:
    """Return one page of live repositories. One query, whatever the page holds."""
    query = sa.select(*(_FULL if detail else _LIGHT)).select_from(_ROWS).where(repo.c.deleted_at.is_(None), condition)
    if after is not None:
        here, there = sa.tuple_(sort, repo.c.id), sa.tuple_(sa.literal(after.value), sa.literal(after.id))
        query = query.where(here > there if ascending else here < there)
    order = (sort.asc(), repo.c.id.asc()) if ascending else (sort.desc(), repo.c.id.desc())
    return [_overview(row, detail=detail) for row in connection.execute(query.order_by(*order).limit(limit))]


def overview(connection: Connection, repo_id: str, *, detail: bool = True) -> Overview | None:
    """Return everything stored about one live repository; without detail, neither card nor facts."""
    one = sa.and_(repo.c.deleted_at.is_(None), repo.c.id == repo_id)
    row = connection.execute(sa.select(*(_FULL if detail else _LIGHT)).select_from(_ROWS).where(one)).first()
    return _overview(row, detail=detail) if row else None


def account_id(connection: Connection, name: str) -> str | None:
    """Return the id of the account of that name."""
    return connection.execute(sa.select(account.c.id).where(account.c.key == fold(name))).scalar()


def card_commit(connection: Connection, repo_id: str) -> str | None:
    """Return the commit that the stored summary was made from."""
    return connection.execute(sa.select(repo.c.card_commit).where(repo.c.id == repo_id)).scalar()


def has_tag(tag: str) -> sa.ColumnElement[bool]:
    """The condition that a repository has a tag."""
    return sa.exists().where(repo_tag.c.repo_id == repo.c.id, repo_tag.c.tag == tag)


def tagged(
    connection: Connection, kind: RepoKind, tags: Iterable[str], visible: sa.ColumnElement[bool], limit: int
) -> list[tuple[str, RepoName]]:
    """Return (tag, name) of visible repositories that have one of the tags, most downloaded first."""
    query = (
        sa.select(repo_tag.c.tag, account.c.name.label("account_name"), repo.c.name)
        .select_from(repo_tag.join(repo, repo.c.id == repo_tag.c.repo_id).join(account, account.c.id == repo.c.account_id))
        .where(repo_tag.c.tag.in_(list(tags)), repo.c.kind == kind.value, repo.c.deleted_at.is_(None), visible)
        .order_by(repo.c.downloads.desc(), repo.c.id.desc())
        .limit(limit)
    )
    return [(row.tag, RepoName(kind, row.account_name, row.name)) for row in connection.execute(query)]


def count_tagged(connection: Connection, kind: RepoKind, tags: Iterable[str], visible: sa.ColumnElement[bool]) -> dict[str, int]:
    """Return how many visible repositories have each of the tags."""
    query = (
        sa.select(repo_tag.c.tag, sa.func.count())
        .select_from(repo_tag.join(repo, repo.c.id == repo_tag.c.repo_id))
        .where(repo_tag.c.tag.in_(list(tags)), repo.c.kind == kind.value, repo.c.deleted_at.is_(None), visible)
        .group_by(repo_tag.c.tag)
    )
    return {tag: int(count) for tag, count in connection.execute(query)}


def models_by_task(connection: Connection, tasks: list[str], visible: sa.ColumnElement[bool], most: int) -> dict[str, list[str]]:
    """Return the full names of the most downloaded models of each task. One query, a few index steps a task."""
    live = sa.and_(repo.c.kind == RepoKind.MODEL.value, repo.c.deleted_at.is_(None), visible)
    models = sa.select(repo.c.pipeline_tag, repo.c.downloads, repo.c.id, repo.c.account_id, repo.c.name).where(live)
    models = models.order_by(repo.c.downloads.desc(), repo.c.id.desc()).limit(most)
    best = [models.where(repo.c.pipeline_tag == task).subquery() for task in tasks]
    ranked = sa.union_all(*(sa.select(part) for part in best)).subquery()
    query = (
        sa.select(ranked.c.pipeline_tag, account.c.name.label("account_name"), ranked.c.name)
        .join(account, account.c.id == ranked.c.account_id)
        .order_by(ranked.c.downloads.desc(), ranked.c.id.desc())
    )
    found: dict[str, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.pipeline_tag, []).append(f"{row.account_name}/{row.name}")
    return found


def count_facets(connection: Connection, condition: sa.ColumnElement[bool]) -> dict[str, Any]:
    """Return how often each task, library, SDK, range of parameters and tag occurs among repositories, and their number."""
    hits = sa.select(repo.c.id, repo.c.pipeline_tag, repo.c.library, repo.c.sdk, repo.c.parameters).where(condition).cte("hits")
    found: dict[str, Any] = {"total": int(connection.execute(sa.select(sa.func.count()).select_from(hits)).scalar_one())}
    for name in ("pipeline_tag", "library", "sdk"):
        found[name] = _counts(connection, hits.c[name], hits)
    found["parameters"] = _counts(connection, _bucket(hits.c.parameters), hits)
    found["tags"] = _counts(connection, repo_tag.c.tag, hits.join(repo_tag, repo_tag.c.repo_id == hits.c.id))
    return found


def count_some(connection: Connection, condition: sa.ColumnElement[bool], most: int) -> tuple[dict[str, Counter[str]], int]:
    """Count the same among the first `most` live repositories that meet a condition; say how many those are, or `most + 1`.

    One query; the counting is done here, because a join with every tag takes ten times as long.
    """
    columns = (repo.c.pipeline_tag, repo.c.library, repo.c.sdk, _bucket(repo.c.parameters), repo.c.tags)
    some = sa.select(*columns).where(repo.c.deleted_at.is_(None), condition).limit(most + 1)
    rows = connection.execute(some).all()
    names = ("pipeline_tag", "library", "sdk", "parameters")
    found = {name: Counter(row[at] for row in rows[:most] if row[at] is not None) for at, name in enumerate(names)}
    found["tags"] = Counter(tag for row in rows[:most] for tag in json.loads(row.tags))
    return found, len(rows)


def _counts(connection: Connection, value: sa.ColumnElement[Any], rows: sa.FromClause) -> dict[str, int]:
    query = sa.select(value.label("value"), sa.func.count().label("count")).select_from(rows).where(value.is_not(None))
    query = query.group_by(sa.text("value")).order_by(sa.text("count DESC")).limit(_FACET_VALUES)
    return {row.value: int(row[1]) for row in connection.execute(query)}


def _bucket(parameters: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.case(*((parameters < most, name) for name, most in PARAMETER_RANGES), else_=None)


def stored_facets(connection: Connection, kind: RepoKind) -> str | None:
    """Return what was counted of all public repositories of a kind, as JSON."""
    return connection.execute(sa.select(facet.c.counts).where(facet.c.kind == kind.value)).scalar()


def store_facets(tx: Tx, kind: RepoKind, counts: str, now: int) -> None:
    """Keep what was counted of all public repositories of a kind."""
    tx.execute(sa.delete(facet).where(facet.c.kind == kind.value))
    tx.execute(sa.insert(facet).values(kind=kind.value, counts=counts, made_at=now))


def store(tx: Tx, repo_id: str, default_ref: str, commit: str, summary: Summary) -> bool:
    """Write a summary down if the default branch is still at `commit`. False: it moved on, nothing was written."""
    at_head = sa.exists().where(ref.c.repo_id == repo_id, ref.c.name == default_ref, ref.c.peeled == commit)
    values = {
        "card_commit": commit,
        "card": json.dumps(summary.card),
        "facts": json.dumps(summary.facts),
        "tags": json.dumps(summary.tags),
        "pipeline_tag": summary.pipeline_tag,
        "library": summary.library,
        "sdk": summary.sdk if summary.sdk is not None else repo.c.sdk,
        "parameters": summary.parameters,
    }
    if tx.execute(sa.update(repo).where(repo.c.id == repo_id, at_head).values(**values)).rowcount != 1:
        return False
    tx.execute(sa.delete(repo_tag).where(repo_tag.c.repo_id == repo_id))
    words = dict.fromkeys((*summary.tags, *summary.links))
    if words:
        tx.execute(sa.insert(repo_tag), [{"repo_id": repo_id, "tag": word} for word in words])
    return True


def _overview(row: sa.Row[Any], *, detail: bool) -> Overview:
    is_current = row.head is not None and row.head == row.card_commit
    return Overview(
        id=row.id,
        name=RepoName(RepoKind(row.kind), row.account_name, row.name),
        is_private=row.visibility == "private",
        gated=row.gated,
        created_at=row.created_at,
        updated_at=row.updated_at,
        storage_bytes=row.storage_bytes,
        downloads=row.downloads,
        downloads_all=row.downloads_all,
        likes=row.likes,
        commit=row.head,
        is_current=is_current,
        summary=Summary(
            card=json.loads(row.card) if detail else {},
            tags=tuple(json.loads(row.tags)),
            pipeline_tag=row.pipeline_tag,
            library=row.library,
            sdk=row.sdk,
            parameters=row.parameters,
            facts=json.loads(row.facts) if detail else {},
        ),
    )


def named(
    connection: Connection, kind: RepoKind, keys: list[tuple[str, str]], visible: sa.ColumnElement[bool]
) -> set[str]:
    """Return those of the folded (account, name) pairs that are visible repositories, as `account/name`."""
    query = (
        sa.select(account.c.key.label("account_key"), repo.c.key)
        .select_from(repo.join(account, account.c.id == repo.c.account_id))
        .where(sa.tuple_(account.c.key, repo.c.key).in_(keys), repo.c.kind == kind.value, repo.c.deleted_at.is_(None), visible)
    )
    return {f"{row.account_key}/{row.key}" for row in connection.execute(query)}
