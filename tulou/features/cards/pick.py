"""Take from some repositories those that an actor may see."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from tulou.db.tables import repo
from tulou.features.access import gate
from tulou.features.cards import queries
from tulou.features.cards.model import Overview
from tulou.kernel.actor import Actor
from tulou.platform.machinery import Machinery


def visible(m: Machinery, actor: Actor, ids: Sequence[str]) -> dict[str, Overview]:
    """Return, by id, those of at most some hundreds of live repositories that the actor may see. One query."""
    if not ids:
        return {}
    condition = sa.and_(gate.visible_repos(actor), repo.c.id.in_(list(ids)))
    with m.db.read() as connection:
        found = queries.overviews(
            connection, condition, detail=False, sort=repo.c.updated_at + 0, ascending=False, after=None, limit=len(ids)
        )
    return {item.id: item for item in found}
