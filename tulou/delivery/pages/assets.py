"""Our own stylesheet, scripts and pictures: read once, compressed once, under addresses that change with their content."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp

import tulou
from tulou.delivery.kit.call import Call
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.kernel.errors import NotFound

WEB = Path(tulou.__file__).parent / "web"
STYLESHEET = "tulou.css"
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent: plain and compressed."""

    kind: str
    plain: bytes
    small: bytes


@cache
def assets() -> dict[str, Asset]:
    """Return every asset by name. The files of `css/` become one stylesheet, in the order of their names."""
    found = {STYLESHEET: _asset(".css", b"\n".join(path.read_bytes() for path in sorted((WEB / "static/css").glob("*.css"))))}
    for path in sorted((WEB / "static").rglob("*")):
        if path.suffix in _KINDS and path.suffix != ".css":
            found[path.relative_to(WEB / "static").as_posix()] = _asset(path.suffix, path.read_bytes())
    return found


@cache
def stamp() -> str:
    """Return a word that changes when any asset does. All share it, so that scripts can import each other by relative paths."""
    mixed = hashlib.sha256()
    for name, asset in sorted(assets().items()):
        mixed.update(f"{name} {len(asset.plain)} ".encode() + asset.plain)
    return mixed.hexdigest()[:12]


def url(name: str) -> str:
    """Return the address of an asset. Raises LookupError for one that does not exist: a template names it wrongly."""
    if name not in assets():
        raise LookupError(name)
    return f"/static/{stamp()}/{name}"


async def serve(call: Call) -> ASGIApp:
    """Serve an asset. An address of another version does not exist."""
    asset = assets().get(call.params["file"])
    if asset is None or call.params["stamp"] != stamp():
        raise NotFound
    headers = {"Cache-Control": _FOREVER, "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
    if "gzip" in call.request.headers.get("accept-encoding", ""):
        return Response(asset.small, headers={**headers, "Content-Encoding": "gzip"}, media_type=asset.kind)
    return Response(asset.plain, headers=headers, media_type=asset.kind)


async def favicon(call: Call) -> ASGIApp:
    """Lead browsers that ask without having read a page to the mark."""
    return RedirectResponse(url("mark.svg"), 302, {"Cache-Control": "public, max-age=3600"})


async def robots(call: Call) -> ASGIApp:
    """Ask crawlers to leave alone what is endless or of no use to them."""
    refused = ("/api/", "/settings/", "/search", "/*/resolve/", "/*/commits/")
    rules = ["User-agent: *", *(f"Disallow: {path}" for path in refused), ""]
    return Response("\n".join(rules), headers={"Cache-Control": "public, max-age=3600"}, media_type="text/plain; charset=utf-8")


def _asset(suffix: str, content: bytes) -> Asset:
    return Asset(_KINDS[suffix], content, gzip.compress(content, 9, mtime=0))


ROUTES = [
    Route(("GET", "HEAD"), "/static/{stamp}/{file*}", serve, Access.PUBLIC, Login.COOKIE, Budget.NONE),
    Route(("GET", "HEAD"), "/favicon.ico", favicon, Access.PUBLIC, Login.COOKIE, Budget.NONE),
    Route(("GET", "HEAD"), "/robots.txt", robots, Access.PUBLIC, Login.COOKIE, Budget.NONE),
]
