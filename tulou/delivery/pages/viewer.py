"""The pages that show a dataset's rows: in full, and in a frame of somebody else's page."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Budget, Login, Route
from tulou.delivery.pages import render, viewer_panel
from tulou.delivery.pages.repo_frame import frame
from tulou.delivery.pages.viewer_panel import Asked, Panel
from tulou.kernel.actor import Action
from tulou.kernel.names import RepoKind

_CHARS = 8_000
_PAGES = 10_000_000


async def full(call: Call) -> ASGIApp:
    """Show the table of a split."""
    return render.page(call, "viewer.html", **await in_thread(_full, call))


def _full(call: Call) -> dict[str, Any]:
    return {**frame(call, "viewer"), "panel": _panel(call, "viewer")}


async def embed(call: Call) -> ASGIApp:
    """Show the table alone. A public one may stand in a frame anywhere: there is nothing on it to be tricked into."""
    answer = render.page(call, "viewer_embed.html", **await in_thread(_embed, call))
    if not call.repo.is_private and not call.repo.gated:
        policy = answer.headers["Content-Security-Policy"]
        answer.headers["Content-Security-Policy"] = policy.replace("frame-ancestors 'none'", "frame-ancestors *")
    return answer


def _embed(call: Call) -> dict[str, Any]:
    return {"panel": _panel(call, "embed/viewer"), "repo": call.repo}


async def progress(call: Call) -> ASGIApp:
    """GET …/viewer-state: how far a split is, for a page that waits for it."""
    config, split = call.query("config") or None, call.query("split") or None
    panel = await in_thread(lambda: viewer_panel.of(call, config, split, Asked(), most=0))
    return answers.json({"state": panel.state if panel else "empty", "rows": panel.all_rows if panel else None})


def _panel(call: Call, at: str) -> Panel | None:
    return viewer_panel.of(call, call.params.get("config"), call.params.get("split"), _asked(call), at=at)


def _asked(call: Call) -> Asked:
    number = call.query("p") or ""
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 9 and int(number) < _PAGES else 0
    said = [(call.query(name) or "").strip()[:_CHARS] for name in ("q", "where", "orderby")]
    return Asked(page, *said)


_OPTIONS: dict[str, Any] = {"login": Login.COOKIE, "budget": Budget.PAGES, "kind": RepoKind.DATASET}
_READ = ("GET", "HEAD")
_PLACES = ("", "/{config}", "/{config}/{split}")
ROUTES = [
    Route(_READ, "/datasets/{account}/{name}/viewer-state", progress, Action.READ_CONTENT, **_OPTIONS),
    *(Route(_READ, f"/datasets/{{account}}/{{name}}/viewer{place}", full, Action.READ_CONTENT, **_OPTIONS) for place in _PLACES),
    *(
        Route(_READ, f"/datasets/{{account}}/{{name}}/embed/viewer{place}", embed, Action.READ_CONTENT, **_OPTIONS)
        for place in _PLACES
    ),
]
