"""Answer for the hosts of Spaces: let visitors in, wake what sleeps, pass the rest on, and say plainly what cannot be had."""

from __future__ import annotations

from urllib.parse import parse_qs, quote

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import Receive, Scope, Send

from tulou.delivery.apps import admission
from tulou.delivery.apps.admission import Door, Visit
from tulou.delivery.apps.place import Place, place_of
from tulou.delivery.apps.through import Ask, Through
from tulou.delivery.kit import answers
from tulou.delivery.kit.apps import ENTER, OURS, safe_onward
from tulou.delivery.kit.call import in_thread
from tulou.delivery.kit.notices import NoApp, Notice, NoticePage
from tulou.delivery.kit.origins import Origins
from tulou.features.spaces import passes, read
from tulou.kernel.errors import HubError
from tulou.platform.blobs.signing import BadSignature
from tulou.platform.machinery import Machinery
from tulou.platform.net.websocket import Refused
from tulou.wire.proxy_headers import Hop, Raw

_SANDBOX = b"sandbox allow-scripts allow-forms allow-popups allow-downloads"
_ANYONE = (b"access-control-allow-origin", b"*")


class Apps:
    """Serves every application. Belongs to one event loop; `close` ends it."""

    def __init__(self, m: Machinery, page: NoticePage) -> None:
        self._m = m
        self._page = page
        self._origins = Origins(m.settings)
        self._through = Through(m)

    def place(self, scope: Scope, headers: Headers) -> Place | None:
        """Return which application a request is for; None for the hub's own. Raises BadInput for what is no address."""
        host = self._origins.host(scope, headers)
        raw_path = scope.get("raw_path") or scope["path"].encode()
        return place_of(self._m.settings, host, raw_path, scope["query_string"])

    async def close(self) -> None:
        """End every connection to an application."""
        await self._through.close()

    async def serve(self, place: Place, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Answer one request, or serve one WebSocket."""
        headers = Headers(scope=scope)
        if scope["type"] == "websocket":
            await receive()  # `websocket.connect`: it is answered by what follows
        scheme, host = self._origins.seen(scope, headers)
        address = self._origins.client_address(scope, headers)
        ask = Ask(place, Door(place.slug, place.name, scheme, host, address, request_id), scope, headers, receive, send)
        visit: Visit | None = None
        try:
            if place.target.startswith(OURS):
                await self._ours(ask)
                return
            visit = await self._admitted(ask)
            hop = Hop(scheme, host, address, place.prefix, visit.repo.is_private, self._extra(place, visit))
            await self._through.take(ask, visit, hop)
        except (HubError, Refused) as problem:
            # Raised only while nothing was sent yet.
            await self._tell(problem, ask, visit)

    async def _admitted(self, ask: Ask) -> Visit:
        known = admission.known(self._m, ask.door)
        return known if known is not None else await in_thread(admission.admit, self._m, ask.door, ask.scope, ask.headers)

    async def _ours(self, ask: Ask) -> None:
        """GET /_tulou/enter?ticket=…&next=…: change a ticket into a pass, and go on."""
        path, _, query = ask.place.target.partition("?")
        if path != ENTER or ask.place.slug is None or not ask.is_http or ask.scope["method"] not in {"GET", "HEAD"}:
            raise NoApp
        fields = parse_qs(query)  # its length is the server's to bound
        word = await in_thread(self._pass, ask.place.slug, fields.get("ticket", [""])[-1])
        # A page left open, or a link sent to somebody: what follows says what is missing, or that nothing is.
        headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        answer = RedirectResponse(safe_onward(fields.get("next", ["/"])[-1]), 303, headers)
        if word is not None:
            answer.raw_headers.append((b"set-cookie", admission.cookie(ask.door.scheme, ask.door.host, word).encode()))
        await answer(ask.scope, ask.receive, ask.send)

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

    async def _tell(self, problem: HubError | Refused, ask: Ask, visit: Visit | None) -> None:
        if not ask.is_http or isinstance(problem, Refused):
            await ask.send({"type": "websocket.http.response.start", "status": problem.status, "headers": []})
            await ask.send({"type": "websocket.http.response.body", "body": b""})
            return
        notice = self._notice(problem, ask, visit)
        answer = self._page(notice, ask.headers) if ask.wants_page else answers.error(problem)
        if notice.retry_seconds is not None:
            answer.headers["Retry-After"] = str(notice.retry_seconds)
        if ask.place.prefix:
            answer.headers["Access-Control-Allow-Origin"] = "*"
        answer.headers["Cache-Control"] = "no-store"
        await answer(ask.scope, ask.receive, ask.send)

    def _notice(self, problem: HubError, ask: Ask, visit: Visit | None) -> Notice:
        hub, sign_in, page, place = self._hub(visit), None, None, ask.place
        if visit is not None:
            page = f"{hub}/{quote(visit.repo.name.path)}"
        elif isinstance(problem, NoApp) and place.slug is not None:
            sign_in = f"{hub}/login/app/{place.slug}?next={quote(safe_onward(place.target), safe='')}"
        return Notice(problem, hub, sign_in, page, in_frame=ask.headers.get("sec-fetch-dest") == "iframe")


def _may_be_framed(visit: Visit) -> bool:
    built = visit.space.built
    return built is None or built.plan.may_be_framed
