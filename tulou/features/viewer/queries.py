"""The rows behind the viewer's state. Private to this slice."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from tulou.db.engine import Tx, insert_or_ignore
from tulou.db.tables import repo, viewer_commit, viewer_config, viewer_split
from tulou.kernel.ids import Sha1
from tulou.kernel.names import RepoKind

_JSON = ("problem", "export", "features", "sources", "parquet")


def head(connection: Connection, repo_id: str, commit: Sha1) -> Row[Any] | None:
    """Return the row of a commit."""
    return connection.execute(sa.select(viewer_commit).where(_of(viewer_commit, repo_id, commit))).first()


def configs(connection: Connection, repo_id: str, commit: Sha1) -> list[Row[Any]]:
    """Return its configurations, in order."""
    query = sa.select(viewer_config).where(_of(viewer_config, repo_id, commit)).order_by(viewer_config.c.number)
    return list(connection.execute(query))


def splits(connection: Connection, repo_id: str, commit: Sha1) -> list[Row[Any]]:
    """Return the splits of all its configurations, in order."""
    query = sa.select(viewer_split).where(_of(viewer_split, repo_id, commit))
    return list(connection.execute(query.order_by(viewer_split.c.config, viewer_split.c.number)))


def commits(connection: Connection, repo_id: str) -> list[Row[Any]]:
    """Return every commit of a repository that was looked at, newest first."""
    query = sa.select(viewer_commit).where(viewer_commit.c.repo_id == repo_id).order_by(viewer_commit.c.created_at.desc())
    return list(connection.execute(query))


def is_dataset(connection: Connection, repo_id: str) -> bool:
    """Say whether a repository is a dataset."""
    return connection.execute(sa.select(repo.c.kind).where(repo.c.id == repo_id)).scalar() == RepoKind.DATASET.value


def unfinished(connection: Connection) -> list[str]:
    """Return the repositories with a commit that was begun and not finished."""
    begun = viewer_commit.c.state.in_(("looking", "passing"))
    return list(connection.execute(sa.select(viewer_commit.c.repo_id).where(begun).distinct()).scalars())


def begin(tx: Tx, repo_id: str, commit: Sha1, *, fingerprint: str, size: int, now: int) -> None:
    """Note that somebody looks at a commit. Does nothing if that is known."""
    values = {
        "repo_id": repo_id, "commit": commit, "fingerprint": fingerprint, "state": "looking", "source_bytes": size,
        "created_at": now,
    }  # fmt: skip
    insert_or_ignore(tx, viewer_commit, values)


def adopt(tx: Tx, repo_id: str, old: Sha1, new: Sha1) -> None:
    """Let what is known of one commit be known of another, which has the same data."""
    tx.execute(sa.update(viewer_commit).where(_of(viewer_commit, repo_id, old)).values(commit=new))


def change(tx: Tx, repo_id: str, commit: Sha1, **values: Any) -> None:
    """Change the row of a commit."""
    tx.execute(sa.update(viewer_commit).where(_of(viewer_commit, repo_id, commit)).values(**_written(values)))


def put_configs(tx: Tx, repo_id: str, commit: Sha1, names: list[str]) -> None:
    """Note the names of the configurations. Those that are known stay as they are."""
    rows = [{"repo_id": repo_id, "commit": commit, "number": at, "name": name} for at, name in enumerate(names)]
    for start in range(0, len(rows), 500):
        insert_or_ignore(tx, viewer_config, rows[start : start + 500])


def change_config(tx: Tx, repo_id: str, commit: Sha1, number: int, **values: Any) -> None:
    """Change a configuration."""
    one = sa.and_(_of(viewer_config, repo_id, commit), viewer_config.c.number == number)
    tx.execute(sa.update(viewer_config).where(one).values(**_written(values)))


def put_splits(tx: Tx, repo_id: str, commit: Sha1, config: int, names: list[str]) -> None:
    """Note the splits of a configuration. Those that are known stay as they are."""
    rows = [
        {"repo_id": repo_id, "commit": commit, "config": config, "number": at, "name": name, "state": "waiting"}
        for at, name in enumerate(names)
    ]
    insert_or_ignore(tx, viewer_split, rows)


def change_split(tx: Tx, repo_id: str, commit: Sha1, config: int, name: str, **values: Any) -> None:
    """Change a split."""
    one = sa.and_(_of(viewer_split, repo_id, commit), viewer_split.c.config == config, viewer_split.c.name == name)
    tx.execute(sa.update(viewer_split).where(one).values(**_written(values)))


def forget(tx: Tx, repo_id: str, commit: Sha1) -> None:
    """Forget a commit."""
    tx.execute(sa.delete(viewer_commit).where(_of(viewer_commit, repo_id, commit)))


def _of(table: sa.Table, repo_id: str, commit: Sha1) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.repo_id == repo_id, table.c.commit == commit)


def _written(values: dict[str, Any]) -> dict[str, Any]:
    return {name: json.dumps(value) if name in _JSON and value is not None else value for name, value in values.items()}
