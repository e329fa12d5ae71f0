"""The vocabularies that clients ask for: tags by type, and tasks with models that do them."""

from __future__ import annotations

from typing import Any

from tulou.features.access import gate
from tulou.features.cards import queries
from tulou.features.cards.vocabulary import LIBRARIES, LICENSES, SIZE_CATEGORIES, TASKS, Task
from tulou.kernel.actor import Actor
from tulou.platform.machinery import Machinery

MODELS_A_TASK = 3
# What to recommend for chat before a hub has a model of its own that does it; a name, no promise that it is here.
_DEFAULT_CHAT_MODEL = "Qwen/Qwen3-0.6B"


def model_tags() -> dict[str, list[dict[str, str]]]:
    """Return the tags that models are filtered by, by type."""
    return {
        "pipeline_tag": [_tag("pipeline_tag", task.id, task.label, subType=task.modality) for task in TASKS.values()],
        "library": [_tag("library", name, name) for name in sorted(LIBRARIES)],
        "license": _licenses(),
        "region": [_tag("region", "region:us", "US")],
    }


def dataset_tags() -> dict[str, list[dict[str, str]]]:
    """Return the tags that datasets are filtered by, by type."""
    return {
        "task_categories": [
            _tag("task_categories", f"task_categories:{task.id}", task.label, subType=task.modality) for task in TASKS.values()
        ],
        "size_categories": [_tag("size_categories", f"size_categories:{size}", size) for size in SIZE_CATEGORIES],
        "license": _licenses(),
        "region": [_tag("region", "region:us", "US")],
    }


def tasks(m: Machinery) -> dict[str, dict[str, Any]]:
    """Return every task with the most downloaded public models of this hub that do it."""
    known = m.cache.get("tasks", "")
    if isinstance(known, dict):
        return known
    mark = m.cache.mark()
    with m.db.read() as connection:
        models = queries.models_by_task(connection, list(TASKS), gate.visible_repos(Actor()), MODELS_A_TASK)
    found = {task.id: _task(task, models.get(task.id, [])) for task in TASKS.values()}
    m.cache.put(mark, "tasks", "", found)
    return found


def _task(task: Task, models: list[str]) -> dict[str, Any]:
    if task.id == "text-generation" and not models:
        models = [_DEFAULT_CHAT_MODEL]
    return {"id": task.id, "label": task.label, "modality": task.modality, "widgetModels": models}


def _licenses() -> list[dict[str, str]]:
    return [_tag("license", f"license:{key}", label) for key, label in LICENSES.items()]


def _tag(kind: str, key: str, label: str, **more: str) -> dict[str, str]:
    return {"id": key, "label": label, "type": kind, **more}
