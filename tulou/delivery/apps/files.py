"""Serve the files of a static Space on its own host, as a plain web server would."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from urllib.parse import quote, unquote_to_bytes

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp

from tulou.delivery.kit.routes import MethodNotAllowed
from tulou.delivery.kit.streams import FileAnswer
from tulou.features.content import resolve
from tulou.features.content.resolve import Location
from tulou.features.repos.model import Repo
from tulou.features.spaces.model import Space
from tulou.kernel.errors import EntryNotFound, InvalidPath
from tulou.kernel.ids import Sha1
from tulou.kernel.names import parse_path
from tulou.platform.machinery import Machinery
from tulou.wire.proxy_headers import Hop

_INDEX = "index.html"
# What the table of types of this machine says differs between machines.
_TYPES = {
    "html": "text/html", "htm": "text/html", "js": "text/javascript", "mjs": "text/javascript", "css": "text/css",
    "json": "application/json", "svg": "image/svg+xml", "wasm": "application/wasm", "md": "text/markdown", "txt": "text/plain",
    "csv": "text/csv", "xml": "text/xml", "woff2": "font/woff2", "woff": "font/woff", "ttf": "font/ttf", "png": "image/png",
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp", "ico": "image/x-icon",
    "pdf": "application/pdf", "mp4": "video/mp4", "webm": "video/webm", "mp3": "audio/mpeg", "wav": "audio/wav",
    "webmanifest": "application/manifest+json",
}  # fmt: skip
_UTF8 = ("text/", "application/json", "image/svg+xml", "application/manifest+json")


def answer(m: Machinery, space: Space, repo: Repo, target: str, method: str, hop: Hop) -> ASGIApp:
    """Return the file that a path names; a folder is its `index.html`. Raises EntryNotFound, MethodNotAllowed."""
    if method not in {"GET", "HEAD"}:
        raise MethodNotAllowed(["GET", "HEAD"])
    if space.built is None:
        raise EntryNotFound
    path, _, query = target.partition("?")
    wanted = _decoded(path)
    commit, first = Sha1(space.built.plan.commit), space.built.plan.app_file
    try:
        location = resolve.locate(m, repo, commit, first if wanted == "" else _indexed(wanted))
    except EntryNotFound:
        if not wanted or wanted.endswith("/"):
            raise
        resolve.locate(m, repo, commit, f"{wanted}/{_INDEX}")  # a folder: relative links in it need the slash
        return RedirectResponse(f"{hop.prefix}/{quote(wanted)}/" + (f"?{query}" if query else ""), 307)
    return _file(m, repo, location, hop)


def _file(m: Machinery, repo: Repo, location: Location, hop: Hop) -> FileAnswer:
    def read(start: int, end: int) -> Iterator[bytes]:
        return resolve.read(m, repo, location, start, end)

    extra = {name.decode("ascii"): value.decode("ascii") for name, value in hop.extra}
    headers = {
        # The host is the Space's own: its pages may do there whatever they like, and be shown wherever they like.
        "content-security-policy": "frame-ancestors *",
        "cache-control": "no-cache",
        **extra,
    }
    return FileAnswer(size=location.size, etag=location.etag, media_type=_type(location.path), headers=headers, read=read)


def _decoded(path: str) -> str:
    try:
        return unquote_to_bytes(path[1:]).decode("utf-8")
    except UnicodeDecodeError as cause:
        raise EntryNotFound from cause


def _indexed(wanted: str) -> str:
    """Return the path of a file. Raises EntryNotFound for what no file can be called."""
    try:
        return parse_path(wanted + _INDEX if wanted.endswith("/") else wanted)
    except InvalidPath as cause:
        raise EntryNotFound from cause


def _type(path: str) -> str:
    ending = path.rpartition(".")[2].lower()
    kind = _TYPES.get(ending) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith(_UTF8) else kind
