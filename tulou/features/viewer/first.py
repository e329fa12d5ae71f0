"""The first rows of a split, made at the push: they can be shown before anything else is known, and without any work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from tulou.features.repos.model import Repo
from tulou.features.viewer import shelf
from tulou.kernel.ids import Sha1
from tulou.platform.machinery import Machinery

_FILES = frozenset({"Image", "Audio", "Video", "Pdf", "Nifti", "Mesh"})
Place = Callable[[], str]
"""Returns the address under which the files of the split lie: `…/row/column/number/name` below it."""


def rows(m: Machinery, repo: Repo, commit: Sha1, config: int, split: str, place: Place) -> dict[str, Any] | None:
    """Return `features`, `rows` and `truncated`, with links in place of pictures; None before they were made."""
    path = shelf.folder_of(m, repo.id, commit) / str(config) / f"{split}.first-rows.json"
    try:
        found: dict[str, Any] = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    types = {column["name"]: column["type"] for column in found["features"]}
    for item in found["rows"]:
        kept = item["truncated_cells"]
        item["row"] = {n: v if n in kept else _linked(v, types[n], place) for n, v in item["row"].items()}
    return found


def _linked(value: Any, feature: Any, place: Place) -> Any:
    """Only the type of a column says where a file is: data may look like anything."""
    if value is None:
        return None
    if isinstance(feature, list):
        return [_linked(each, feature[0], place) for each in value] if isinstance(value, list) else value
    kind = feature.get("_type") if isinstance(feature, dict) else None
    if isinstance(kind, str) and kind in _FILES:
        return _file(value, place)
    inner = feature.get("feature") if isinstance(kind, str) else feature
    if isinstance(value, list):
        return [_linked(each, inner, place) for each in value] if inner else value
    if isinstance(value, dict) and isinstance(inner, dict):
        return {name: _linked(each, inner.get(name, {}), place) for name, each in value.items()}
    return value


def _file(value: dict[str, Any], place: Place) -> Any:
    row, column, number = value["media"]
    link = f"{place()}/{row}/{column}/{number}/{value['kind']}.{value['ending']}"
    if value["kind"] == "image":
        return {"src": link, "height": value["height"], "width": value["width"]}
    if value["kind"] == "audio":
        return [{"src": link, "type": value["type"]}]
    return {"src": link, "size_bytes": value["size"]} if value["kind"] == "pdf" else {"src": link}
