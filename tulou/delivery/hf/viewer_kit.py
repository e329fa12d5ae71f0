"""What every answer of the dataset viewer has in common: which dataset, at which commit, and how problems are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.dispatch import VIEWER_HOST
from tulou.delivery.kit.routes import Handler
from tulou.features.access import gate
from tulou.features.content import revisions
from tulou.features.repos.model import Repo
from tulou.features.viewer import assets, state, tasks
from tulou.features.viewer.state import ConfigState, SplitState, Trouble, View
from tulou.kernel.actor import Action
from tulou.kernel.errors import (
    Busy,
    HubError,
    InvalidName,
    RepoNotFound,
    RepoNotFoundSignIn,
    RevisionNotFound,
    Unauthenticated,
    ViewerProblem,
)
from tulou.kernel.ids import Sha1
from tulou.kernel.names import RepoKind, fold, parse_repo_id
from tulou.platform.machinery import Machinery

_EXPOSED = "X-Error-Code, X-Revision"
_NOT_READY = "The server is busier than usual and the response is not ready yet. Please retry later."
Make = Callable[["Asked"], Any]
"""Makes the JSON of an answer, or a whole answer. Runs in the pool."""


@dataclass(slots=True)
class Asked:
    """One request: the dataset, the commit that it is answered for, and what is known of that commit."""

    call: Call
    repo: Repo
    commit: Sha1
    view: View
    config_name: str | None
    split_name: str | None

    @property
    def m(self) -> Machinery:
        """The machines."""
        return self.call.m

    @property
    def base(self) -> str:
        """Scheme and host of the hub itself, also for those who asked at the viewer's own host."""
        return self.call.base.replace(f"://{VIEWER_HOST}", "://", 1)

    @property
    def config(self) -> str:
        """The name of the configuration that was asked for, which exists."""
        return self.config_state.name

    @property
    def split(self) -> str:
        """The name of the split that was asked for, which exists."""
        return self.split_state.name

    @property
    def config_state(self) -> ConfigState:
        """The configuration that was asked for. Raises ViewerProblem."""
        if self.config_name is None:
            raise missing("config")
        if self.view.trouble is not None and not self.view.configs:
            raise self.view.trouble.error()
        found = self.view.config(self.config_name)
        if found is not None:
            return found
        if not self.view.configs:
            raise not_ready()
        raise ViewerProblem("ConfigNotFoundError", "The config does not exist for the dataset.", 404)

    @property
    def split_state(self) -> SplitState:
        """The split that was asked for. Raises ViewerProblem."""
        config = self.config_state
        if self.split_name is None:
            raise missing("split")
        found = config.split(self.split_name)
        if found is not None:
            return found
        if config.trouble is not None:
            raise config.trouble.error()
        if config.splits is None:
            raise not_ready()
        raise ViewerProblem("SplitNotFoundError", "The split does not exist for the config of the dataset.", 404)

    def ready_split(self) -> SplitState:
        """Return the split, of which everything is known. Raises ViewerProblem."""
        found = self.split_state
        if found.trouble is not None:
            raise found.trouble.error()
        if found.state != "ready":
            raise not_ready()
        return found

    def media(self) -> str:
        """Return the address under which the files inside the cells of the split lie."""
        prefix = assets.prefix(self.m, self.call.actor, self.repo, self.commit, self.config, self.split)
        return self.base + prefix

    def text(self, name: str, *, limit: int = 10_000) -> str | None:
        """Return a parameter, or None. Raises ViewerProblem when it is too long or has a NUL."""
        value = self.call.query(name)
        if value is not None and (len(value) > limit or "\0" in value):
            raise ViewerProblem("InvalidParameter", f"Parameter '{name}' is too long or has a NUL character", 422)
        return value or None

    def required(self, name: str, *, limit: int = 10_000) -> str:
        """Return a parameter that has to be there. Raises ViewerProblem."""
        value = self.text(name, limit=limit)
        if value is None:
            raise missing(name)
        return value

    def number(self, name: str, default: int, most: int | None = None) -> int:
        """Return a parameter that is a whole number from 0 on. Raises ViewerProblem."""
        value = self.text(name)
        if value is None:
            return default
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 15):
            raise ViewerProblem("InvalidParameter", f"Parameter '{name}' must be integer", 422)
        if value.startswith("-"):
            raise ViewerProblem("InvalidParameter", f"Parameter '{name}' must be greater than 0", 422)
        if most is not None and int(value) > most:
            raise ViewerProblem("InvalidParameter", f"Parameter '{name}' must not be greater than {most}", 422)
        return int(value)


