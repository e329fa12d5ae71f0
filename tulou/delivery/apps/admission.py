"""Who may visit an application: everybody a public one; a private one those whose token or pass may read the Space."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from tulou.delivery.kit.notices import NoApp
from tulou.features.access import gate
from tulou.features.accounts import signin
from tulou.features.repos import lookup
from tulou.features.repos.model import Repo
from tulou.features.spaces import passes, read
from tulou.features.spaces.model import Space
from tulou.kernel.actor import Action, Actor
from tulou.kernel.errors import BadCredentials, HubError, RepoNotFound
from tulou.kernel.limits import VISIT_SECONDS
from tulou.kernel.names import RepoName
from tulou.platform.blobs.signing import BadSignature
from tulou.platform.machinery import Machinery
from tulou.wire.proxy_headers import token_in

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who was let in."""

    space: Space
    repo: Repo
    hub: str | None = None
    """The address of the hub that they came from, if they showed a pass."""


@dataclass(frozen=True, slots=True)
class Door:
    """What a visitor knocks at: a host name's first label, or in path mode a name; and from where."""

    slug: str | None
    name: RepoName | None
    scheme: str
    host: str
    address: str
    request_id: str


def known(m: Machinery, door: Door) -> Visit | None:
    """Return what `admit` would, if the Space is one that everybody may visit and was visited since the last change. No I/O."""
    visit = m.cache.get("app.visit", door.slug) if door.name is None else None
    return visit if isinstance(visit, Visit) else None


def admit(m: Machinery, door: Door, scope: Scope, headers: Headers) -> Visit:
    """Let a visitor in. Raises NoApp alike for a Space that is missing and for one that they may not know of."""
    mark = m.cache.mark()
    space, repo = _found(m, door)
    nobody = Actor(address=door.address, request_id=door.request_id)
    if space is None or repo is None:
        # As much work as for one that is there: the time it takes tells nothing.
        _holder(m, door, scope, headers, "")
        _by_token(m, door, scope)
        raise NoApp
    if _may(nobody, repo):
        visit = Visit(space, repo)
        if door.name is None:
            m.cache.put(mark, "app.visit", door.slug, visit)
        return visit
    holder = _holder(m, door, scope, headers, repo.id)
    if holder is not None and _may(holder.actor, repo):
        return Visit(space, repo, holder.hub)
    actor = _by_token(m, door, scope)
    if actor is not None and _may(actor, repo):
        return Visit(space, repo)
    raise NoApp


def cookie(scheme: str, host: str, word: str) -> str:
    """Return the `Set-Cookie` of a pass: for this host alone, and in a frame on the hub's page only there."""
    lasting = f"Path=/; Max-Age={VISIT_SECONDS}; HttpOnly"
    if _is_trustworthy(scheme, host):
        return f"{_cookie_name(scheme, host)}={word}; {lasting}; Secure; SameSite=None; Partitioned"
    return f"{_cookie_name(scheme, host)}={word}; {lasting}; SameSite=Lax"


def _found(m: Machinery, door: Door) -> tuple[Space | None, Repo | None]:
    try:
        if door.name is not None:
            named = lookup.by_name(m, door.name)
            return (read.by_id(m, named.id), named) if named is not None else (None, None)
        space = read.by_slug(m, door.slug) if door.slug else None
        return (space, _repo(m, space.repo_id)) if space is not None else (None, None)
    except RepoNotFound:
        return None, None


def _repo(m: Machinery, repo_id: str) -> Repo:
    known = m.cache.get("app.repo", repo_id)
    if isinstance(known, Repo):
        return known
    mark = m.cache.mark()
    found = lookup.by_id(m, repo_id)
    m.cache.put(mark, "app.repo", repo_id, found)
    return found


def _may(actor: Actor, repo: Repo) -> bool:
    try:
        gate.check(actor, repo, Action.READ_CONTENT)
    except HubError:
        return False
    return True


def _by_token(m: Machinery, door: Door, scope: Scope) -> Actor | None:
    secret = token_in(scope["headers"])
    if secret is None:
        return None
    try:
        known = m.cache.get("token", secret)
        if not isinstance(known, signin.Identity):
            mark = m.cache.mark()
            known = signin.by_token(m, secret)
            m.cache.put(mark, "token", secret, known)
        actor = signin.actor(m, known, door.address, door.request_id)
    except BadCredentials:
        return None
    if signin.is_use_due(m, known):
        signin.note_use(m, known)
    return actor


def _holder(m: Machinery, door: Door, scope: Scope, headers: Headers, repo_id: str) -> passes.Holder | None:
    # In path mode a page of the application is of no origin: its requests carry no cookie, and a cookie proves nothing.
    if door.name is not None or not _is_from_here(scope, headers, door.host):
        return None
    word = cookie_parser(headers.get("cookie", "")).get(_cookie_name(door.scheme, door.host))
    try:
        return passes.holder(m, word, repo_id, door.address, door.request_id) if word else None
    except BadSignature:
        return None


def _is_from_here(scope: Scope, headers: Headers, host: str) -> bool:
    """Say whether a request comes from the application's own pages, or is a person going to one.

    The host of another application is the same site to a browser: without this, its scripts could use the visitor's pass.
    """
    origin = headers.get("origin")
    is_own = origin is not None and urlsplit(origin).netloc.lower() == host.lower()
    is_safe = scope["type"] == "http" and scope["method"] in _SAFE
    site = headers.get("sec-fetch-site")
    if scope["type"] == "websocket" or site is None:  # not every browser says where a WebSocket comes from; all name its origin
        return is_own or (origin is None and is_safe)
    if site in {"same-origin", "none"}:
        return True
    return is_safe and headers.get("sec-fetch-mode") == "navigate"


def _cookie_name(scheme: str, host: str) -> str:
    # `__Host-` keeps the other applications below the same domain from setting it.
    return "__Host-tulou-visit" if _is_trustworthy(scheme, host) else "tulou-visit"


def _is_trustworthy(scheme: str, host: str) -> bool:
    """Say whether browsers take this host for safe, so that it may have `Secure` cookies."""
    return scheme == "https" or host.partition(":")[0].lower().endswith(".localhost")
