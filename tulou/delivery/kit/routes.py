"""The route table: patterns, the right each route needs, and a tree that finds the route of a path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from tulou.kernel.actor import Action
from tulou.kernel.errors import BadInput
from tulou.kernel.names import GIT_KINDS, RepoKind

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from tulou.delivery.kit.call import Call

Handler = Callable[["Call"], Awaitable["ASGIApp"]]


class Access(Enum):
    """Who may use a route that is not about one repository."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"
    BEARER = "bearer"
    """The URL or a token of its own carries the right; the handler checks the signature."""


class Login(Enum):
    """Which credentials a route honours."""

    TOKEN = "token"  # noqa: S105 - not a secret
    """Bearer or Basic. Cookies are ignored, so no other site can make a browser act here."""
    EITHER = "either"
    """Bearer or Basic; without them the session cookie, for files that pages show and offer. For safe methods only."""
    COOKIE = "cookie"
    """The session cookie, for pages; unsafe methods need the same origin."""


class Budget(Enum):
    """Which rate limit a route counts against."""

    API = "api"
    RESOLVE = "resolve"
    PAGES = "pages"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table.

    Patterns: `{x}` is one segment, `{x*}` the rest of the path. A route whose `access` is an Action has `{account}`
    and `{name}`, and a kind from `{kind}` (`models` …) or from `kind`; its handler finds the repository in `call.repo`.
    """

    methods: tuple[str, ...]
    pattern: str
    handler: Handler
    access: Action | Access
    login: Login = Login.TOKEN
    budget: Budget = Budget.API
    kind: RepoKind | None = None
    git: bool = False
    """A git URL: the name may end with `.git`, and a missing sign-in is asked for with Basic authentication."""


def for_kinds(methods: tuple[str, ...], pattern: str, handler: Handler, access: Action, **options: object) -> list[Route]:
    """Make the page or git routes of all kinds with a history, of one pattern, which begins with `/{account}/{name}`."""
    return [
        Route(methods, f"/{kind.prefix}{pattern.lstrip('/')}", handler, access, kind=kind, **options)  # type: ignore[arg-type]
        for kind in GIT_KINDS
    ]


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    routes: dict[str, tuple[Route, list[str]]] = field(default_factory=dict)
    rest: dict[str, tuple[Route, list[str]]] = field(default_factory=dict)


class MethodNotAllowed(BadInput):
    """This address does not take that method."""

    status = 405
    code = "method_not_allowed"

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__()
        self.allowed = sorted(allowed)


class Router:
    """Finds routes. Literal segments win over parameters, and whole paths over `{x*}`."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = list(routes)
        self._root = _Node()
        for route in self.routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node, names = self._root, []
        segments = route.pattern.strip("/").split("/")
        for segment in segments:
            if segment.endswith("*}"):
                names.append(segment[1:-2])
                table = node.rest
                break
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
            table = node.routes
        for method in route.methods:
            if method in table:
                raise ValueError(f"two routes for {method} {route.pattern}")
            table[method] = (route, names)

    def find(self, method: str, raw_path: bytes) -> tuple[Route, dict[str, str]] | None:
        """Return the route of a request and the decoded parameters. `%2F` stays inside its segment.

        Raises MethodNotAllowed if the path has routes, but none for this method.
        """
        try:
            segments = raw_path.decode("ascii").lstrip("/").split("/")
        except UnicodeDecodeError as cause:
            raise BadInput("The path of a URL must be ASCII, with other characters percent-encoded.") from cause
        allowed: set[str] = set()
        hit = _find(self._root, segments, 0, [], method, allowed)
        if hit is None:
            if allowed:
                raise MethodNotAllowed(allowed)
            return None
        route, names, values = hit
        return route, dict(zip(names, map(_decode, values), strict=True))


_Hit = tuple[Route, list[str], list[str]]


def _find(node: _Node, segments: list[str], at: int, values: list[str], method: str, allowed: set[str]) -> _Hit | None:
    if at == len(segments):
        return _pick(node.routes, values, method, allowed)
    segment = segments[at]
    child = node.literals.get(segment)
    if child is not None:
        hit = _find(child, segments, at + 1, values, method, allowed)
        if hit is not None:
            return hit
    if node.parameter is not None and segment:
        hit = _find(node.parameter, segments, at + 1, [*values, segment], method, allowed)
        if hit is not None:
            return hit
    return _pick(node.rest, [*values, "/".join(segments[at:])], method, allowed) if node.rest else None


def _pick(table: dict[str, tuple[Route, list[str]]], values: list[str], method: str, allowed: set[str]) -> _Hit | None:
    found = table.get(method)
    if found is None:
        allowed.update(table)
        return None
    return found[0], found[1], values


def _decode(segment: str) -> str:
    if "%" not in segment:
        return segment
    try:
        return unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError as cause:
        raise BadInput("The path of a URL must be percent-encoded UTF-8.") from cause
