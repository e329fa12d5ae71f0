"""The peer of a small `resolve`: one Starlette route that answers with a body of the same size."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

BODY = b'{"model_type": "bert"}' * 30


async def resolve(_request: Request) -> Response:
    return Response(BODY, media_type="application/json")


app = Starlette(routes=[Route("/{account}/{name}/resolve/{rev}/{path:path}", resolve)])
