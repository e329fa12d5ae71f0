"""Turn the tags of a repository into chips that lead to the lists of others like it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from tulou.features.cards.languages import is_language, language_name
from tulou.features.cards.model import Overview, texts
from tulou.features.cards.vocabulary import LICENSES, TASKS
from tulou.kernel.names import RepoKind

_HIDDEN = ("region:", "base_model:", "dataset:", "source_datasets:", "annotations_creators:", "language_creators:")
# Prefix of a tag → the kind of chip, which says what its value means.
_PREFIXES = {
    "license": "license", "task_categories": "task", "task_ids": "other", "language": "language", "size_categories": "size",
    "format": "format", "modality": "other", "library": "library", "multilinguality": "other",
}  # fmt: skip
_TASK_PARAMETER = {RepoKind.MODEL: "pipeline_tag", RepoKind.DATASET: "task_categories"}
_PARAMETERS = {"size": "size_categories", "format": "format"}


@dataclass(frozen=True, slots=True)
class Chip:
    """One word in a box. `what` is task, library, language, license, size, format, sdk, paper or other."""

    what: str
    label: str
    url: str


def listed(kind: RepoKind, **conditions: str) -> str:
    """Return the address of a list: `listed(RepoKind.MODEL, library="peft")`."""
    return f"/{kind.plural}?{urlencode(conditions)}"


def of(overview: Overview) -> list[Chip]:
    """Return the chips of a repository in the order of its tags, each once, the task and the library first."""
    kind, summary = overview.name.kind, overview.summary
    found = []
    if summary.pipeline_tag:
        found.append(task(kind, summary.pipeline_tag))
    if summary.library:
        condition = "library" if kind is RepoKind.MODEL else "other"
        found.append(Chip("library", summary.library, listed(kind, **{condition: summary.library})))
    if summary.sdk:
        found.append(Chip("sdk", summary.sdk, listed(kind, sdk=summary.sdk)))
    done = {chip.label for chip in found} | {summary.pipeline_tag}
    languages = set(texts(summary.card.get("language")))
    shown = (tag for tag in summary.tags if tag not in done and not tag.startswith(_HIDDEN) and tag != "model-index")
    found += [_chip(kind, tag, is_code=tag in languages or is_language(tag)) for tag in shown]
    return list({chip.label: chip for chip in reversed(found)}.values())[::-1]


def task(kind: RepoKind, name: str) -> Chip:
    """Return the chip of a task."""
    label = TASKS[name].label if name in TASKS else name
    return Chip("task", label, listed(kind, **{_TASK_PARAMETER.get(kind, "other"): name}))


def license_of(kind: RepoKind, key: str) -> Chip:
    """Return the chip of a licence."""
    return Chip("license", LICENSES.get(key, key), listed(kind, license=key))


def language(kind: RepoKind, code: str) -> Chip:
    """Return the chip of a language."""
    condition = {"language": code} if kind in _TASK_PARAMETER else {"other": code}
    return Chip("language", language_name(code), listed(kind, **condition))


def _chip(kind: RepoKind, tag: str, *, is_code: bool) -> Chip:
    prefix, colon, value = tag.partition(":")
    if prefix == "arxiv" and colon:
        return Chip("paper", tag, f"https://arxiv.org/abs/{value}")
    what = _PREFIXES.get(prefix) if colon else None
    if what == "task":
        return task(kind, value)
    if what == "license":
        return Chip("license", value, listed(kind, license=value))
    if what == "language" or (is_code and not colon):
        return language(kind, value or tag)
    if what in _PARAMETERS:
        return Chip(what, value, listed(kind, **{_PARAMETERS[what]: value}))
    return Chip(what or "other", value if what else tag, listed(kind, other=tag))
