"""List and permanently delete large files."""

from __future__ import annotations

from starlette.types import ASGIApp

from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Route
from tulou.features.content import purge
from tulou.kernel.actor import Action
from tulou.kernel.clock import iso
from tulou.kernel.errors import BadInput
from tulou.kernel.limits import LIST_PAGE
from tulou.kernel.names import parse_sha256


async def list_files(call: Call) -> ASGIApp:
    """GET …/lfs-files: every large file in the history, paged."""
    cursor = call.query("cursor")
    after = parse_sha256(cursor) if cursor else ""
    found = await in_thread(lambda: purge.large_files(call.m, call.repo, after=after, limit=LIST_PAGE + 1))
    cursor = found[LIST_PAGE - 1].sha256 if len(found) > LIST_PAGE else None
    items = [
        {
            "fileOid": f.sha256,
            "oid": f.sha256,
            "filename": f.path,
            "size": f.size,
            "pushedAt": iso(f.pushed_at),
            "ref": f.ref or None,
        }
        for f in found[:LIST_PAGE]
    ]
    return answers.page(call, items, cursor)


async def delete_files(call: Call) -> ASGIApp:
    """POST …/lfs-files/batch: delete large files for good."""
    body = await call.json()
    deletions = body.get("deletions")
    names = deletions.get("sha") if isinstance(deletions, dict) else None
    if not isinstance(names, list) or not 0 < len(names) <= LIST_PAGE or not all(isinstance(name, str) for name in names):
        raise BadInput(f"The field 'deletions' needs a list 'sha' of 1 to {LIST_PAGE} file ids.")
    rewrite = deletions.get("rewriteHistory", True) if isinstance(deletions, dict) else True
    if not isinstance(rewrite, bool):
        raise BadInput("The field 'rewriteHistory' must be true or false.")
    wanted = {str(parse_sha256(name)) for name in names}
    await in_thread(lambda: purge.purge(call.m, call.actor, call.repo, wanted, rewrite_history=rewrite))
    return answers.json({})


ROUTES = [
    Route(("GET",), "/api/{kind}/{account}/{name}/lfs-files", list_files, Action.READ_CONTENT),
    Route(("POST",), "/api/{kind}/{account}/{name}/lfs-files/batch", delete_files, Action.ADMIN),
]
