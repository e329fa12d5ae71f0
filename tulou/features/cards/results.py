"""Read evaluation results out of a card's `model-index` and of `.eval_results`: a flat table, whatever the card says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tulou.features.cards.model import Overview

MAX_RESULTS = 200
_CHARS = 120


@dataclass(frozen=True, slots=True)
class Result:
    """One number that somebody measured, as they wrote it."""

    task: str
    dataset: str
    dataset_id: str
    """`account/name` of the dataset, or empty."""
    metric: str
    value: str
    source: str
    """An http(s) address that tells where the number comes from, or empty."""


def of(overview: Overview) -> list[Result]:
    """Return the results of a model, at most `MAX_RESULTS`. What does not have the expected shape is left out."""
    found: list[Result] = []
    for result in (*_of_index(overview.summary.facts.get("model-index")), *_of_files(overview.summary.facts.get("evalResults"))):
        if len(found) == MAX_RESULTS:
            break
        found.append(result)
    return found


def _of_index(index: Any) -> Iterator[Result]:
    for model in _dicts(index):
        for result in _dicts(model.get("results")):
            task, dataset, source = _dict(result.get("task")), _dict(result.get("dataset")), _dict(result.get("source"))
            part = " · ".join(filter(None, (_text(dataset.get("config")), _text(dataset.get("split")))))
            name = _text(dataset.get("name")) or _text(dataset.get("type"))
            for metric in _dicts(result.get("metrics")):
                value = _value(metric.get("value"))
                if value:
                    yield Result(
                        task=_text(task.get("name")) or _text(task.get("type")),
                        dataset=f"{name} ({part})" if part else name,
                        dataset_id=_text(dataset.get("type")),
                        metric=_text(metric.get("name")) or _text(metric.get("type")),
                        value=value,
                        source=_url(source.get("url")),
                    )


def _of_files(entries: Any) -> Iterator[Result]:
    for entry in _dicts(entries):
        data = _dict(entry.get("data"))
        dataset = _dict(data.get("dataset"))
        value = _value(data.get("value"))
        if value:
            name, task = _text(dataset.get("id")), _text(dataset.get("task_id"))
            yield Result(task, name, name, task, value, _url(_dict(data.get("source")).get("url")))


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value[:_CHARS] if isinstance(value, str) else ""


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.6g}"
    if isinstance(value, dict):
        plain = [(name, part) for name, part in value.items() if not isinstance(part, dict)]
        return ", ".join(f"{name}: {_value(part)}" for name, part in plain[:8])[:_CHARS]
    return str(value)[:_CHARS] if isinstance(value, int | str) else ""


def _url(value: Any) -> str:
    return value if isinstance(value, str) and value.startswith(("https://", "http://")) and len(value) <= 2_000 else ""
