"""Read from the host name, or in path mode from the path, which application a request is for."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from tulou.kernel.errors import BadInput, InvalidName
from tulou.kernel.names import RepoKind, RepoName, parse_repo_name
from tulou.platform.net import apps_host
from tulou.settings import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """What a request is for. Neither slug nor name: no application can be called so."""

    target: str
    """Path and query as the application sees them, exactly as sent."""
    slug: str | None = None
    name: RepoName | None = None
    prefix: str = ""
    """Path mode: what was cut off the path."""


def place_of(settings: Settings, host: str, raw_path: bytes, query: bytes) -> Place | None:
    """Return which application a request is for; None for one that is the hub's own."""
    if apps_host.is_path_mode(settings):
        return _below(raw_path, query)
    if not apps_host.is_app_host(settings, host):
        return None
    return Place(_target(raw_path.decode("latin-1"), query), apps_host.slug_of(settings, host))


def _below(raw_path: bytes, query: bytes) -> Place | None:
    parts = raw_path.decode("latin-1").split("/", 5)
    if len(parts) < 5 or parts[0] or parts[1] != "spaces" or parts[4] != "app":
        return None
    rest = f"/{parts[5]}" if len(parts) > 5 else ""
    try:
        name = parse_repo_name(RepoKind.SPACE, unquote(parts[2]), unquote(parts[3]))
    except InvalidName:
        name = None
    return Place(_target(rest, query), name=name, prefix="/".join(parts[:5]))


def _target(path: str, query: bytes) -> str:
    """Return path and query. Raises BadInput for what is no path; nothing at all stays so: it asks for a slash."""
    if path and not path.startswith("/"):
        raise BadInput("The address must begin with a slash.")
    text = path + (f"?{query.decode('latin-1')}" if query else "")
    if not text.isascii():
        raise BadInput("The path of a URL must be ASCII, with other characters percent-encoded.")
    return text