def missing(name: str) -> ViewerProblem:
    """Return the error for a parameter that has to be there."""
    return ViewerProblem("MissingRequiredParameter", f"Parameter '{name}' is required", 422)


def not_ready() -> ViewerProblem:
    """Return the error for what the pass has not made yet: the Hub's viewer says it with status 500."""
    return ViewerProblem("ResponseNotReady", _NOT_READY, 500)


def endpoint(make: Make) -> Handler:
    """Make a handler that finds the dataset, asks `make` for the answer, and tells problems as the Hub's viewer does."""

    async def handler(call: Call) -> ASGIApp:
        commit: list[Sha1] = []
        try:
            answer = await in_thread(_made, call, make, commit)
        except HubError as problem:
            return _problem(problem, commit)
        if not isinstance(answer, Response):
            return _answer(orjson.dumps(answer, option=orjson.OPT_NON_STR_KEYS), 200, commit, age=120)
        return answer

    return handler


def _made(call: Call, make: Make, commit: list[Sha1]) -> Any:
    repo = _repo(call)
    try:
        commit.append(revisions.head(call.m, repo))
    except RevisionNotFound as cause:
        raise ViewerProblem("EmptyDatasetError", "The dataset is empty.") from cause
    view = state.of(call.m, repo, commit[0])
    if view is None:
        # Nobody looked yet: the push was a moment ago, or the hub is newer than the dataset.
        tasks.ask(call.m, repo)
        raise not_ready()
    return make(Asked(call, repo, commit[0], view, call.query("config") or None, call.query("split") or None))


def _repo(call: Call) -> Repo:
    full = call.query("dataset")
    if not full:
        raise missing("dataset")
    try:
        name = parse_repo_id(RepoKind.DATASET, full)
    except InvalidName as cause:
        raise _hidden(is_anonymous=call.actor.is_anonymous) from cause
    try:
        repo = gate.repo(call.m, call.actor, name, Action.READ_CONTENT)
    except RepoNotFoundSignIn as cause:
        raise _hidden(is_anonymous=True) from cause
    except RepoNotFound as cause:
        raise _hidden(is_anonymous=False) from cause
    if fold(repo.name.full) != fold(name.full):
        raise ViewerProblem("RenamedDatasetError", "The dataset has been renamed. Please use the current dataset name.", 404)
    return repo


def _hidden(*, is_anonymous: bool) -> ViewerProblem:
    if is_anonymous:
        text = "The dataset does not exist, or is not accessible without authentication (private or gated)."
        return ViewerProblem("ExternalUnauthenticatedError", text, 401)
    text = "The dataset does not exist, or is not accessible with the current credentials (private or gated)."
    return ViewerProblem("ExternalAuthenticatedError", text, 404)


def _problem(problem: HubError, commit: list[Sha1]) -> Response:
    code, status = problem.wire_code, problem.status
    if code == "GatedRepo":  # the Hub's viewer never says 403: it tells nobody more than that
        is_anonymous = isinstance(problem, Unauthenticated) or status == 401
        problem = _hidden(is_anonymous=is_anonymous)
        code, status = problem.wire_code, problem.status
    body: dict[str, Any] = {"error": problem.message}
    return _answer(orjson.dumps(body), status, commit, age=10, code=code or _CODES.get(type(problem), "UnexpectedApiError"))


_CODES: dict[type[HubError], str] = {Busy: "ResponseNotReady"}


def told(trouble: Trouble) -> dict[str, Any]:
    """Return a problem as an answer lists it."""
    body: dict[str, Any] = {"error": trouble.message}
    if trouble.cause is not None:
        body |= {"cause_exception": trouble.cause, "cause_message": trouble.cause_message, "cause_traceback": []}
    return body


def _answer(body: bytes, status: int, commit: list[Sha1], *, age: int, code: str | None = None) -> Response:
    headers = {
        "Cache-Control": f"private, max-age={age}",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": _EXPOSED,
        "Vary": "Authorization, Cookie",
    }
    if code is not None:
        headers["X-Error-Code"] = code
    if code == "ResponseNotReady":
        headers["Retry-After"] = "2"
    if commit:
        headers["X-Revision"] = commit[0]
    return Response(body, status, headers, media_type="application/json; charset=utf-8")
