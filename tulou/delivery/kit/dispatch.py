"""The ASGI application: find the route, the actor, the repository; run the handler; turn problems into answers."""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tulou.delivery.kit import answers, usercontent
from tulou.delivery.kit.auth import authenticate
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.limits import RateLimits
from tulou.delivery.kit.origins import Origins
from tulou.delivery.kit.routes import Access, Budget, Login, Route, Router
from tulou.features.access import gate
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Action, Actor
from tulou.kernel.errors import HubError, NotFound, RepoNotFound, SignInNeeded, StorageFull
from tulou.kernel.names import KIND_BY_PLURAL, RepoName, fold, parse_repo_name
from tulou.platform.machinery import Machinery

Log = Callable[[str, dict[str, Any]], None]


class AppHosts(Protocol):
    """Whatever serves the hosts of applications: nothing of the hub is reached there, nor the other way round."""

    def place(self, scope: Scope, headers: Headers) -> Any:
        """Return which application a request is for; None for the hub's own. Raises BadInput."""

    async def serve(self, place: Any, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Answer one request, or serve one WebSocket."""

    async def close(self) -> None:
        """End every connection to an application."""


ErrorPage = Callable[[HubError, Headers, Actor, str], ASGIApp]
"""Shows a problem: with the headers of the request, who asked, and the address to come back to."""
_NO_SPACE = 28  # errno.ENOSPC
VIEWER_HOST = "datasets-server."
"""What stands before the hub's own host where clients look for the dataset viewer."""


def as_json(problem: HubError, _headers: Headers, _actor: Actor, _here: str) -> ASGIApp:
    """Show a browser what programs get."""
    return answers.error(problem)


class Dispatcher:
    """Serves every request of the hub."""

    def __init__(
        self, m: Machinery, router: Router, log: Log, error_page: ErrorPage = as_json, usercontent: Router | None = None,
        apps: AppHosts | None = None, viewer: Router | None = None,
    ) -> None:  # fmt: skip
        self._m = m
        self._router = router
        self._usercontent = usercontent or Router(())
        self._limits = RateLimits(m.clock, m.settings)
        self._origins = Origins(m.settings)
        self._log = log
        self._error_page = error_page
        self._apps = apps
        self._viewer = viewer or Router(())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request, serve one WebSocket, or go with the server from its start to its end."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        apps = None if _is_for_viewer(headers) else self._apps
        if apps is not None and await self._serve_app(apps, scope, headers, request_id, receive, send):
            return
        if scope["type"] != "http":
            await _refuse(send, 404)
            return
        started = False
        extra = [(b"x-request-id", request_id.encode())]

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        answer = await self._answer_or_problem(scope, receive, headers, request_id, extra)
        if answer is None:
            return
        try:
            await answer(scope, receive, send_with_id)
        except HubError as problem:
            if started:
                raise
            await self._problem(problem, scope, headers)(scope, receive, send_with_id)
        except Exception as problem:
            # The status line is out: cutting the connection is the only honest answer left.
            self._log(
                "request.broken", {"request_id": request_id, "path": scope["path"], "started": started, "error": repr(problem)}
            )
            raise

    async def _serve_app(
        self, apps: AppHosts, scope: Scope, headers: Headers, request_id: str, receive: Receive, send: Send
    ) -> bool:
        """Answer for an application; False if the request is for the hub."""
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            place = apps.place(scope, headers)
            if place is not None:
                await apps.serve(place, scope, receive, noting_send, request_id)
        except HubError as problem:  # the address is none at all: there is no application to speak for
            answer = answers.error(problem)
        except Exception as problem:
            answer = self._bug(problem, scope, request_id)
            if started:
                raise  # the connection is cut: the only honest answer left
        else:
            return place is not None
        if scope["type"] == "websocket":
            await _refuse(send, answer.status_code)
        else:
            await answer(scope, receive, send)
        return True

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._apps is not None:
            await self._apps.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer_or_problem(
        self, scope: Scope, receive: Receive, headers: Headers, request_id: str, extra: list[tuple[bytes, bytes]]
    ) -> ASGIApp | None:
        """Return the answer, whatever happens; None if the client hung up."""
        try:
            return await self._answer(scope, receive, headers, request_id, extra)
        except HubError as problem:
            return self._problem(problem, scope, headers)
        except ClientDisconnect:
            return None
        except OSError as problem:
            return answers.error(StorageFull()) if problem.errno == _NO_SPACE else self._bug(problem, scope, request_id)
        except Exception as problem:  # noqa: BLE001 - one request's mistake must not end the server
            return self._bug(problem, scope, request_id)

    async def _answer(
        self, scope: Scope, receive: Receive, headers: Headers, request_id: str, extra: list[tuple[bytes, bytes]]
    ) -> ASGIApp:
        is_apart = usercontent.is_here(self._m.settings, headers.get("host", ""))
        is_viewer = _is_for_viewer(headers)
        router = self._usercontent if is_apart else self._viewer if is_viewer else self._router
        found = router.find(scope["method"], scope["raw_path"])
        if found is None and (is_apart or is_viewer or not _is_browser(scope, headers)):
            raise _missing(scope["path"])
        route, params = found or (_NOWHERE, {})
        address = self._origins.client_address(scope, headers)
        actor = await authenticate(self._m, route, scope, headers, address, request_id)
        scope["tulou.actor"] = actor
        if route.budget is not Budget.NONE:
            extra += self._limits.spend(route.budget, actor)
        call = Call(Request(scope, receive), self._m, actor, params, self._origins.base(scope, headers))
        if isinstance(route.access, Action):
            name = _repo_name(route, params)
            call.found_repo = await self._gate(actor, name, route.access)
            if _was_renamed(call.found_repo, name) and scope["method"] in {"GET", "HEAD"} and not route.git:
                return RedirectResponse(_renamed_path(scope, name, call.found_repo), 307)
        elif route.access is Access.SIGNED_IN and actor.is_anonymous:
            raise SignInNeeded
        return await route.handler(call)

    async def _gate(self, actor: Actor, name: RepoName, action: Action) -> Repo:
        key = (actor.user_id, actor.token and actor.token.id, name, action)
        cached = self._m.cache.get("gate", key)
        if isinstance(cached, Repo):
            return cached
        mark = self._m.cache.mark()
        found = await in_thread(gate.repo, self._m, actor, name, action)
        self._m.cache.put(mark, "gate", key, found)
        return found

    def _problem(self, problem: HubError, scope: Scope, headers: Headers) -> ASGIApp:
        if _is_browser(scope, headers) and not usercontent.is_here(self._m.settings, headers.get("host", "")):
            return self._error_page(problem, headers, scope.get("tulou.actor") or Actor(), _here(scope))
        say = answers.lfs_error if _speaks_lfs(scope) else answers.git_error if _speaks_git(scope) else answers.error
        answer = say(problem)
        if problem.status == 401 and _asks_for_credentials(scope):
            answer.headers["WWW-Authenticate"] = 'Basic realm="tulou"'
        return answer

    def _bug(self, problem: BaseException, scope: Scope, request_id: str) -> Response:
        trace = "".join(traceback.format_exception(problem))
        method = scope.get("method", scope["type"])
        self._log("request.failed", {"request_id": request_id, "method": method, "path": scope["path"], "trace": trace})
        return answers.error(HubError("Something went wrong on the server. Its log has the request id."))


async def _refuse(send: Send, status: int) -> None:
    """Refuse a WebSocket."""
    await send({"type": "websocket.http.response.start", "status": status, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b""})


def _is_for_viewer(headers: Headers) -> bool:
    return headers.get("host", "").lower().startswith(VIEWER_HOST)


async def _nowhere(call: Call) -> ASGIApp:
    raise _missing(call.request.url.path)


# A person who is signed in stays so on the page that says that there is no such address.
_NOWHERE = Route((), "", _nowhere, Access.PUBLIC, Login.COOKIE, Budget.PAGES)


def _here(scope: Scope) -> str:
    """Return the address that was asked for, if asking again later makes sense."""
    if scope["method"] not in {"GET", "HEAD"}:
        return ""
    query = scope["query_string"].decode("ascii", "replace")
    path: str = scope["raw_path"].decode("ascii", "replace")
    return path + (f"?{query}" if query else "")


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id") or headers.get("x-amzn-trace-id") or ""
    return given if given and len(given) <= 200 and given.isascii() and given.isprintable() else secrets.token_hex(12)


def _missing(path: str) -> NotFound:
    parts = path.split("/")
    is_repo_api = len(parts) > 3 and parts[1] == "api" and parts[2] in KIND_BY_PLURAL
    # Old names without an account, such as `gpt2`: clients ask for their files and want to hear that there is no such repository.
    is_file = "resolve" in (parts[3:4] if parts[1] in KIND_BY_PLURAL else parts[2:3])
    return RepoNotFound() if is_repo_api or is_file else NotFound("There is no such address on this hub.")


def _repo_name(route: Route, params: dict[str, str]) -> RepoName:
    kind = route.kind or KIND_BY_PLURAL.get(params["kind"])
    if kind is None:
        raise NotFound("There is no such kind of repository.")
    name = params["name"].removesuffix(".git") if route.git else params["name"]
    return parse_repo_name(kind, params["account"], name)


def _was_renamed(repo: Repo, asked: RepoName) -> bool:
    return fold(repo.name.full) != fold(asked.full)


def _renamed_path(scope: Scope, asked: RepoName, repo: Repo) -> str:
    old, new = f"/{quote(asked.account)}/{quote(asked.name)}", f"/{repo.name.full}"
    query = scope["query_string"].decode("ascii", "replace")
    # Routes ignore further slashes at the start; browsers would take what follows for another host.
    path: str = "/" + scope["raw_path"].decode("ascii").lstrip("/")
    return path.replace(old, new, 1) + (f"?{query}" if query else "")


def _is_browser(scope: Scope, headers: Headers) -> bool:
    """Say whether a person is looking: no client library asks for HTML."""
    return "text/html" in headers.get("accept", "") and not scope["path"].startswith("/api/")


def _asks_for_credentials(scope: Scope) -> bool:
    # Not for `/lfs/…`: those links carry their right, and git-lfs would ask its user for a password in vain.
    return _speaks_git(scope) or "/info/lfs/" in scope["path"]


def _speaks_git(scope: Scope) -> bool:
    path: str = scope["path"]
    return path.endswith(("/info/refs", "/git-upload-pack", "/git-receive-pack"))


def _speaks_lfs(scope: Scope) -> bool:
    path: str = scope["path"]
    return "/info/lfs/" in path or path.startswith("/lfs/")
