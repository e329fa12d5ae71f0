"""Read the credentials of a request: Bearer for clients, Basic for git, the session cookie for pages."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from tulou.delivery.kit.call import in_thread
from tulou.delivery.kit.routes import Access, Login, Route
from tulou.features.accounts import signin
from tulou.kernel.actor import Actor
from tulou.kernel.errors import BadCredentials, Forbidden
from tulou.platform.machinery import Machinery

SESSION_COOKIE = "tulou_session"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


async def authenticate(m: Machinery, route: Route, scope: Scope, headers: Headers, address: str, request_id: str) -> Actor:
    """Return who is asking. Raises BadCredentials for a secret that is wrong, expired or revoked; none at all is nobody."""
    if route.access is Access.BEARER:
        return Actor(address=address, request_id=request_id)
    if route.login is Login.COOKIE:
        # Without a session too: else another site could sign a browser in as somebody else.
        if scope["method"] not in _SAFE and not _same_origin(headers):
            raise Forbidden("This form came from another site.")
        secret = session_secret(m, headers)
        return await _identify(m, "session", secret, address, request_id)
    if route.login is Login.EITHER and scope["method"] in _SAFE and "authorization" not in headers:
        return await _identify(m, "session", session_secret(m, headers), address, request_id)
    return await _identify(m, "token", _secret(headers), address, request_id)


def session_cookie(base: str) -> str:
    """Return the name of the session cookie under a base URL. `__Host-` keeps sibling hosts from setting it."""
    return f"__Host-{SESSION_COOKIE}" if base.startswith("https:") else SESSION_COOKIE


def session_secret(m: Machinery, headers: Headers) -> str | None:
    """Return the secret of the session that a request belongs to, or None."""
    cookies = cookie_parser(headers.get("cookie", ""))
    secure = cookies.get(session_cookie("https:"))
    # Without `public_url` the hub may be reached both ways; with it, only one name is ours.
    is_https_only = m.settings.public_url.startswith("https:")
    return secure or (None if is_https_only else cookies.get(SESSION_COOKIE)) or None


def _same_origin(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == headers.get("host")


def _secret(headers: Headers) -> str | None:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return value.strip()
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError) as cause:
            raise BadCredentials from cause
        # git puts the token where a password goes; `https://hf_…@host` puts it in the user's place.
        return password or user or None
    if scheme:
        raise BadCredentials
    return None


async def _identify(m: Machinery, what: str, secret: str | None, address: str, request_id: str) -> Actor:
    if secret is None:
        return Actor(address=address, request_id=request_id)
    cached = m.cache.get(what, secret)
    known = cached if isinstance(cached, signin.Identity) else None
    if known is None:
        mark = m.cache.mark()
        find = signin.by_token if what == "token" else signin.by_session
        known = await in_thread(find, m, secret)
        m.cache.put(mark, what, secret, known)
    actor = signin.actor(m, known, address, request_id)
    # Nobody comes in with an expired session, so it is not in use either.
    if known is not None and not actor.is_anonymous and signin.is_use_due(m, known):
        await in_thread(signin.note_use, m, known)
    return actor
