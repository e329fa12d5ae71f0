"""Answer for the hosts of Spaces: let visitors in, wake what sleeps, pass the rest on, and say plainly what cannot be had."""

from __future__ import annotations

from urllib.parse import parse_qs, quote

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from tulou.delivery.apps import admission, files
from tulou.delivery.apps.admission import Door, Visit
from tulou.delivery.apps.awake import PATIENCE_SECONDS, Awake
from tulou.delivery.apps.place import Place, place_of
from tulou.delivery.kit import answers
from tulou.delivery.kit.apps import ENTER, OURS, safe_onward
from tulou.delivery.kit.call import in_thread
from tulou.delivery.kit.notices import ForeignPage, NoApp, Notice, NoticePage
from tulou.delivery.kit.origins import Origins
from tulou.delivery.kit.routes import MethodNotAllowed
from tulou.features.runs.model import Run
from tulou.features.spaces import passes, read, visits
from tulou.kernel.errors import HubError
from tulou.platform.blobs.signing import BadSignature
from tulou.platform.machinery import Machinery
from tulou.platform.net.proxy import Proxy, http
from tulou.platform.net.websocket import Refused, websocket
from tulou.wire.proxy_headers import Hop, Raw

_SANDBOX = b"sandbox allow-scripts allow-forms allow-popups allow-downloads"
_ANYONE = (b"access-control-allow-origin", b"*")
# Its pages are of no origin, so their own requests count as foreign. Nothing here depends on who asks: no cookie passes.
_PREFLIGHT = {
    "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "*", "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "600",
}  # fmt: skip


