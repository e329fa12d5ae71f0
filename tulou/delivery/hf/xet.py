"""The Hub's side of Xet: tokens for its service, and copies of large files between repositories."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread, objects, text
from tulou.delivery.kit.routes import Route
from tulou.features.content.xet import XetToken, mint_token, mint_upload_token
from tulou.features.content.xet_copy import duplicate
from tulou.kernel.actor import Action
from tulou.kernel.errors import BadInput
from tulou.kernel.limits import COMMIT_FILES
from tulou.kernel.names import GIT_KINDS, RepoKind, RepoName, parse_repo_id, parse_sha256


async def read_token(call: Call) -> ASGIApp:
    """Give a token to download with. The revision in the path need not exist: the token is about the repository."""
    return token_answer(await in_thread(mint_token, call.m, call.actor, call.repo, "read", call.base))


async def write_token(call: Call) -> ASGIApp:
    """Give a token to upload with. The revision need not exist, and may be the word None."""

    def mint() -> XetToken:
        opens_pull, revision = call.flag("create_pr"), call.params["rev"]
        return mint_upload_token(call.m, call.actor, call.repo, call.base, revision, opens_pull=opens_pull)

    return token_answer(await in_thread(mint))


def token_answer(token: XetToken) -> ASGIApp:
    """Answer in both forms: hf_xet reads the JSON, the Python client the headers."""
    headers = {
        "X-Xet-Cas-Url": token.cas_url,
        "X-Xet-Access-Token": token.access_token,
        "X-Xet-Token-Expiration": str(token.expires),
        "Cache-Control": "no-store",
    }
    return answers.json({"casUrl": token.cas_url, "accessToken": token.access_token, "exp": token.expires}, headers=headers)


async def duplicate_files(call: Call) -> ASGIApp:
    """Copy the ownership of large files to another repository."""
    body = await call.json()
    target = _target(body.get("target"))
    sha256s = [parse_sha256(text(file, "sha256")) for file in objects(body, "files", limit=COMMIT_FILES)]
    missing = await in_thread(duplicate, call.m, call.actor, call.repo, target, sha256s)
    failed = [{"sha256": sha256, "error": "No such large file in the source repository."} for sha256 in missing]
    return answers.json({"failed": failed})


def _target(value: Any) -> RepoName:
    if not isinstance(value, dict):
        raise BadInput("The field 'target' must be an object with 'type' and 'name'.")
    kind = text(value, "type", default="model")
    if kind not in GIT_KINDS:
        raise BadInput("The type of the target must be model, dataset, space or kernel.")
    return parse_repo_id(RepoKind(kind), text(value, "name"))


_REPO = "/api/{kind}/{account}/{name}"
ROUTES = [
    Route(("GET",), _REPO + "/xet-read-token/{rev}", read_token, Action.READ_CONTENT),
    # The use-case asks for WRITE itself, unless the upload is for a pull request.
    Route(("GET",), _REPO + "/xet-write-token/{rev}", write_token, Action.READ_CONTENT),
    Route(("POST",), _REPO + "/lfs-files/duplicate", duplicate_files, Action.READ_CONTENT),
]
