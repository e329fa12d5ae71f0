"""The Xet service: every path that clients since hf_xet 1.1 use, at the root and below `/cas/{epoch}`."""

from __future__ import annotations

from starlette.types import ASGIApp

from tulou.delivery.cas import files, shards, xorbs
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call
from tulou.delivery.kit.routes import Access, Budget, Handler, Route

_GET = ("GET",)
_HEAD = ("HEAD",)
_POST = ("POST",)


async def telemetry(_call: Call) -> ASGIApp:
    """Take a client's statistics, and keep none. Clients wait for this answer."""
    return answers.nothing()


# Paths without a version are those of clients before 1.4.
_TABLE: list[tuple[tuple[str, ...], tuple[str, ...], Handler]] = [
    (_POST, ("/v1/xorbs/{prefix}/{hash}", "/xorbs/{prefix}/{hash}", "/xorb/{prefix}/{hash}"), xorbs.upload),
    (_HEAD, ("/v1/xorbs/{prefix}/{hash}", "/xorbs/{prefix}/{hash}", "/xorb/{prefix}/{hash}"), xorbs.size),
    (_POST, ("/v1/xorb-grants/{prefix}/{hash}", "/v1/xorb-commits/{prefix}/{hash}/grant/{id}"), xorbs.refuse_grant),
    (_POST, ("/v2/shards",), shards.upload_with_progress),
    (_POST, ("/v1/shards", "/shards", "/v1/shard/{prefix}/{hash}", "/shard/{prefix}/{hash}"), shards.upload),
    (_GET, ("/v2/reconstructions/{hash}",), files.reconstruct_v2),
    (_GET, ("/v1/reconstructions/{hash}", "/reconstructions/{hash}", "/reconstruction/{hash}"), files.reconstruct_v1),
    (_GET, ("/v1/reconstructions", "/reconstructions"), files.reconstruct_many),
    (_GET, ("/v1/chunks/{prefix}/{hash}", "/chunks/{prefix}/{hash}"), files.known_chunks),
    (_HEAD, ("/v1/files/{hash}",), files.size),
    (_GET, ("/v2/file-chunk-hashes/{hash}",), files.refuse_chunk_hashes),
    (_POST, ("/v1/telemetry",), telemetry),
]

ROUTES = [
    Route(methods, prefix + path, handler, Access.BEARER, budget=Budget.NONE)
    for methods, paths, handler in _TABLE
    for path in paths
    for prefix in ("", "/cas/{epoch}")
] + [Route(_GET, "/xorb-data/{hash}", xorbs.send_range, Access.BEARER, budget=Budget.NONE)]
