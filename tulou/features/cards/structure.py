"""Read out of a dataset's card how it is made up: configurations, splits, rows, columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tulou.wire.frontmatter import Json

MAX_CONFIGS = 100
MAX_SPLITS = 20
MAX_COLUMNS = 60
_CHARS = 120


@dataclass(frozen=True, slots=True)
class Split:
    """A part of a configuration; what the card does not say is None. `size` is in bytes."""

    name: str
    rows: int | None
    size: int | None


@dataclass(frozen=True, slots=True)
class Config:
    """One configuration of a dataset. `columns` are (name, type)."""

    name: str
    splits: tuple[Split, ...]
    columns: tuple[tuple[str, str], ...]


def configs_of(card: dict[str, Json]) -> list[Config]:
    """Return what `configs` and `dataset_info` of a card say together, at most `MAX_CONFIGS`."""
    splits = {name: _declared(item.get("data_files")) for name, item in _named(card.get("configs")).items()}
    infos = _named(card.get("dataset_info"))
    found = []
    for name in list(dict.fromkeys([*splits, *infos]))[:MAX_CONFIGS]:
        info = infos.get(name, {})
        known = _measured(info.get("splits"))
        names = dict.fromkeys([*known, *splits.get(name, [])])
        parts = tuple(known.get(split, Split(split, None, None)) for split in list(names)[:MAX_SPLITS])
        found.append(Config(name, parts, _columns(info.get("features"))))
    return found


def _named(value: Json) -> dict[str, dict[str, Any]]:
    items = value if isinstance(value, list) else [value]
    return {_text(item.get("config_name")) or "default": item for item in items if isinstance(item, dict)}


def _declared(files: Any) -> list[str]:
    if isinstance(files, list):
        names = [_text(item.get("split")) for item in files if isinstance(item, dict)]
        return [name for name in names if name]
    return ["train"] if files else []


def _measured(splits: Any) -> dict[str, Split]:
    found = {}
    for item in splits if isinstance(splits, list) else []:
        name = _text(item.get("name")) if isinstance(item, dict) else ""
        if name:
            found[name] = Split(name, _count(item.get("num_examples")), _count(item.get("num_bytes")))
    return found


def _columns(features: Any) -> tuple[tuple[str, str], ...]:
    found = []
    for item in (features if isinstance(features, list) else [])[:MAX_COLUMNS]:
        name = _text(item.get("name")) if isinstance(item, dict) else ""
        if name:
            found.append((name, _type(item)))
    return tuple(found)


def _type(item: dict[str, Any]) -> str:
    kind = item.get("dtype")
    if isinstance(kind, str):
        return kind[:_CHARS]
    if isinstance(kind, dict):
        return next((str(name)[:_CHARS] for name in kind), "")
    for name in ("list", "sequence", "struct"):
        if name in item:
            inner = item[name]
            return f"{name}<{inner[:_CHARS]}>" if isinstance(inner, str) else name
    return ""


def _text(value: Any) -> str:
    return value[:_CHARS] if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None
