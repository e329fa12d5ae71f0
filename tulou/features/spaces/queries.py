"""SQL of the spaces slice."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tulou.db.engine import Tx, insert_or_ignore
from tulou.db.tables import repo, run, space, space_setting
from tulou.features.spaces.model import Setting, Space, Stage, Volume, load_building, load_built


def get(connection: Connection, repo_id: str) -> Space | None:
    """Return the Space of a repository."""
    row = connection.execute(sa.select(space).where(space.c.repo_id == repo_id)).first()
    return _space(row) if row else None


def many(connection: Connection, repo_ids: Iterable[str]) -> dict[str, Space]:
    """Return the Spaces of several repositories."""
    rows = connection.execute(sa.select(space).where(space.c.repo_id.in_(list(repo_ids))))
    return {row.repo_id: _space(row) for row in rows}


def take(tx: Tx, repo_id: str) -> Space | None:
    """Return the Space of a repository for a change: nobody else changes it before this transaction ends."""
    row = tx.execute(sa.select(space).where(space.c.repo_id == repo_id).with_for_update()).first()
    return _space(row) if row else None


def by_slug(connection: Connection, slug: str) -> Space | None:
    """Return the Space with this host label."""
    row = connection.execute(sa.select(space).where(space.c.slug == slug)).first()
    return _space(row) if row else None


def repo_of_run(connection: Connection, run_id: str) -> str | None:
    """Return the repository that a run was ordered for."""
    return connection.execute(sa.select(run.c.repo_id).where(run.c.id == run_id)).scalar()


def has_live_run(connection: Connection, repo_id: str) -> bool:
    """Say whether a build or an application of a repository has not ended."""
    mine = sa.and_(run.c.repo_id == repo_id, run.c.kind.in_(["build", "space"]), run.c.ended_at.is_(None))
    return connection.execute(sa.select(run.c.id).where(mine).limit(1)).first() is not None


def is_space(connection: Connection, repo_id: str) -> bool:
    """Say whether a repository, live or deleted, is a Space."""
    return connection.execute(sa.select(repo.c.kind).where(repo.c.id == repo_id)).scalar() == "space"


def insert(tx: Tx, values: dict[str, Any]) -> bool:
    """Add a Space. False: there is one already, or another has its slug."""
    return insert_or_ignore(tx, space, values) == 1


def change(tx: Tx, repo_id: str, **values: Any) -> None:
    """Change the row of a Space."""
    tx.execute(sa.update(space).where(space.c.repo_id == repo_id).values(**values))


def slug_is_free(tx: Tx, slug: str, repo_id: str) -> bool:
    """Say whether no other Space has this slug."""
    return tx.execute(sa.select(space.c.repo_id).where(space.c.slug == slug, space.c.repo_id != repo_id)).first() is None


def delete(tx: Tx, repo_id: str) -> None:
    """Forget a Space, its variables and its secrets."""
    tx.execute(sa.delete(space_setting).where(space_setting.c.repo_id == repo_id))
    tx.execute(sa.delete(space).where(space.c.repo_id == repo_id))


def with_storage(connection: Connection) -> list[str]:
    """Return the repositories of the Spaces that have a persistent folder."""
    return list(connection.execute(sa.select(space.c.repo_id).where(space.c.storage_mb > 0)).scalars())


def unsettled(connection: Connection) -> list[str]:
    """Return the Spaces with which something may be under way: they build, start or run, or their repository is deleted."""
    resting = [stage for stage in Stage if stage.is_error or stage in {Stage.PAUSED, Stage.STOPPED}]
    is_busy = sa.or_(space.c.building != "{}", space.c.run_id.is_not(None), space.c.stage == Stage.BUILDING)
    deleted = sa.select(repo.c.id).where(repo.c.id == space.c.repo_id, repo.c.deleted_at.is_not(None)).exists()
    wanted = sa.or_(sa.and_(space.c.stage.not_in(resting), is_busy), deleted)
    return list(connection.execute(sa.select(space.c.repo_id).where(wanted)).scalars())


def somebody_waits(connection: Connection, since: int) -> bool:
    """Say whether a run of any kind has been waiting for memory since then."""
    waiting = sa.and_(run.c.phase == "pending", run.c.want == "run", run.c.ended_at.is_(None), run.c.created_at < since)
    return connection.execute(sa.select(run.c.id).where(waiting).limit(1)).first() is not None


def live_orders(connection: Connection) -> list[str]:
    """Return what every run that has not ended was ordered to do, as JSON."""
    return list(connection.execute(sa.select(run.c.order).where(run.c.ended_at.is_(None))).scalars())


def without_row(connection: Connection) -> list[str]:
    """Return live repositories of the kind that have no row here: made before this part of the hub was."""
    known = sa.select(space.c.repo_id)
    query = sa.select(repo.c.id).where(repo.c.kind == "space", repo.c.deleted_at.is_(None), repo.c.id.not_in(known))
    return list(connection.execute(query).scalars())


def awake(connection: Connection) -> list[Space]:
    """Return the Spaces that have a run."""
    return [_space(row) for row in connection.execute(sa.select(space).where(space.c.run_id.is_not(None), space.c.want == "run"))]


def environments(connection: Connection) -> set[str]:
    """Return the keys of all environments that a Space can be started with, or is about to be."""
    rows = connection.execute(sa.select(space.c.built, space.c.building))
    return {json.loads(text).get("env", "") for row in rows for text in row} - {""}


def visited(tx: Tx, repo_id: str, at: int) -> None:
    """Note the last visit of a Space."""
    tx.execute(sa.update(space).where(space.c.repo_id == repo_id, space.c.visited_at < at).values(visited_at=at))


def put_setting(tx: Tx, repo_id: str, values: dict[str, Any]) -> None:
    """Set a variable or secret, in the place of one with that name."""
    delete_setting(tx, repo_id, values["name"])
    tx.execute(sa.insert(space_setting).values(repo_id=repo_id, **values))


def delete_setting(tx: Tx, repo_id: str, name: str) -> None:
    """Remove a variable or secret."""
    tx.execute(sa.delete(space_setting).where(space_setting.c.repo_id == repo_id, space_setting.c.name == name))


def setting(connection: Connection, repo_id: str, name: str) -> Setting | None:
    """Return a variable or secret by name."""
    return next((each for each in settings(connection, repo_id) if each.name == name), None)


def settings(connection: Connection, repo_id: str) -> list[Setting]:
    """Return variables and secrets by name, without the values of secrets."""
    rows = connection.execute(sa.select(space_setting).where(space_setting.c.repo_id == repo_id).order_by(space_setting.c.name))
    return [Setting(row.name, row.value, row.description, row.updated_at, is_secret=row.sealed is not None) for row in rows]


def sealed(connection: Connection, repo_id: str) -> dict[str, bytes]:
    """Return the sealed secrets by name."""
    mine = sa.and_(space_setting.c.repo_id == repo_id, space_setting.c.sealed.is_not(None))
    rows = connection.execute(sa.select(space_setting.c.name, space_setting.c.sealed).where(mine))
    return {row.name: row.sealed for row in rows}


def dump_ids(ids: Iterable[str]) -> str:
    """Return the column `build_runs`."""
    return json.dumps(list(ids))


def dump_volumes(volumes: Iterable[Volume]) -> str:
    """Return the column `volumes`."""
    return json.dumps([asdict(volume) for volume in volumes])


def _space(row: sa.Row[Any]) -> Space:
    return Space(
        row.repo_id, row.slug, Stage(row.stage), row.message, row.want, row.commit, load_building(row.building),
        load_built(row.built), tuple(json.loads(row.build_runs)), row.run_id, row.hardware, row.sleep_seconds, row.storage_mb,
        tuple(Volume(**volume) for volume in json.loads(row.volumes)), row.visited_at, row.changed_at,
    )  # fmt: skip
