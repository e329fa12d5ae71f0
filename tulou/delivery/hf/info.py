"""Answer what a repository is: its card, its headers, its files at a revision."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.types import ASGIApp

from tulou.delivery.hf import overviews, space_shapes
from tulou.delivery.hf.overviews import Shown
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Route
from tulou.features.access.rules import Decision, decide
from tulou.features.cards import overview, shards
from tulou.features.cards.model import Overview
from tulou.features.spaces import read as spaces
from tulou.kernel.actor import Action
from tulou.kernel.names import RepoKind

_APP = frozenset({"runtime", "subdomain"})


async def repo_info(call: Call) -> ASGIApp:
    """GET /api/{kind}/{repo}[/revision/{rev}]: everything, or the id and the properties named by `expand`."""
    expand = call.queries("expand", "expand[]")
    overviews.check_expand(call.repo.name.kind, expand)
    return answers.json(await in_thread(_answer, call, expand))


def _answer(call: Call, expand: list[str]) -> dict[str, Any]:
    found = overview.at(call.m, call.repo, call.params.get("rev"))
    is_model = call.repo.name.kind is RepoKind.MODEL
    wanted = set(expand) or {"siblings", "spaces"}
    is_space = call.repo.name.kind is RepoKind.SPACE
    shown = Shown(
        found,
        files=overview.files(call.m, call.repo, found) if "siblings" in wanted else None,
        entries=overview.entries(call.m, call.repo, found) if call.flag("blobs") else None,
        spaces=_spaces(call, found) if is_model and "spaces" in wanted else None,
        children=_children(call, found) if is_model and "childrenModelCount" in wanted else None,
        app=_app(call) if is_space and (not expand or _APP & wanted) else None,
    )
    if expand:
        return overviews.expanded(shown, expand)
    answer = overviews.info(shown)
    if call.flag("securityStatus"):
        # Nothing here scans files yet, and no scan means no finding.
        answer["securityRepoStatus"] = {"scansDone": False, "filesWithIssues": []}
    return answer


def _spaces(call: Call, found: Overview) -> list[str]:
    return overview.spaces_using(call.m, call.actor, [found.name])[found.name.full]


def _app(call: Call) -> dict[str, Any]:
    can_write = decide(call.actor, call.repo, Action.WRITE) is Decision.ALLOW
    return space_shapes.app(call.m, call.base, call.repo, spaces.get(call.m, call.repo), can_write=can_write)


def _children(call: Call, found: Overview) -> dict[str, int]:
    return overview.children(call.m, call.actor, [found.name])[found.name.full]


async def safetensors_metadata(call: Call) -> ASGIApp:
    """GET /api/{kind}/{repo}/safetensors-metadata/{index}: the headers of all shards of a model at once."""
    found = await in_thread(shards.sharded_headers, call.m, call.repo, call.params["index"])
    headers = {name: orjson.Fragment(header) for name, header in found.headers.items()}
    return answers.json({"index": {"metadata": found.metadata}, "headers": headers})


_INFO = "/api/{kind}/{account}/{name}"
ROUTES = [
    Route(("GET",), _INFO, repo_info, Action.READ_INFO),
    Route(("GET",), _INFO + "/revision/{rev}", repo_info, Action.READ_INFO),
    Route(("GET",), _INFO + "/safetensors-metadata/{index*}", safetensors_metadata, Action.READ_CONTENT),
]
