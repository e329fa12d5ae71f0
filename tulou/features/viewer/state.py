"""What the viewer knows of a commit: configurations, splits, what is ready, what went wrong and why."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tulou.features.repos.model import Repo
from tulou.features.viewer import queries
from tulou.kernel.errors import ViewerProblem
from tulou.kernel.ids import Sha1
from tulou.platform.machinery import Machinery

NOT_SERVED = frozenset({
    "DatasetWithTooManyConfigsError", "DatasetWithTooManySplitsError", "DatasetWithScriptNotSupportedError",
    "JobManagerCrashedError",
})  # fmt: skip
"""Problems that the Hub's viewer answers with 501: trying again changes nothing."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something cannot be shown. `cause` is what the library raised: a name and a text about the data itself."""

    code: str
    message: str
    cause: str | None = None
    cause_message: str | None = None

    def error(self) -> ViewerProblem:
        """Return it as an error to raise."""
        return ViewerProblem(self.code, self.message, 501 if self.code in NOT_SERVED else 500)


@dataclass(frozen=True, slots=True)
class SplitState:
    """One split. `rows` of one that is not ready is how far the pass has come; sizes are bytes, None until known."""

    name: str
    state: str
    """waiting, ready or failed"""
    trouble: Trouble | None
    features: dict[str, Any] | None
    rows: int | None
    source_bytes: int | None
    memory_bytes: int | None
    parquet_bytes: int | None
    sources: tuple[str, ...]
    """The files it was read from, if they are Parquet themselves."""
    parquet: tuple[tuple[str, int], ...]
    """Name and size of its files in `refs/convert/parquet`."""


@dataclass(frozen=True, slots=True)
class ConfigState:
    """One configuration; `splits` is None until they are known."""

    number: int
    name: str
    builder: str | None
    """What reads its files: csv, json, parquet, imagefolder …"""
    trouble: Trouble | None
    splits: tuple[SplitState, ...] | None

    def split(self, name: str) -> SplitState | None:
        """Return a split by name, if it is known."""
        return next((split for split in self.splits or () if split.name == name), None)


@dataclass(frozen=True, slots=True)
class View:
    """A commit, as far as the pass has come. No `configs`: not even their names are known."""

    commit: Sha1
    fingerprint: str
    state: str
    """looking, passing, done or failed"""
    trouble: Trouble | None
    default: str | None
    source_bytes: int
    export: Trouble | None
    """Why there are no files in `refs/convert/parquet`, though the rows can be read."""
    created_at: int
    configs: tuple[ConfigState, ...]

    @property
    def is_over(self) -> bool:
        """True when the pass will add nothing."""
        return self.state in {"done", "failed"}

    def config(self, name: str) -> ConfigState | None:
        """Return a configuration by name, if it is known."""
        return next((config for config in self.configs if config.name == name), None)

    @property
    def default_config(self) -> ConfigState | None:
        """The configuration that is shown first."""
        return (self.config(self.default) if self.default else None) or next(iter(self.configs), None)


def of(m: Machinery, repo: Repo, commit: Sha1) -> View | None:
    """Return what is known of a commit; None before anybody looked at it. Three queries, or none when nothing changed."""
    key = (repo.id, commit)
    known = m.cache.get("viewer", key)
    if isinstance(known, View):
        return known
    mark = m.cache.mark()
    with m.db.read() as connection:
        head = queries.head(connection, repo.id, commit)
        if head is None:
            return None
        configs, splits = queries.configs(connection, repo.id, commit), queries.splits(connection, repo.id, commit)
    by_config: dict[int, list[SplitState]] = {}
    for row in splits:
        by_config.setdefault(row.config, []).append(_split(row))
    found = View(
        commit=commit,
        fingerprint=head.fingerprint,
        state=head.state,
        trouble=trouble(head.problem),
        default=head.default_config,
        source_bytes=head.source_bytes,
        export=trouble(head.export),
        created_at=head.created_at,
        configs=tuple(
            ConfigState(row.number, row.name, row.builder, trouble(row.problem), _known(by_config, row.number)) for row in configs
        ),
    )
    m.cache.put(mark, "viewer", key, found)
    return found


def _known(by_config: dict[int, list[SplitState]], number: int) -> tuple[SplitState, ...] | None:
    return tuple(by_config[number]) if number in by_config else None


def trouble(text: str | None) -> Trouble | None:
    """Read a problem as it is stored."""
    return Trouble(**json.loads(text)) if text else None


def facts(found: Trouble) -> dict[str, str | None]:
    """Return a problem as it is stored."""
    return {"code": found.code, "message": found.message, "cause": found.cause, "cause_message": found.cause_message}


def _split(row: Any) -> SplitState:
    return SplitState(
        name=row.name,
        state=row.state,
        trouble=trouble(row.problem),
        features=json.loads(row.features) if row.features else None,
        rows=row.rows,
        source_bytes=row.source_bytes,
        memory_bytes=row.memory_bytes,
        parquet_bytes=row.parquet_bytes,
        sources=tuple(json.loads(row.sources or "[]")),
        parquet=tuple((str(name), int(size)) for name, size in json.loads(row.parquet or "[]")),
    )
