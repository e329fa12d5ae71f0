"""A dataset's Parquet files by number, and its description in Croissant."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp

from tulou.delivery.hf.viewer_kit import not_ready
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Login, Route
from tulou.features.cards import overview
from tulou.features.cards.model import one_text, texts
from tulou.features.content import revisions
from tulou.features.viewer import croissant, export, state, tasks
from tulou.features.viewer.state import ConfigState, SplitState, View
from tulou.kernel.actor import Action
from tulou.kernel.clock import iso
from tulou.kernel.errors import EntryNotFound
from tulou.kernel.names import RepoKind

_DIGITS = 9


async def everything(call: Call) -> ASGIApp:
    """GET …/parquet: the addresses of all files, by configuration and split."""
    view = await in_thread(_view, call)
    return answers.json({config.name: _splits(call, config) for config in view.configs})


async def of_config(call: Call) -> ASGIApp:
    """GET …/parquet/{config}: the addresses of a configuration's files, by split."""
    return answers.json(_splits(call, _config(await in_thread(_view, call), call)))


async def of_split(call: Call) -> ASGIApp:
    """GET …/parquet/{config}/{split}: the addresses of a split's files."""
    config = _config(await in_thread(_view, call), call)
    return answers.json(_urls(call, config, _split(config, call)))


async def one(call: Call) -> ASGIApp:
    """GET …/parquet/{config}/{split}/{n}.parquet: leads to the file."""
    config = _config(await in_thread(_view, call), call)
    split = _split(config, call)
    number = call.params["file"].removesuffix(".parquet")
    if not (number.isascii() and number.isdigit() and len(number) < _DIGITS and int(number) < len(split.parquet)):
        raise EntryNotFound
    name = split.parquet[int(number)][0]
    where = f"/{call.repo.name.path}/resolve/{quote(export.REF, safe='')}/{quote(config.name)}/{split.name}/{name}"
    return RedirectResponse(where, 302)


async def describe(call: Call) -> ASGIApp:
    """GET …/croissant: the dataset in the vocabulary for datasets in machine learning."""
    return answers.json(await in_thread(_described, call))


def _described(call: Call) -> dict[str, Any]:
    view, repo = _view(call), call.repo
    card = overview.stored(call.m, repo).summary.card
    page = f"{call.base}/{repo.name.path}"
    licenses = [f"https://choosealicense.com/licenses/{key}/" for key in texts(card.get("license")) if len(key) < 100]
    about = {
        "name": repo.name.name,
        "description": one_text(card.get("pretty_name")) or repo.name.full,
        "alternateName": [repo.name.full],
        "creator": {"@type": "Organization" if repo.account_is_org else "Person", "name": repo.name.account,
                    "url": f"{call.base}/{repo.name.account}"},
        "keywords": [tag for tag in overview.stored(call.m, repo).summary.tags if len(tag) < 200],
        "license": licenses[0] if licenses else None,
        "datePublished": iso(repo.created_at),
        "dateModified": iso(repo.updated_at),
        "url": page,
    }  # fmt: skip
    return croissant.document(croissant.crumbs(view, repo.name.full, call.base), about)


def _view(call: Call) -> View:
    """Return what is known of the head of the default branch, which must be everything. Raises ViewerProblem."""
    commit = revisions.head(call.m, call.repo)
    view = state.of(call.m, call.repo, commit)
    if view is None:
        tasks.ask(call.m, call.repo)
        raise not_ready()
    if view.trouble is not None:
        raise view.trouble.error()
    if not view.is_over:
        raise not_ready()
    if view.export is not None:
        raise view.export.error()
    return view


def _config(view: View, call: Call) -> ConfigState:
    found = view.config(call.params["config"])
    if found is None:
        raise EntryNotFound
    return found


def _split(config: ConfigState, call: Call) -> SplitState:
    found = config.split(call.params["split"])
    if found is None:
        raise EntryNotFound
    return found


def _splits(call: Call, config: ConfigState) -> dict[str, list[str]]:
    return {split.name: _urls(call, config, split) for split in config.splits or ()}


def _urls(call: Call, config: ConfigState, split: SplitState) -> list[str]:
    root = f"{call.base}/api/datasets/{call.repo.name.full}/parquet/{quote(config.name, safe='')}/{split.name}"
    return [f"{root}/{number}.parquet" for number in range(len(split.parquet))]


_AT = "/api/datasets/{account}/{name}"
_ROUTES = {
    f"{_AT}/parquet": everything,
    f"{_AT}/parquet/{{config}}": of_config,
    f"{_AT}/parquet/{{config}}/{{split}}": of_split,
    f"{_AT}/croissant": describe,
}
ROUTES = [
    *(
        Route(("GET",), path, handler, Action.READ_CONTENT, Login.EITHER, kind=RepoKind.DATASET)
        for path, handler in _ROUTES.items()
    ),
    Route(("GET", "HEAD"), f"{_AT}/parquet/{{config}}/{{split}}/{{file}}", one, Action.READ_CONTENT, Login.EITHER,
          kind=RepoKind.DATASET),
]  # fmt: skip
