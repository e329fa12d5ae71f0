"""The two logs of a Space as server-sent events: of its last build, and of its application."""

from __future__ import annotations

from dataclasses import replace

from starlette.types import ASGIApp

from tulou.delivery.kit import run_logs, sse
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Route
from tulou.features.access import gate
from tulou.features.runs.logs import Line
from tulou.features.spaces import logs, read
from tulou.kernel.actor import Action
from tulou.kernel.errors import NotFound
from tulou.kernel.names import RepoKind


async def events(call: Call) -> ASGIApp:
    """GET …/logs/{build|run}: an event a line, from the first one or behind `Last-Event-ID`; open while more may come."""
    which = call.params["which"]
    if which not in logs.KINDS:
        raise NotFound("A Space has a build log and a run log.")
    space = await in_thread(read.get, call.m, call.repo)
    first = "".join(logs.run_ids(space, which)[:1])

    def source(offset: int) -> tuple[list[Line], int, bool]:
        lines, end, is_end = logs.lines(call.m, space.repo_id, which, first, offset)
        # Clients print each as it comes, so it brings its own end of line, as on the Hub.
        return [replace(line, text=f"{line.text}\n") for line in lines], end, is_end

    lines = run_logs.events(source, sse.last_id(call) or 0)
    return sse.stream(call, lines, lambda actor: gate.repo(call.m, actor, call.repo.name, Action.WRITE))


ROUTES = [
    Route(("GET",), "/api/spaces/{account}/{name}/logs/{which}", events, Action.WRITE, kind=RepoKind.SPACE),
]
