"""The viewer's answers with rows: /rows, /search, /filter, and the files inside cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp

from tulou.delivery.hf import viewer_kit
from tulou.delivery.hf.viewer_kit import Asked
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Route
from tulou.features.viewer import assets, shelf, tasks
from tulou.features.viewer import filter as filters
from tulou.features.viewer import rows as pages
from tulou.features.viewer import search as searches
from tulou.features.viewer.assets import Place
from tulou.features.viewer.rows import PAGE, Shape
from tulou.features.viewer.shelf import Split
from tulou.kernel.errors import EntryNotFound

_QUERY = 1_000
_SHOWN = frozenset({
    "image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/avif",
    "audio/wav", "audio/mpeg", "audio/flac", "audio/ogg", "audio/mp4", "video/mp4", "video/webm",
})  # fmt: skip
"""What browsers show without running anything. The rest is downloaded."""


def rows(asked: Asked) -> dict[str, Any]:
    """GET /rows: some rows in the order of the files."""
    split, (offset, length) = _split(asked), _range(asked)
    return _answer(split, split.rows, pages.page(asked.m, split, offset, length, _shape(asked)))


def search(asked: Asked) -> dict[str, Any]:
    """GET /search: rows with words, best first."""
    query = asked.required("query", limit=_QUERY)
    split, (offset, length) = _split(asked), _range(asked)
    found = searches.find(asked.m, asked.repo, asked.commit, split, query=query, offset=offset, length=length)
    return _numbered(asked, split, found.total, found.rows)


def filter_rows(asked: Asked) -> dict[str, Any]:
    """GET /filter: rows for which a condition holds, in an order."""
    where, orderby = asked.text("where"), asked.text("orderby")
    split, (offset, length) = _split(asked), _range(asked)
    if where is None and orderby is None:
        return _answer(split, split.rows, pages.page(asked.m, split, offset, length, _shape(asked)))
    found = filters.matching(asked.m, asked.repo, asked.commit, split, where=where, orderby=orderby)
    return _numbered(asked, split, found.total, found.slice(offset, length))


async def media(call: Call) -> ASGIApp:
    """GET /api/viewer/assets/{sealed}/{row}/{column}/{ordinal}/{name}: a file out of a cell."""
    row, column, ordinal = (_number(call.params[name]) for name in ("row", "column", "ordinal"))
    place, actor = Place(row, column, ordinal), call.actor
    kind, content = await in_thread(assets.read, call.m, call.params["sealed"], place, actor.address, actor.request_id)
    headers = {
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": "private, max-age=3600",
        "Content-Disposition": "inline" if kind in _SHOWN else "attachment",
    }
    return Response(content, 200, headers, media_type=kind)


def _split(asked: Asked) -> Split:
    """Return the split that was asked for. What the cache has lost is made again."""
    asked.ready_split()
    found = shelf.find(asked.m, asked.repo, asked.commit, asked.config, asked.split)
    if found is None:
        tasks.rebuild(asked.m, asked.repo, asked.commit)
        raise viewer_kit.not_ready()
    return found


def _range(asked: Asked) -> tuple[int, int]:
    return asked.number("offset", 0), asked.number("length", PAGE, PAGE)


def _shape(asked: Asked) -> Shape:
    prefix = assets.prefix(asked.m, asked.call.actor, asked.repo, asked.commit, asked.config, asked.split)
    return Shape(asked.base + prefix, asked.number("truncate", 0, 1_000_000))


def _numbered(asked: Asked, split: Split, total: int, numbers: Sequence[int]) -> dict[str, Any]:
    return _answer(split, total, pages.numbered(asked.m, split, numbers, _shape(asked)))


def _answer(split: Split, total: int, found: bytes) -> dict[str, Any]:
    return {
        "features": pages.described(split),
        "rows": orjson.Fragment(found),
        "num_rows_total": total,
        "num_rows_per_page": PAGE,
        "partial": split.is_partial,
    }


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise EntryNotFound
    return int(text)


_MEDIA = "/api/viewer/assets/{sealed}/{row}/{column}/{ordinal}/{name}"
ROUTES = [Route(("GET", "HEAD"), _MEDIA, media, Access.BEARER, budget=Budget.RESOLVE)]
