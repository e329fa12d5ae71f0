"""Turn the values of a row into the JSON of the viewer's answers."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import json
import math
from collections.abc import Callable
from typing import Any

Feature = Any
"""The description of a column as `Features.to_dict` writes it: an object with `_type`, an object of fields, or a list of one."""
Media = Callable[[str, dict[str, Any], int | None], Any]
"""(kind, {bytes, path}, index in the cell) → the cell of an image, audio, video or document."""

MEDIA = {"Image": "image", "Audio": "audio", "Video": "video", "Pdf": "pdf", "Nifti": "nifti", "Mesh": "mesh"}
_LISTS = frozenset({"List", "LargeList", "Sequence"})


def cell(value: Any, feature: Feature, media: Media, index: int | None = None) -> Any:
    """Return the JSON of one value. Files are left to `media`."""
    if value is None:
        return None
    if isinstance(feature, list):
        return [cell(each, feature[0], media, at) for at, each in enumerate(value)]
    kind = feature.get("_type") if isinstance(feature, dict) else None
    if not isinstance(kind, str):
        return _fields(value, feature, media, index)
    if kind in MEDIA:
        return media(MEDIA[kind], value if isinstance(value, dict) else {"path": value, "bytes": None}, index)
    if kind in _LISTS:
        if isinstance(value, dict):  # an old `Sequence` of fields is stored as fields of lists
            return {name: cell(each, [feature["feature"][name]], media) for name, each in value.items()}
        return [cell(each, feature["feature"], media, at) for at, each in enumerate(value)]
    if kind == "Json":
        return _parsed(value)
    return plain(value)


def _fields(value: Any, feature: Feature, media: Media, index: int | None) -> Any:
    if not isinstance(value, dict) or not isinstance(feature, dict):
        return plain(value)
    return {name: cell(each, feature.get(name, {"_type": "Value"}), media, index) for name, each in value.items()}


def _parsed(value: Any) -> Any:
    try:
        return plain(json.loads(value)) if isinstance(value, str | bytes) else plain(value)
    except (ValueError, RecursionError):
        return plain(value)


def plain(value: Any) -> Any:
    """Return a value that JSON has: times as ISO 8601, bytes as base64, numbers that are none as null."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return _moment(value)


def _moment(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        text = value.isoformat()
        return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta | decimal.Decimal):
        return str(value)
    return plain(value.item()) if hasattr(value, "item") else str(value)
