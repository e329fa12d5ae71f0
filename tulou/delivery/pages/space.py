"""The pages of a Space: its application in a frame, and what was printed while it was built and while it ran."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from tulou.delivery.kit import answers, apps, run_logs, sse
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Budget, Login, Route
from tulou.delivery.pages import render, snippets
from tulou.delivery.pages.forms import done
from tulou.delivery.pages.repo_frame import frame
from tulou.delivery.pages.words import translator
from tulou.features.access import gate
from tulou.features.cards import overview as overviews
from tulou.features.runs import logs
from tulou.features.spaces import logs as space_logs
from tulou.features.spaces import read
from tulou.features.spaces.model import Space, Stage
from tulou.kernel.actor import Action
from tulou.kernel.errors import NotFound
from tulou.kernel.names import RepoKind

TAIL_LINES = 400
"""Lines of a log that come with the page; older ones are in the whole log."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a stage is shown: in words, and in which colour of badge."""

    words: str
    tone: str = ""


LOOKS = {
    Stage.RUNNING: Look("Running", "good"),
    Stage.RUNNING_BUILDING: Look("Running, building the next version", "info"),
    Stage.RUNNING_APP_STARTING: Look("Running, starting the next version", "info"),
    Stage.BUILDING: Look("Building", "info"),
    Stage.APP_STARTING: Look("Starting", "info"),
    Stage.STOPPED: Look("Sleeping"),
    Stage.PAUSED: Look("Paused", "warn"),
    Stage.NO_APP_FILE: Look("No application file", "warn"),
    Stage.CONFIG_ERROR: Look("Configuration error", "bad"),
    Stage.BUILD_ERROR: Look("Build error", "bad"),
    Stage.RUNTIME_ERROR: Look("Runtime error", "bad"),
}
MOVING = frozenset({Stage.BUILDING, Stage.APP_STARTING})
"""Stages that pass by themselves, with nothing to see of the application yet."""


async def front(call: Call) -> ASGIApp:
    """Show the application, or why there is none."""
    shown = await in_thread(_front, call)
    source = shown["app"] and "{0.scheme}://{0.netloc}".format(urlsplit(shown["app"]))
    return render.page(call, "space.html", frame_source=source, **shown)


def _front(call: Call) -> dict[str, Any]:
    space = read.get(call.m, call.repo)
    found = overviews.at(call.m, call.repo)
    framed = frame(call, "app", found)
    # Opening the page is a visit, as opening the application is: the frame wakes one that sleeps.
    is_open = space.stage.is_serving or space.stage is Stage.STOPPED
    may_see = framed["frame"].can_read
    app = apps.frame_url(call.m, call.base, call.actor, call.repo, space) if is_open and may_see else None
    tail = _tail(call, space, "build" if space.stage in _BUILD_STAGES else "run") if framed["frame"].can_write else None
    return {
        **framed,
        "space": space,
        "look": LOOKS[space.stage],
        "is_moving": space.stage in MOVING,
        "app": app,
        "has_place": apps.space_url(call.m, call.base, call.repo, space) is not None,
        "direct": apps.space_url(call.m, call.base, call.repo, space),
        "is_empty": space.stage is Stage.NO_APP_FILE,
        "snippets": snippets.filling(found, call.base),
        "log": tail if not space.stage.is_serving and space.stage is not Stage.STOPPED else None,
        "done": done(call),
    }


_BUILD_STAGES = frozenset({Stage.BUILDING, Stage.BUILD_ERROR, Stage.CONFIG_ERROR, Stage.NO_APP_FILE})


async def state(call: Call) -> ASGIApp:
    """Say where the Space stands, for a page that waits for it."""
    space = await in_thread(read.get, call.m, call.repo)
    look = LOOKS[space.stage]
    words = translator(render.reader_of(call).language)(look.words)
    shown = {"stage": space.stage.value, "words": words, "tone": look.tone}
    return answers.json(shown, headers={"cache-control": "no-store"})


@dataclass(frozen=True, slots=True)
class Log:
    """A log on a page: the lines so far, the offset behind them, and where the rest comes from."""

    which: str
    lines: list[logs.Line]
    offset: int
    events: str
    is_over: bool


def _runs(space: Space, which: str) -> tuple[str, ...]:
    if which not in space_logs.KINDS:
        raise NotFound("A Space has a build log and a run log.")
    return space_logs.run_ids(space, which)


def _tail(call: Call, space: Space, which: str) -> Log | None:
    runs = _runs(space, which)
    if not runs:
        return None
    offset = logs.tail_of_several(call.m, runs, TAIL_LINES)
    lines: list[logs.Line] = []
    while True:
        found, offset, is_end = space_logs.lines(call.m, space.repo_id, which, runs[0], offset)
        lines += found
        if not found:
            break
    return Log(which, lines[-TAIL_LINES:], offset, f"/{call.repo.name.path}/logs/{which}/events", is_end)


async def log_page(call: Call) -> ASGIApp:
    """Show one of the two logs, and go on while it grows."""
    which = call.params.get("which", "run")
    space = await in_thread(read.get, call.m, call.repo)
    shown = await in_thread(_tail, call, space, which)
    framed = await in_thread(frame, call, "logs")
    return render.page(call, "space_logs.html", **framed, log=shown, which=which, space=space, look=LOOKS[space.stage])


async def log_events(call: Call) -> ASGIApp:
    """Send the lines behind an offset, and those to come."""
    space = await in_thread(read.get, call.m, call.repo)
    which = call.params["which"]
    first = "".join(_runs(space, which)[:1])
    source = partial(space_logs.lines, call.m, space.repo_id, which, first)
    lines = run_logs.events(source, sse.begin(call))
    return sse.stream(call, lines, lambda actor: gate.repo(call.m, actor, call.repo.name, Action.WRITE))


_OPTIONS: dict[str, Any] = {"login": Login.COOKIE, "budget": Budget.PAGES, "kind": RepoKind.SPACE}
ROUTES = [
    Route(("GET",), "/spaces/{account}/{name}/state", state, Action.READ_INFO, **_OPTIONS),
    Route(("GET", "HEAD"), "/spaces/{account}/{name}/logs", log_page, Action.WRITE, **_OPTIONS),
    Route(("GET", "HEAD"), "/spaces/{account}/{name}/logs/{which}", log_page, Action.WRITE, **_OPTIONS),
    Route(("GET",), "/spaces/{account}/{name}/logs/{which}/events", log_events, Action.WRITE, **_OPTIONS),
]
