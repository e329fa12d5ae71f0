"""The Hub's JSON for a repository: every property by name, and which of them each kind has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tulou.features.cards.model import Overview, texts
from tulou.features.content.tree import Entry
from tulou.kernel.clock import iso
from tulou.kernel.errors import BadInput
from tulou.kernel.names import RepoKind
from tulou.wire.lfs import format_pointer


@dataclass(frozen=True, slots=True)
class Shown:
    """One repository and what was looked up beside it for its properties; what was not asked for stays None."""

    overview: Overview
    files: list[str] | None = None
    entries: list[Entry] | None = None
    spaces: list[str] | None = None
    children: dict[str, int] | None = None
    app: dict[str, Any] | None = None
    """Of a Space: what `space_shapes.app` returns."""
    in_list: bool = False


def _fact(name: str) -> Callable[[Shown], Any]:
    return lambda shown: shown.overview.summary.facts.get(name)


def _siblings(shown: Shown) -> list[dict[str, Any]] | None:
    if shown.entries is not None:
        return [_sibling(entry) for entry in shown.entries]
    return [{"rfilename": path} for path in shown.files] if shown.files is not None else None


def _sibling(entry: Entry) -> dict[str, Any]:
    shape: dict[str, Any] = {"rfilename": entry.path, "size": entry.size, "blobId": entry.oid}
    if entry.lfs is not None:
        shape["lfs"] = {"sha256": entry.lfs.oid, "size": entry.lfs.size, "pointerSize": len(format_pointer(entry.lfs))}
    return shape


def _of_app(name: str) -> Callable[[Shown], Any]:
    return lambda shown: shown.app.get(name) if shown.app is not None else None


def _linked(name: str) -> Callable[[Shown], Any]:
    return lambda shown: texts(shown.overview.summary.card.get(name))


_COMMON: dict[str, Callable[[Shown], Any]] = {
    "author": lambda shown: shown.overview.name.account,
    "cardData": lambda shown: shown.overview.summary.card or None,
    "createdAt": lambda shown: iso(shown.overview.created_at),
    "disabled": lambda _: False,
    "gated": lambda shown: shown.overview.gated or False,
    "lastModified": lambda shown: iso(shown.overview.updated_at),
    "likes": lambda shown: shown.overview.likes,
    "private": lambda shown: shown.overview.is_private,
    "resourceGroup": lambda _: None,
    "sha": lambda shown: shown.overview.commit,
    "siblings": _siblings,
    "tags": lambda shown: list(shown.overview.summary.tags),
    "trendingScore": lambda shown: shown.overview.downloads,
    "usedStorage": lambda shown: shown.overview.storage_bytes,
    "xetEnabled": lambda _: True,
}
_DOWNLOADS: dict[str, Callable[[Shown], Any]] = {
    "downloads": lambda shown: shown.overview.downloads,
    "downloadsAllTime": lambda shown: shown.overview.downloads_all,
}
_MODEL: dict[str, Callable[[Shown], Any]] = {
    **_COMMON,
    **_DOWNLOADS,
    "baseModels": _fact("baseModels"),
    "childrenModelCount": lambda shown: shown.children,
    "config": _fact("config"),
    "evalResults": _fact("evalResults"),
    "gguf": _fact("gguf"),
    "inference": lambda _: None,
    # No provider serves models of this hub. Clients read a mapping on info pages, a list in lists.
    "inferenceProviderMapping": lambda shown: [] if shown.in_list else {},
    "library_name": lambda shown: shown.overview.summary.library,
    "mask_token": _fact("mask_token"),
    "model-index": _fact("model-index"),
    "pipeline_tag": lambda shown: shown.overview.summary.pipeline_tag,
    "safetensors": _fact("safetensors"),
    "spaces": lambda shown: shown.spaces,
    "transformersInfo": _fact("transformersInfo"),
    "widgetData": _fact("widgetData"),
}
_DATASET: dict[str, Callable[[Shown], Any]] = {
    **_COMMON,
    **_DOWNLOADS,
    "citation": lambda _: None,
    "description": lambda _: None,
    "mainSize": _fact("mainSize"),
    "paperswithcode_id": lambda shown: shown.overview.summary.card.get("paperswithcode_id"),
}
_SPACE: dict[str, Callable[[Shown], Any]] = {
    **_COMMON,
    "datasets": _linked("datasets"),
    "models": _linked("models"),
    "region": lambda _: None,
    "host": _of_app("host"),
    "runtime": _of_app("runtime"),
    "sdk": lambda shown: shown.overview.summary.sdk,
    "subdomain": _of_app("subdomain"),
}
PROPERTIES: dict[RepoKind, dict[str, Callable[[Shown], Any]]] = {
    RepoKind.MODEL: _MODEL,
    RepoKind.DATASET: _DATASET,
    RepoKind.SPACE: _SPACE,
    RepoKind.KERNEL: {**_COMMON, **_DOWNLOADS},
}

# Properties that an info page does not show unless asked.
_INFO_EXTRAS = {
    "baseModels", "childrenModelCount", "evalResults", "inferenceProviderMapping", "resourceGroup", "trendingScore", "xetEnabled",
}  # fmt: skip
_LIST = ("private", "likes", "downloads", "tags", "pipeline_tag", "library_name", "createdAt", "trendingScore", "sdk", "gated")
_LIST_FULL = ("author", "disabled", "lastModified", "sha", "siblings", "cardData")
# What a list shows of datasets without being asked.
_LIST_DATASET = ("author", "disabled", "lastModified", "sha")
NEEDS_DETAIL = frozenset({
    "baseModels", "cardData", "config", "datasets", "evalResults", "gguf", "mainSize", "mask_token", "model-index", "models",
    "paperswithcode_id", "safetensors", "siblings", "transformersInfo", "widgetData",
})  # fmt: skip
"""Properties that are kept in the card and facts, which lists do not read otherwise."""


# Shown, but no value of `expand`: clients compare the options with their own list.
_NOT_EXPANDED = {RepoKind.SPACE: frozenset({"gated", "host"})}


def check_expand(kind: RepoKind, names: Iterable[str]) -> None:
    """Raise BadInput, in the Hub's words, if a name is not a property of this kind."""
    known = PROPERTIES[kind].keys() - _NOT_EXPANDED.get(kind, frozenset())
    for at, name in enumerate(names):
        if name not in known:
            options = "|".join(f'"{option}"' for option in sorted(known, key=str.lower))
            raise BadInput(f"✖ Invalid option: expected one of {options}\n  → at expand[{at}]")


