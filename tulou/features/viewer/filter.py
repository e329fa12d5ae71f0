"""The numbers of the rows for which a condition holds, in an order: found once by a scan, then read page by page."""

from __future__ import annotations

from pathlib import Path

import orjson

from tulou.features.repos.model import Repo
from tulou.features.viewer.rows import parts
from tulou.features.viewer.shelf import Split
from tulou.fsio import atomic
from tulou.kernel.errors import ViewerProblem
from tulou.kernel.ids import Sha1
from tulou.platform.machinery import Machinery
from tulou.platform.tabular.pool import cpus
from tulou.platform.tabular.tables import SCAN_SECONDS
from tulou.platform.tabular.vectors import Vector
from tulou.wire.viewer_sql import order_sql, where_sql
from tulou.wire.viewer_where import BadCondition, Value, parse_order, parse_where

_TAKEN = frozenset({"file_row_number", "file_index"})
"""Names by which DuckDB tells where a row lies."""


def matching(m: Machinery, repo: Repo, commit: Sha1, split: Split, *, where: str | None, orderby: str | None) -> Vector:
    """Return the rows that match, in their order. Raises ViewerProblem for a condition or order that makes no sense here."""
    condition, values = _parsed_where(where, split)
    return select(m, repo, commit, split, condition=condition, values=values, order=_parsed_order(orderby, split))


def select(
    m: Machinery, repo: Repo, commit: Sha1, split: Split, *, condition: str, values: list[Value], order: str = ""
) -> Vector:
    """Return the rows for which SQL that we wrote ourselves holds."""
    if _TAKEN & {name.lower() for name in split.features}:
        text = "A dataset with a column named file_row_number or file_index cannot be filtered"
        raise ViewerProblem("InvalidParameter", text, 422)

    def make(out: Path) -> int:
        with atomic.scratch(m.tables.scratch, "spill") as spill:
            question = {
                "do": "select", "parts": parts(split), "where": condition, "values": values, "order": order,
                "out": str(out), "scratch": str(spill), "threads": cpus(),
            }  # fmt: skip
            return int(orjson.loads(m.tables.scanner.ask(question, SCAN_SECONDS))["total"])

    key = (repo.id, commit, split.config, split.name, condition, orjson.dumps(values).decode(), order)
    return m.tables.vectors.get(key, split.rows, make)


def _parsed_where(text: str | None, split: Split) -> tuple[str, list[Value]]:
    if text is None or not text.strip():
        return "", []
    try:
        return where_sql(parse_where(text), split.features)
    except BadCondition as cause:
        raise ViewerProblem("InvalidParameter", "Parameter 'where' contains errors or invalid symbols", 422) from cause


def _parsed_order(text: str | None, split: Split) -> str:
    if text is None or not text.strip():
        return ""
    try:
        return order_sql(parse_order(text), split.features)
    except BadCondition as cause:
        raise ViewerProblem("InvalidParameter", "Parameter 'orderby' contains errors or invalid symbols", 422) from cause
