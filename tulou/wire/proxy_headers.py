"""Which headers pass between a visitor and an application, and in which form."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from tulou.kernel.errors import WireError
from tulou.kernel.limits import APP_HEAD_BYTES, APP_HEAD_FIELDS

Raw = tuple[bytes, bytes]

# RFC 9110, 7.6.1; what `Connection` names comes on top.
_HOP_BY_HOP = frozenset({
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer",
    b"transfer-encoding", b"upgrade",
})  # fmt: skip
# What says where a request came from is ours to say. `Expect` was answered by our server.
_NOT_TO_APP = _HOP_BY_HOP | {
    b"host", b"content-length", b"expect", b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"true-client-ip",
    b"cf-connecting-ip", b"fastly-client-ip", b"x-cluster-client-ip", b"x-original-url", b"x-rewrite-url",
}  # fmt: skip
# An application speaks for its own host, for this one answer: not for other ports, and not to a server in front of the hub,
# which would send a file of its own for `X-Accel-Redirect` or `X-Sendfile`. The date is our server's to say.
_NOT_TO_VISITOR = _HOP_BY_HOP | {
    b"date", b"alt-svc", b"strict-transport-security", b"public-key-pins", b"x-sendfile", b"x-lighttpd-send-file",
    b"x-litespeed-location", b"x-reproxy-url", b"x-reproxy-file",
    b"clear-site-data",  # browsers clear the cookies of the whole domain for it: those of the hub beside the application too
}  # fmt: skip
# On the hub's own origin it may set nothing that lasts, and loosen nothing.
_NOT_ON_THE_HUB = frozenset({b"set-cookie", b"service-worker-allowed", b"report-to", b"nel", b"set-login",
                             b"reporting-endpoints", b"origin-agent-cluster", b"access-control-allow-origin",
                             b"access-control-allow-credentials"})  # fmt: skip
_SHARED = (b"public", b"s-maxage", b"private")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_COOKIE_OURS = re.compile(r"(?:__host-|__secure-)?tulou", re.IGNORECASE)
_BETWEEN = re.compile(r"[^A-Za-z0-9_]+")
_TOKEN = "hf_"  # noqa: S105 - how a secret of ours begins
_SECRET_HEADERS = frozenset({b"authorization", b"x-hf-authorization"})


@dataclass(frozen=True, slots=True)
class Hop:
    """How a visitor reached an application: what the application is told, and what its answers are corrected by."""

    scheme: str
    host: str
    """With the port, as the visitor's browser shows it."""
    client: str
    """The visitor's address."""
    prefix: str = ""
    """Path mode: what was cut off the path, without a slash at its end. The answer is shown on the hub's own origin."""
    is_private: bool = False
    """No cache that others share may keep the answer, whatever the application says."""
    extra: tuple[Raw, ...] = ()
    """Headers that every answer gets."""


def to_app(headers: Iterable[Raw], hop: Hop) -> list[tuple[str, str]]:
    """Return the headers of a request as the application gets them, without its length."""
    given = list(headers)
    dropped = _NOT_TO_APP | _named_by_connection(given)
    kept: list[tuple[str, str]] = []
    cookies: list[str] = []
    for name, value in given:
        if name in dropped or b"_" in name or name.startswith((b"x-forwarded-", b"sec-websocket-")):
            continue  # servers that read CGI variables cannot tell `X_Forwarded_For` from the real one
        text = _text(value)
        if name == b"cookie":
            cookies += _foreign_cookies(text)
        elif name not in _SECRET_HEADERS or not holds_token(text):
            kept.append((name.decode("ascii"), text))
    if cookies and not hop.prefix:
        kept.append(("cookie", "; ".join(cookies)))
    kept += [("host", hop.host), ("x-forwarded-host", hop.host)]
    kept += [("x-forwarded-proto", hop.scheme), ("x-forwarded-for", hop.client)]
    if hop.prefix:
        kept.append(("x-forwarded-prefix", hop.prefix))
    return kept