class Apps:
    """Serves every application. Belongs to one event loop; `close` ends it."""

    def __init__(self, m: Machinery, page: NoticePage) -> None:
        self._m = m
        self._page = page
        self._origins = Origins(m.settings)
        self._proxy = Proxy(m.compute.address)
        self._awake = Awake(m)

    def place(self, scope: Scope, headers: Headers) -> Place | None:
        """Return which application a request is for; None for the hub's own. Raises BadInput for what is no address."""
        host = self._origins.host(scope, headers)
        raw_path = scope.get("raw_path") or scope["path"].encode()
        return place_of(self._m.settings, host, raw_path, scope["query_string"])

    async def close(self) -> None:
        """End every connection to an application."""
        await self._awake.close()
        await self._proxy.close()

    async def serve(self, place: Place, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Answer one request, or serve one WebSocket."""
        headers = Headers(scope=scope)
        if scope["type"] == "websocket":
            await receive()  # `websocket.connect`: it is answered by what follows
        scheme, host = self._origins.seen(scope, headers)
        address = self._origins.client_address(scope, headers)
        door = Door(place.slug, place.name, scheme, host, address, request_id)
        visit: Visit | None = None
        try:
            if place.target.startswith(OURS):
                await self._ours(place, door, scope, receive, send)
                return
            visit = await self._admitted(door, scope, headers)
            await self._visit(place, door, visit, scope, receive, send)
        except (HubError, Refused) as problem:
            # Raised only while nothing was sent yet.
            await self._tell(problem, place, visit, scope, headers, receive, send)

    async def _admitted(self, door: Door, scope: Scope, headers: Headers) -> Visit:
        known = admission.known(self._m, door)
        return known if known is not None else await in_thread(admission.admit, self._m, door, scope, headers)

    async def _visit(self, place: Place, door: Door, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        is_http = scope["type"] == "http"
        headers = Headers(scope=scope)
        if not place.target.startswith("/"):
            await RedirectResponse(f"{place.prefix}/{place.target}", 307)(scope, receive, send)
            return
        if is_http and scope["method"] in {"CONNECT", "TRACE"}:
            raise MethodNotAllowed(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
        if is_http and place.prefix and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await Response(status_code=204, headers=_PREFLIGHT)(scope, receive, send)
            return
        hop = Hop(door.scheme, door.host, door.address, place.prefix, self._extra(place, visit))
        if visit.space.is_static:
            if not is_http:
                raise NoApp
            answer = await in_thread(files.answer, self._m, visit.space, visit.repo, place.target, scope["method"], hop)
            await answer(scope, receive, send)
            return
        with visits.connection(self._m, visit.repo.id):
            patience = PATIENCE_SECONDS if _is_person(scope, headers) else None
            run = await self._awake.run(visit.space, patience=patience)
            await (self._http if is_http else self._websocket)(run, place, hop, scope, receive, send)

    async def _http(self, run: Run, place: Place, hop: Hop, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._proxy.request(run.machine_id, run.order.port or 0) as line:
            await http(line, place.target, hop, scope, receive, send)

    async def _websocket(self, run: Run, place: Place, hop: Hop, scope: Scope, receive: Receive, send: Send) -> None:
        # A WebSocket is bound by no same-origin rule: without this, any page could talk to it in the visitor's name (G-9).
        origin = Headers(scope=scope).get("origin")
        allowed = {f"http://{hop.host}", f"https://{hop.host}", *(["null"] if place.prefix else [])}
        if origin is not None and origin.lower() not in {each.lower() for each in allowed}:
            raise ForeignPage
        async with self._proxy.socket(run.machine_id, run.order.port or 0) as line:
            await websocket(line, place.target, hop, scope, receive, send)

    async def _ours(self, place: Place, door: Door, scope: Scope, receive: Receive, send: Send) -> None:
        """GET /_tulou/enter?ticket=…&next=…: change a ticket into a pass, and go on."""
        path, _, query = place.target.partition("?")
        if path != ENTER or place.slug is None or scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            raise NoApp
        fields = parse_qs(query, max_num_fields=10)
        onward = safe_onward(fields.get("next", ["/"])[-1])
        word = await in_thread(self._pass, place.slug, fields.get("ticket", [""])[-1])
        # A page left open, or a link sent to somebody: what follows says what is missing, or that nothing is.
        headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        answer = RedirectResponse(onward, 303, headers)
        if word is not None:
            answer.raw_headers.append((b"set-cookie", admission.cookie(door.scheme, door.host, word).encode()))
        await answer(scope, receive, send)

    def _pass(self, slug: str, ticket: str) -> str | None:
        space = read.by_slug(self._m, slug)
        try:
            return passes.redeem(self._m, ticket, space.repo_id if space is not None else "")
        except BadSignature:
            return None

    def _extra(self, place: Place, visit: Visit) -> tuple[Raw, ...]:
        """Return what every answer of an application gets: where it may be shown, and in path mode what it may not do."""
        policy: list[bytes] = []
        if place.prefix:
            policy.append(_SANDBOX)
        if visit.repo.is_private or not _may_be_framed(visit):
            policy.append(f"frame-ancestors {self._hubs(visit)}".encode())
        found: list[Raw] = [(b"content-security-policy", b"; ".join(policy))] if policy else []
        return (*found, _ANYONE) if place.prefix else tuple(found)

    def _hubs(self, visit: Visit | None) -> str:
        """Return the hub's own addresses, as sources of a policy."""
        return " ".join(dict.fromkeys(filter(None, ("'self'", visit.hub if visit else None, self._hub(None)))))

    def _hub(self, visit: Visit | None) -> str:
        return (visit.hub if visit else None) or self._m.settings.public_url or self._m.compute.loopback

    async def _tell(
        self, problem: HubError | Refused, place: Place, visit: Visit | None,
        scope: Scope, headers: Headers, receive: Receive, send: Send,
    ) -> None:  # fmt: skip
        if scope["type"] == "websocket":
            await send({"type": "websocket.http.response.start", "status": problem.status, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b""})
            return
        if isinstance(problem, Refused):
            raise TypeError("only a WebSocket is refused")
        notice = self._notice(problem, place, visit, in_frame=headers.get("sec-fetch-dest") == "iframe")
        answer = self._page(notice, headers) if _wants_page(headers) else answers.error(problem)
        if notice.retry_seconds is not None:
            answer.headers["Retry-After"] = str(notice.retry_seconds)
        if place.prefix:
            answer.headers["Access-Control-Allow-Origin"] = "*"
        answer.headers["Cache-Control"] = "no-store"
        await answer(scope, receive, send)

    def _notice(self, problem: HubError, place: Place, visit: Visit | None, *, in_frame: bool) -> Notice:
        hub, sign_in, page = self._hub(visit), None, None
        if visit is not None:
            page = f"{hub}/{quote(visit.repo.name.path)}"
        elif isinstance(problem, NoApp) and place.slug is not None:
            sign_in = f"{hub}/login/app/{place.slug}?next={quote(safe_onward(place.target), safe='')}"
        return Notice(problem, hub, sign_in, page, in_frame)


def _may_be_framed(visit: Visit) -> bool:
    built = visit.space.built
    return built is None or built.plan.may_be_framed


def _wants_page(headers: Headers) -> bool:
    return "text/html" in headers.get("accept", "")


def _is_person(scope: Scope, headers: Headers) -> bool:
    """Say whether somebody looks at the page that is asked for, rather than a program or a script of a page."""
    is_read = scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}
    return is_read and _wants_page(headers) and headers.get("sec-fetch-mode", "navigate") == "navigate"
