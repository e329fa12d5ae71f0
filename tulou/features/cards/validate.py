"""Check the metadata of a card before it is committed: what is wrong, and what should be better."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tulou.features.cards.vocabulary import COLORS, LICENSES, RELATIONS, SDKS, TASKS
from tulou.kernel.errors import WireError
from tulou.kernel.names import RepoKind
from tulou.wire import frontmatter
from tulou.wire.frontmatter import Json

MAX_PROBLEMS = 50
_REPO_ID = re.compile(r"[\w.-]{1,96}(?:/[\w.-]{1,96})?")
_UNCLOSED = re.compile(r"\ufeff?\s*---[ \t]*[\r\n]")

Check = Callable[[str, Json], Iterator[str]]
"""Takes the name of a field and its value; yields what is wrong with it. Messages name fields, never values."""


@dataclass(frozen=True, slots=True)
class Report:
    """A card with errors cannot be committed by clients that ask first; warnings are only shown."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]


def validate(kind: RepoKind, text: str) -> Report:
    """Check the metadata at the top of `README.md`."""
    block = frontmatter.split(text).yaml
    if block is None and _UNCLOSED.match(text):
        return Report(("The metadata begins with a line `---` but no line `---` ends it.",), ())
    try:
        card = frontmatter.metadata(text)
    except WireError as problem:
        return Report((problem.message,), ())
    if not card:
        return Report((), ("empty or missing yaml metadata in repo card",))
    fields = _COMMON | _BY_KIND[kind]
    # A field without a value counts as left out: templates come with such lines.
    errors = [error for name, check in fields.items() if card.get(name) is not None for error in check(name, card[name])]
    return Report(tuple(errors[:MAX_PROBLEMS]), tuple(_warnings(card)))


def _warnings(card: dict[str, Json]) -> Iterator[str]:
    for name in ("pipeline_tag", "task_categories"):
        value = card.get(name)
        values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        if any(isinstance(item, str) and item not in TASKS for item in values):
            yield f'"{name}" names a task that is not in the official list of tasks'
    if card.get("license") == "other" and not isinstance(card.get("license_name"), str):
        yield '"license_name" should say which license it is when "license" is other'


def _text(name: str, value: Json) -> Iterator[str]:
    if not isinstance(value, str):
        yield f'"{name}" must be a string'


def _list(name: str, value: Json) -> Iterator[str]:
    if not isinstance(value, list):
        yield f'"{name}" must be an array'
        return
    for at, item in enumerate(value):
        yield from _text(f"{name}[{at}]", item)


def _text_or_list(name: str, value: Json) -> Iterator[str]:
    if isinstance(value, list):
        yield from _list(name, value)
    elif not isinstance(value, str):
        yield f'"{name}" must be a string or an array of strings'


def _flag(name: str, value: Json) -> Iterator[str]:
    if not isinstance(value, bool):
        yield f'"{name}" must be a boolean'


def _objects(name: str, value: Json) -> Iterator[str]:
    if not isinstance(value, list):
        yield f'"{name}" must be an array'
    elif not all(isinstance(item, dict) for item in value):
        yield f'"{name}" must be an array of objects'


def _one_of(choices: tuple[str, ...]) -> Check:
    def check(name: str, value: Json) -> Iterator[str]:
        if value not in choices:
            yield f'"{name}" must be one of [{", ".join(choices)}]'

    return check


def _license(name: str, value: Json) -> Iterator[str]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) and item in LICENSES for item in values):
        yield f'"{name}" must be one of [{", ".join(LICENSES)}, array]'


def _ids(name: str, value: Json) -> Iterator[str]:
    problems = list(_text_or_list(name, value))
    if problems:
        yield from problems
        return
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) and _REPO_ID.fullmatch(item) for item in values):
        yield f'"{name}" is not valid: use ids such as account/name'


def _short(name: str, value: Json) -> Iterator[str]:
    if not isinstance(value, str) or len(value) > 60:
        yield f'"{name}" must be a string of at most 60 characters'


def _port(name: str, value: Json) -> Iterator[str]:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 65536:
        yield f'"{name}" must be a number between 1 and 65535'


def _model_index(name: str, value: Json) -> Iterator[str]:
    """The form is that of https://github.com/huggingface/hub-docs/blob/main/modelcard.md."""
    if not isinstance(value, list):
        yield f'"{name}" must be an array'
        return
    for at, model in enumerate(value):
        where = f"{name}[{at}]"
        if not isinstance(model, dict):
            yield f'"{where}" must be of type object'
            continue
        yield from _required_text(where, model, "name")
        results = model.get("results")
        if not isinstance(results, list):
            yield f'"{where}.results" must be an array'
            continue
        for number, result in enumerate(results):
            yield from _result(f"{where}.results[{number}]", result)


def _result(where: str, result: Json) -> Iterator[str]:
    if not isinstance(result, dict):
        yield f'"{where}" must be of type object'
        return
    for part, names in (("task", ("type",)), ("dataset", ("type", "name"))):
        value = result.get(part)
        if not isinstance(value, dict):
            yield f'"{where}.{part}" is required'
            continue
        for name in names:
            yield from _required_text(f"{where}.{part}", value, name)
    metrics = result.get("metrics")
    if not isinstance(metrics, list):
        yield f'"{where}.metrics" must be an array'
        return
    for at, metric in enumerate(metrics):
        if not isinstance(metric, dict):
            yield f'"{where}.metrics[{at}]" must be of type object'
            continue
        yield from _required_text(f"{where}.metrics[{at}]", metric, "type")
        if metric.get("value") is None:
            yield f'"{where}.metrics[{at}].value" is required'


def _required_text(where: str, value: dict[str, Json], name: str) -> Iterator[str]:
    if value.get(name) is None:
        yield f'"{where}.{name}" is required'
    else:
        yield from _text(f"{where}.{name}", value[name])


_COMMON: dict[str, Check] = {
    "license": _license,
    "license_name": _text,
    "license_link": _text,
    "language": _text_or_list,
    "tags": _list,
    "thumbnail": _text,
    "extra_gated_prompt": _text,
    "extra_gated_heading": _text,
    "extra_gated_button_content": _text,
    "viewer": _flag,
}
_MODEL: dict[str, Check] = {
    "pipeline_tag": _text,
    "library_name": _text,
    "datasets": _ids,
    "metrics": _text_or_list,
    "base_model": _ids,
    "base_model_relation": _one_of(RELATIONS),
    "new_version": _ids,
    "model-index": _model_index,
    "widget": _objects,
}
_BY_KIND: dict[RepoKind, dict[str, Check]] = {
    RepoKind.MODEL: _MODEL,
    RepoKind.KERNEL: _MODEL,
    RepoKind.DATASET: {
        "pretty_name": _text,
        "annotations_creators": _text_or_list,
        "language_creators": _text_or_list,
        "multilinguality": _text_or_list,
        "size_categories": _text_or_list,
        "source_datasets": _text_or_list,
        "task_categories": _text_or_list,
        "task_ids": _text_or_list,
        "configs": _objects,
    },
    RepoKind.SPACE: {
        "title": _text,
        "emoji": _text,
        "sdk": _one_of(SDKS),
        "colorFrom": _one_of(COLORS),
        "colorTo": _one_of(COLORS),
        "short_description": _short,
        "app_file": _text,
        "app_port": _port,
        "base_path": _text,
        "models": _ids,
        "datasets": _ids,
        "pinned": _flag,
        "fullWidth": _flag,
        "disable_embedding": _flag,
        "hf_oauth": _flag,
    },
}
