"""The rows that have words: by the index, or by a scan as long as there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from tulou.features.repos.model import Repo
from tulou.features.viewer import filter as filters
from tulou.features.viewer.shelf import Split
from tulou.kernel.errors import ViewerProblem
from tulou.kernel.ids import Sha1
from tulou.platform.machinery import Machinery
from tulou.platform.tabular.tables import READ_SECONDS
from tulou.wire.viewer_where import Value

_TEXTS = frozenset({"string", "large_string"})
_WORDS = 16


@dataclass(frozen=True, slots=True)
class Found:
    """How many rows match, and the numbers of those on this page."""

    total: int
    rows: list[int]


def find(m: Machinery, repo: Repo, commit: Sha1, split: Split, *, query: str, offset: int, length: int) -> Found:
    """Return the rows that have every word of the query. Raises ViewerProblem for a split without text."""
    if split.index is None:
        return _scan(m, repo, commit, split, query, offset, length)
    question = {"do": "search", "index": str(split.index), "query": query, "offset": offset, "length": length}
    found = orjson.loads(m.tables.reader.ask({**question, "scratch": str(m.tables.scratch)}, READ_SECONDS))
    return Found(found["total"], found["rows"])


def is_searchable(split: Split) -> bool:
    """Say whether a split has text to search."""
    return bool(_texts(split))


def _scan(m: Machinery, repo: Repo, commit: Sha1, split: Split, query: str, offset: int, length: int) -> Found:
    columns = _texts(split)
    if not columns:
        raise ViewerProblem("SearchFeatureNotAvailableError", "The split does not have search feature.", 400)
    words = query.split()[:_WORDS]
    if not words:
        return Found(0, [])
    values: list[Value] = [word.lower() for word in words for _column in columns]
    quoted = ['"' + name.replace('"', '""') + '"' for name in columns]
    anywhere = "(" + " OR ".join(f"contains(lower({name}), ?)" for name in quoted) + ")"
    vector = filters.select(m, repo, commit, split, condition=" AND ".join([anywhere] * len(words)), values=values)
    return Found(vector.total, vector.slice(offset, length))


def _texts(split: Split) -> list[str]:
    return [name for name, kind in split.features.items() if _is_text(kind)]


def _is_text(kind: Any) -> bool:
    return isinstance(kind, dict) and kind.get("_type") == "Value" and kind.get("dtype") in _TEXTS
