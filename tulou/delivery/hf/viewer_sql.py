"""Queries over a dataset: one SELECT, answered as JSON or as a file."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Login, Route
from tulou.features.content import revisions
from tulou.features.viewer import sql
from tulou.kernel.actor import Action
from tulou.kernel.errors import BadInput
from tulou.kernel.names import RepoKind
from tulou.platform.tabular.console import Format

_TYPES: dict[str, tuple[Format, str]] = {
    "json": ("json", "application/json; charset=utf-8"),
    "csv": ("csv", "text/csv; charset=utf-8"),
    "parquet": ("parquet", "application/vnd.apache.parquet"),
}


async def run(call: Call) -> ASGIApp:
    """GET /api/datasets/{account}/{name}/sql: the result of `sql` over the splits of `config`, as `format`."""
    form, kind = _TYPES.get(call.query("format") or "json", (None, ""))
    if form is None:
        raise BadInput("The parameter 'format' must be json, csv or parquet.")
    return await in_thread(_run, call, form, kind)


def _run(call: Call, form: Format, kind: str) -> Response:
    commit = revisions.head(call.m, call.repo)
    content = sql.run(call.m, call.repo, commit, call.query("config") or "", call.query("sql") or "", form)
    headers = {"Cache-Control": "private, no-store", "X-Revision": commit, "X-Content-Type-Options": "nosniff"}
    if form != "json":
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(call.repo.name.name)}.{form}"
    return Response(content, 200, headers, media_type=kind)


_SQL: dict[str, Any] = {"kind": RepoKind.DATASET, "login": Login.EITHER}
ROUTES = [Route(("GET",), "/api/datasets/{account}/{name}/sql", run, Action.READ_CONTENT, **_SQL)]
