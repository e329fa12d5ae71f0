"""The page on which one writes a query over a dataset. Its address says all of it, so a link shows the same to others."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.repo_frame import frame
from tulou.delivery.pages.viewer_panel import type_of
from tulou.features.content import revisions
from tulou.features.viewer import sql
from tulou.features.viewer.sql import Table
from tulou.kernel.actor import Action
from tulou.kernel.errors import BadInput, Busy, RevisionNotFound, ViewerProblem
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import SQL_CHARS
from tulou.kernel.names import RepoKind

SHOWN = 500
_CELL = 300
_DRAWING = 20_000
_COLUMNS = 60


@dataclass(frozen=True, slots=True)
class Result:
    """What a query answered, as it is shown."""

    columns: list[dict[str, str]]
    rows: list[list[tuple[str, str]]]
    """Cells as their kind (text, number, null) and text."""
    count: int
    is_cut: bool
    millis: int


async def console(call: Call) -> ASGIApp:
    """Show the console, and what the query of the address answers."""
    return render.page(call, "viewer_sql.html", **await in_thread(_console, call))


def _console(call: Call) -> dict[str, Any]:
    text, config = (call.query("sql") or "")[: SQL_CHARS + 1], call.query("config") or ""
    tables: list[Table] = []
    result, problem = None, None
    try:
        commit = revisions.head(call.m, call.repo)
        tables = sql.tables(call.m, call.repo, commit, config)
        if text.strip() and call.request.method == "GET":
            result = _result(call, commit, config, text)
    except RevisionNotFound:
        pass  # nothing was ever committed: the page says that there are no tables
    except (ViewerProblem, Busy, BadInput) as found:
        problem = found.message
    return {
        **frame(call, "viewer"),
        "sql": text or _example(tables),
        "config": config,
        "tables": [(table.name, table.split, _described(table)) for table in tables],
        "result": result,
        "problem": problem,
        "shown": SHOWN,
        "query": urlencode({"config": config, "sql": text}),
        "api": f"/api/{call.repo.name.kind.plural}/{call.repo.name.full}/sql",
    }


def _result(call: Call, commit: Sha1, config: str, text: str) -> Result:
    started = time.perf_counter()
    found = json.loads(sql.run(call.m, call.repo, commit, config, text, "json"))
    millis = round((time.perf_counter() - started) * 1000)
    rows = [[_cell(value) for value in row[:_COLUMNS]] for row in found["rows"][:SHOWN]]
    return Result(found["columns"][:_COLUMNS], rows, found["num_rows"], found["truncated"], millis)


def _cell(value: Any) -> tuple[str, str]:
    if value is None:
        return "null", ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number", str(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    kind, most = ("pre", _DRAWING) if "\n" in text else ("text", _CELL)
    return kind, text[:most] + ("…" if len(text) > most else "")


def _described(table: Table) -> list[tuple[str, str]]:
    return [(name, type_of(kind)) for name, kind in list(table.split.features.items())[:_COLUMNS]]


def _example(tables: list[Table]) -> str:
    return f'SELECT *\nFROM "{tables[0].name}"\nLIMIT 10' if tables else ""


_OPTIONS: dict[str, Any] = {"login": Login.COOKIE, "budget": Budget.PAGES, "kind": RepoKind.DATASET}
ROUTES = [Route(("GET", "HEAD"), "/datasets/{account}/{name}/sql", console, Action.READ_CONTENT, **_OPTIONS)]
