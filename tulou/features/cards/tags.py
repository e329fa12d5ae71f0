"""Make the tags of a repository, spelled and ordered as on the Hub."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tulou.features.cards.libraries import data_format_of, formats_of
from tulou.features.cards.model import Evidence, one_text, texts
from tulou.features.cards.vocabulary import RELATIONS
from tulou.kernel.names import RepoKind

MAX_TAGS = 500
TAG_CHARS = 200
_ARXIV = re.compile(r"(?:arxiv\.org/(?:abs|pdf)/|arxiv:\s?)([0-9]{4}\.[0-9]{4,5})", re.IGNORECASE)
_MODEL_ID = re.compile(r"[\w.-]{1,96}(?:/[\w.-]{1,96})?")
_DATASET_FIELDS = (
    "task_categories", "task_ids", "annotations_creators", "language_creators", "multilinguality", "source_datasets", "language",
    "license", "size_categories",
)  # fmt: skip


def tags_of(kind: RepoKind, evidence: Evidence, *, library: str | None, pipeline_tag: str | None) -> tuple[str, ...]:
    """Return every tag once, in the Hub's order."""
    if kind is RepoKind.DATASET:
        found = _dataset(evidence)
    elif kind is RepoKind.SPACE:
        found = [*texts(evidence.card.get("sdk"))[:1], *texts(evidence.card.get("tags")), *_prefixed(evidence, "license")]
    else:
        found = _model(evidence, library, pipeline_tag)
    return _clean([*found, "region:us"])


def links_of(kind: RepoKind, evidence: Evidence) -> tuple[str, ...]:
    """Return the models and datasets that a Space names, as words to search by."""
    if kind is not RepoKind.SPACE:
        return ()
    return _clean(f"{field}:{name}" for field in ("models", "datasets") for name in texts(evidence.card.get(field)))


def base_models(evidence: Evidence) -> tuple[str, list[str]] | None:
    """Return how a model came from its base models, and their ids."""
    names = [name for name in texts(evidence.card.get("base_model")) if _MODEL_ID.fullmatch(name)]
    if not names:
        return None
    said = one_text(evidence.card.get("base_model_relation"))
    return said if said in RELATIONS else _relation(evidence, len(names)), names


def _relation(evidence: Evidence, count: int) -> str:
    if "adapter_config.json" in evidence.paths:
        return "adapter"
    if any(path.endswith(".gguf") for path in evidence.paths) or "quantization_config" in evidence.config:
        return "quantized"
    return "merge" if count > 1 else "finetune"


def _model(evidence: Evidence, library: str | None, pipeline_tag: str | None) -> list[str]:
    card = evidence.card
    found = [library] if library else []
    found += formats_of(evidence.paths)
    found += texts(evidence.config.get("model_type"))
    found += [pipeline_tag] if pipeline_tag else []
    found += texts(card.get("tags"))
    if "chat_template" in evidence.tokenizer or "chat_template.jinja" in evidence.paths:
        found.append("conversational")
    if isinstance(evidence.config.get("auto_map"), dict):
        found.append("custom_code")
    found += texts(card.get("language"))
    found += [f"dataset:{name}" for name in texts(card.get("datasets"))]
    found += _arxiv(evidence)
    based = base_models(evidence)
    if based is not None:
        relation, names = based
        found += [f"base_model:{name}" for name in names] + [f"base_model:{relation}:{name}" for name in names]
    found += _prefixed(evidence, "license")
    if isinstance(card.get("model-index"), list):
        found.append("model-index")
    return found


def _dataset(evidence: Evidence) -> list[str]:
    found = [tag for field in _DATASET_FIELDS for tag in _prefixed(evidence, field)]
    data_format = data_format_of(evidence.paths)
    if data_format is not None:
        found += [f"format:{data_format}", "library:datasets"]
    return [*found, *_arxiv(evidence), *texts(evidence.card.get("tags"))]


def _prefixed(evidence: Evidence, field: str) -> list[str]:
    return [f"{field}:{value}" for value in texts(evidence.card.get(field))]


def _arxiv(evidence: Evidence) -> list[str]:
    return [f"arxiv:{number}" for number in dict.fromkeys(_ARXIV.findall(evidence.body))][:20]


def _clean(found: Iterable[str]) -> tuple[str, ...]:
    """Drop repeats, and what is empty, too long or not printable."""
    known = dict.fromkeys(tag.strip() for tag in found)
    return tuple(tag for tag in known if tag and len(tag) <= TAG_CHARS and tag.isprintable())[:MAX_TAGS]
