"""Choose what the front page shows: what is used and fresh, what changed last, and what is new for its reader."""

from __future__ import annotations

import math
from collections.abc import Iterable

import sqlalchemy as sa

from tulou.db.tables import repo
from tulou.features.access import gate
from tulou.features.cards import listing, queries
from tulou.features.cards.listing import Filter
from tulou.features.cards.model import Overview
from tulou.kernel.actor import Actor
from tulou.kernel.names import GIT_KINDS, RepoKind
from tulou.platform.machinery import Machinery

_CANDIDATES = 40
_DAY = 86_400_000
_FRESH_DAYS = 30


def trending(m: Machinery, actor: Actor, kind: RepoKind, limit: int) -> list[Overview]:
    """Return repositories that people download and their owners still work on. Two index walks, whatever there is."""
    found = {item.id: item for sort in ("downloads", "lastModified") for item in _first(m, actor, kind, sort, _CANDIDATES)}
    now = m.clock.now()
    return sorted(found.values(), key=lambda item: (-_heat(item, now), item.name.full))[:limit]


def recent(m: Machinery, actor: Actor, limit: int) -> list[Overview]:
    """Return the repositories of any kind that changed last."""
    found = [item for kind in GIT_KINDS for item in _first(m, actor, kind, "lastModified", limit)]
    return _newest(found, limit)


def yours(m: Machinery, actor: Actor, limit: int) -> list[Overview]:
    """Return the repositories of the reader and their organizations that changed last."""
    if actor.user_id is None:
        return []
    mine = repo.c.account_id.in_([actor.user_id, *actor.memberships])
    with m.db.read() as connection:
        # An expression has no index: SQLite finds the reader's repositories first, and sorts those few.
        return queries.overviews(
            connection, sa.and_(mine, gate.visible_repos(actor)), detail=False, sort=repo.c.updated_at + 0, ascending=False,
            after=None, limit=limit,
        )  # fmt: skip


def _first(m: Machinery, actor: Actor, kind: RepoKind, sort: str, limit: int) -> list[Overview]:
    return listing.page(m, actor, Filter(kind, sort=sort, limit=limit)).items


def _newest(items: Iterable[Overview], limit: int) -> list[Overview]:
    return sorted(items, key=lambda item: (-item.updated_at, item.id))[:limit]


def _heat(item: Overview, now: int) -> float:
    """Ten times the downloads weigh as much as being a month fresher."""
    age = max(0, now - item.updated_at) / _DAY
    return math.log10(1 + item.downloads) + math.exp(-age / _FRESH_DAYS)