def expanded(shown: Shown, names: Iterable[str]) -> dict[str, Any]:
    """Return the id and the properties asked for."""
    return _shape(shown, names)


def info(shown: Shown) -> dict[str, Any]:
    """Return what the info route answers without `expand`."""
    names = [name for name in PROPERTIES[shown.overview.name.kind] if name not in _INFO_EXTRAS]
    return _shape(shown, names)


def listed(shown: Shown, *, full: bool, config: bool, card: bool) -> dict[str, Any]:
    """Return one line of a list."""
    kind = shown.overview.name.kind
    names = [*_LIST, *(_LIST_FULL if full else _LIST_DATASET if kind is RepoKind.DATASET else ())]
    names += ["config"] if config else []
    names += ["cardData"] if card and not full else []
    return _shape(shown, [name for name in names if name in PROPERTIES[kind]])


def _shape(shown: Shown, names: Iterable[str]) -> dict[str, Any]:
    overview = shown.overview
    shape: dict[str, Any] = {"_id": overview.id, "id": overview.name.full}
    if overview.name.kind is RepoKind.MODEL:
        shape["modelId"] = overview.name.full
    properties = PROPERTIES[overview.name.kind]
    values = {name: properties[name](shown) for name in names}
    return shape | {name: value for name, value in values.items() if value is not None}
