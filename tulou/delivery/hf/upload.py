"""Write files: preupload and commit."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread, objects, optional_text, text
from tulou.delivery.kit.routes import Route
from tulou.features.access import gate
from tulou.features.content import commit, preupload, pulls
from tulou.kernel.actor import Action
from tulou.kernel.errors import BadInput, NotBuilt, SignInNeeded
from tulou.kernel.limits import COMMIT_BYTES, KIB, MIB, NDJSON_LINE, PREUPLOAD_FILES
from tulou.kernel.names import parse_path
from tulou.wire import hf_commit


async def preupload_files(call: Call) -> ASGIApp:
    """POST /api/{kind}/{repo}/preupload/{rev}: how each file is to be sent."""
    _require_writer(call)
    body = await call.json()
    candidates = [_candidate(item) for item in objects(body, "files", limit=PREUPLOAD_FILES)]
    ignore = optional_text(body, "gitIgnore", limit=MIB)
    advice = await in_thread(preupload.advise, call.m, call.repo, call.params["rev"], candidates, ignore)
    return answers.json({"files": [_advice(item) for item in advice]})


def _advice(item: preupload.Advice) -> dict[str, Any]:
    mode = "lfs" if item.is_large else "regular"
    return {"path": item.path, "uploadMode": mode, "shouldIgnore": item.ignored, "oid": item.oid}


async def create_commit(call: Call) -> ASGIApp:
    """POST /api/{kind}/{repo}/commit/{rev}: one commit, from a body of one JSON object a line."""
    if call.flag("hot_reload"):
        raise NotBuilt("Hot reload of Spaces is not built yet: commit without hot_reload.")
    as_pull = call.flag("create_pr")
    revision = call.params["rev"]
    if not as_pull:
        await in_thread(_require_right_to, call, revision)
    elif call.actor.user_id is None:
        raise SignInNeeded
    else:
        gate.check_token_writes(call.actor, call.repo)
    async with call.spool(COMMIT_BYTES) as file:

        def work() -> dict[str, Any]:
            # A line longer than the limit comes in two pieces, and the first is refused.
            header, operations = hf_commit.parse(iter(lambda: file.readline(NDJSON_LINE + 1), b""))
            if as_pull:
                oid, number = pulls.commit_as_pull(call.m, call.actor, call.repo, revision, header, operations)
            else:
                oid, number = commit.commit(call.m, call.actor, call.repo, revision, header, operations), None
            url = call.repo_url(call.repo)
            answer = {"success": True, "commitOid": oid, "commitUrl": f"{url}/commit/{oid}", "hookOutput": ""}
            return answer if number is None else {**answer, "pullRequestUrl": f"{url}/discussions/{number}"}

        return answers.json(await in_thread(work))


def _require_writer(call: Call) -> None:
    """Anybody who reads may prepare a pull request; everything else needs the right to write."""
    if call.flag("create_pr") or call.params["rev"].startswith("refs/pr/"):
        if call.actor.user_id is None:
            raise SignInNeeded
        return
    gate.check(call.actor, call.repo, Action.WRITE)


def _require_right_to(call: Call, revision: str) -> None:
    """The author of a pull request may commit to it; everything else needs the right to write."""
    if call.actor.user_id is not None and pulls.author_of(call.m, call.repo, revision) == call.actor.user_id:
        gate.check_token_writes(call.actor, call.repo)
        return
    gate.check(call.actor, call.repo, Action.WRITE)


def _candidate(item: dict[str, Any]) -> preupload.Candidate:
    size, sample = item.get("size"), item.get("sample") or ""
    if not isinstance(size, int) or isinstance(size, bool) or size < 0 or not isinstance(sample, str) or len(sample) > 64 * KIB:
        raise BadInput("Every file needs a 'path', a 'size' in bytes and a base64 'sample' of its beginning.")
    try:
        return preupload.Candidate(parse_path(text(item, "path")), size, base64.b64decode(sample, validate=True))
    except (binascii.Error, ValueError) as cause:
        raise BadInput("The 'sample' of a file must be base64.") from cause


ROUTES = [
    Route(("POST",), "/api/{kind}/{account}/{name}/preupload/{rev}", preupload_files, Action.READ_CONTENT),
    Route(("POST",), "/api/{kind}/{account}/{name}/commit/{rev}", create_commit, Action.READ_CONTENT),
]
