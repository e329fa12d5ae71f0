"""Read `.eval_results/*.yaml`: results of benchmarks, in the shape that clients parse."""

from __future__ import annotations

from typing import Any

from tulou.kernel.errors import WireError
from tulou.wire import frontmatter
from tulou.wire.frontmatter import Json

MAX_ENTRIES = 1_000
_OPTIONAL = ("verifyToken", "date", "notes")


def eval_entries(path: str, text: str) -> list[dict[str, Any]]:
    """Return the entries of one file as `{"filename", "verified", "data"}`, or one `{"filename", "error"}`.

    Clients take `data` apart without checks, so that only complete entries may leave here.
    """
    name = path.rsplit("/", 1)[-1]
    try:
        value = frontmatter.parse(text)
        items = value if isinstance(value, list) else [value]
        # Nobody here can check a signature of whoever ran a benchmark, so nothing counts as verified.
        return [{"filename": name, "verified": False, "data": _entry(item)} for item in items[:MAX_ENTRIES]]
    except WireError as problem:
        return [{"filename": name, "error": problem.message}]


def _entry(item: Json) -> dict[str, Json]:
    if not isinstance(item, dict) or not isinstance(item.get("dataset"), dict) or item.get("value") is None:
        raise WireError("Each result needs a 'dataset' with 'id' and 'task_id', and a 'value'.")
    dataset = item["dataset"]
    if not isinstance(dataset, dict) or not all(isinstance(dataset.get(name), str) for name in ("id", "task_id")):
        raise WireError("Each result needs a 'dataset' with 'id' and 'task_id', and a 'value'.")
    known = {name: dataset[name] for name in ("id", "task_id", "revision") if isinstance(dataset.get(name), str)}
    entry: dict[str, Json] = {"dataset": known, "value": item["value"]}
    entry |= {name: item[name] for name in _OPTIONAL if isinstance(item.get(name), str)}
    source = item.get("source")
    if source is not None:
        if not isinstance(source, dict) or not isinstance(source.get("url"), str):
            raise WireError("The 'source' of a result needs a 'url'.")
        entry["source"] = {k: source[k] for k in ("url", "name", "user", "org") if isinstance(source.get(k), str)}
    return entry
