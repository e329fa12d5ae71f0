"""Show one HTML, SVG or PDF file: sandboxed, without cookies, able to reach nothing."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Route
from tulou.delivery.kit.streams import FileAnswer
from tulou.features.content import resolve, showcase
from tulou.kernel.errors import EntryNotFound

_TYPES = {
    "html": "text/html; charset=utf-8", "htm": "text/html; charset=utf-8", "svg": "image/svg+xml", "pdf": "application/pdf",
}  # fmt: skip
_INSIDE = "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; media-src data: blob:; font-src data:; "
# Scripts run in an origin of their own that nobody else has, and every way to the network is shut.
_SANDBOXED = _INSIDE + "script-src 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; sandbox allow-scripts"
_PICTURE = _INSIDE + "sandbox"
# Browsers show no PDF in a sandbox. Theirs is a viewer that runs apart, and there is nothing on this origin to reach.
_DOCUMENT = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; plugin-types application/pdf"


async def file(call: Call) -> ASGIApp:
    """GET /show/{sealed}/{name}: the file that the sealed word opens."""
    actor = call.actor
    repo, location, hub = await in_thread(showcase.admit, call.m, call.params["sealed"], actor.address, actor.request_id)
    ending = location.path.rpartition(".")[2].lower()
    if ending not in _TYPES:
        raise EntryNotFound

    def read(start: int, end: int) -> Iterator[bytes]:
        return resolve.read(call.m, repo, location, start, end)

    policy = _DOCUMENT if ending == "pdf" else _PICTURE if ending == "svg" else _SANDBOXED
    headers = {
        "content-security-policy": f"{policy}; base-uri 'none'; form-action 'none'; frame-ancestors {hub}",
        "Cache-Control": "private, no-store",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), clipboard-read=(), usb=(), payment=()",
        "Content-Disposition": "inline",
        "X-Robots-Tag": "noindex",
    }
    return FileAnswer(size=location.size, etag=location.etag, media_type=_TYPES[ending], headers=headers, read=read)


ROUTES = [Route(("GET", "HEAD"), "/show/{sealed}/{name}", file, Access.BEARER, budget=Budget.PAGES)]