def to_visitor(headers: Iterable[Raw], hop: Hop) -> list[Raw]:
    """Return the headers of an answer as the visitor gets them. Raises WireError for what is too much or malformed."""
    given = [(name.lower(), value) for name, value in headers]
    if len(given) > APP_HEAD_FIELDS or sum(len(name) + len(value) for name, value in given) > APP_HEAD_BYTES:
        raise WireError("The head of the answer is too large.")
    dropped = _NOT_TO_VISITOR | _named_by_connection(given)
    if hop.prefix:
        dropped |= _NOT_ON_THE_HUB
    if any(name == b"transfer-encoding" for name, _ in given):
        dropped |= {b"content-length"}  # RFC 9112, 6.3: the encoding overrides it
    kept: list[Raw] = []
    for name, value in given:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise WireError("A header of the answer is malformed.")
        if name not in dropped and not name.startswith(b"x-accel-"):
            kept += ((name, corrected) for corrected in _corrected(name, value, hop))
    if hop.is_private and not any(name == b"cache-control" for name, _ in kept):
        kept.append((b"cache-control", b"private"))
    return kept + list(hop.extra)


def _corrected(name: bytes, value: bytes, hop: Hop) -> list[bytes]:
    """Return the value of a header of an answer as the visitor gets it; nothing for one that is refused."""
    if name == b"set-cookie":
        return _own_cookie(value)
    if name in {b"location", b"content-location"}:
        return [_location(value, hop)]
    if name == b"cache-control" and hop.is_private:
        said = (part.strip() for part in value.split(b","))
        return [b", ".join([b"private", *(part for part in said if not part.lower().startswith(_SHARED))])]
    return [value]


def holds_token(authorization: str) -> bool:
    """Say whether a header of credentials has a token of this hub in it."""
    scheme, _, value = authorization.strip().partition(" ")
    if scheme.lower() == "basic":
        with contextlib.suppress(binascii.Error, ValueError):
            authorization += ":" + base64.b64decode(value).decode("latin-1")
    return any(word.startswith(_TOKEN) for word in _BETWEEN.split(authorization))


def token_in(headers: Iterable[Raw]) -> str | None:
    """Return the hub's token that a program sent with its request to an application."""
    for name, value in headers:
        if name in _SECRET_HEADERS:
            scheme, _, secret = _text(value).strip().partition(" ")
            if scheme.lower() == "bearer" and secret.strip().startswith(_TOKEN):
                return secret.strip()
    return None


def _named_by_connection(headers: list[Raw]) -> frozenset[bytes]:
    return frozenset(
        option.strip().lower() for name, value in headers if name == b"connection" for option in value.split(b",")
    )


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _foreign_cookies(header: str) -> list[str]:
    pairs = (pair.strip() for pair in header.split(";"))
    return [pair for pair in pairs if pair and not _COOKIE_OURS.match(pair)]


def _own_cookie(header: bytes) -> list[bytes]:
    """Return a cookie bound to the application's own host; nothing for one with a name of ours."""
    pair, *attributes = header.split(b";")
    if _COOKIE_OURS.match(pair.strip().decode("latin-1")):
        return []
    kept = [part for part in attributes if part.partition(b"=")[0].strip().lower() != b"domain"]
    return [b";".join([pair, *kept])]


def _location(value: bytes, hop: Hop) -> bytes:
    """Return where to go: an application may know itself only by its address inside its sandbox."""
    try:
        text = value.decode("ascii")
        url = urlsplit(text)
        inside = url.hostname in {"127.0.0.1", "localhost", "0.0.0.0", "::1"}  # noqa: S104 - compared, not bound
    except ValueError:  # UnicodeDecodeError is one
        return value
    if url.scheme in {"http", "https"} and inside and url.netloc != hop.host:
        text = "/" + text.split("/", 3)[3] if text.count("/") >= 3 else "/"
    if hop.prefix and text.startswith("/") and not text.startswith("//") and not text.startswith(f"{hop.prefix}/"):
        text = hop.prefix + text
    return text.encode("ascii")
