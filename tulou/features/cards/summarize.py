"""Turn the evidence of a commit into what is stored and shown about it."""

from __future__ import annotations

import re
from typing import Any

from tulou.features.cards.architectures import transformers_info
from tulou.features.cards.libraries import library_of
from tulou.features.cards.model import Evidence, Summary, one_text, texts
from tulou.features.cards.tags import base_models, links_of, tags_of
from tulou.features.cards.vocabulary import SDKS, TASKS
from tulou.kernel.names import RepoKind

MAX_FILES = 1_000
"""Names of more files than this are not kept for listings."""
_DEPTH = 16
_TEXT = 64 * 1024
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_SPECIAL_TOKENS = ("bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "cls_token", "mask_token")
_BY_LIBRARY = {"sentence-transformers": "sentence-similarity", "diffusers": "text-to-image", "setfit": "text-classification"}


def summarize(kind: RepoKind, evidence: Evidence) -> Summary:
    """Return the summary. Pure; every text in it is bounded by the limits of what was read."""
    is_model = kind in {RepoKind.MODEL, RepoKind.KERNEL}
    info = transformers_info(evidence.config) if is_model else None
    library = library_of(evidence) if is_model else None
    pipeline_tag = _pipeline_tag(evidence, library, info) if is_model else None
    sdk = one_text(evidence.card.get("sdk")) if kind is RepoKind.SPACE else None
    facts = _model_facts(evidence, info if library == "transformers" else None) if is_model else {}
    if len(evidence.paths) <= MAX_FILES:
        facts["files"] = list(evidence.paths)
    if evidence.size is not None:
        facts["mainSize"] = evidence.size
    if evidence.problems:
        facts["problems"] = evidence.problems
    return Summary(
        card=evidence.card,
        tags=tags_of(kind, evidence, library=library, pipeline_tag=pipeline_tag),
        links=links_of(kind, evidence),
        pipeline_tag=pipeline_tag,
        library=library,
        sdk=sdk if sdk in SDKS else None,
        parameters=_parameters(evidence),
        facts=facts,
    )


def _pipeline_tag(evidence: Evidence, library: str | None, info: dict[str, str] | None) -> str | None:
    """Return the task: what the card says, a tag of the card that is a task, what the architecture or library does."""
    said = one_text(evidence.card.get("pipeline_tag"))
    if said is not None and _SLUG.fullmatch(said):
        return said
    for tag in texts(evidence.card.get("tags")):
        if tag in TASKS:
            return tag
    if library in _BY_LIBRARY:
        return _BY_LIBRARY[library]
    if info is not None and library == "transformers":
        return info.get("pipeline_tag")
    is_chat = library == "gguf" and evidence.gguf is not None and "chat_template" in evidence.gguf
    return "text-generation" if is_chat else None


def _model_facts(evidence: Evidence, info: dict[str, str] | None) -> dict[str, Any]:
    based = base_models(evidence)
    weights = evidence.weights
    mask = _token_text(evidence.tokenizer.get("mask_token"))
    index = evidence.card.get("model-index")
    facts: dict[str, Any] = {
        "config": _config(evidence),
        "transformersInfo": info,
        "safetensors": {"parameters": weights.parameters, "total": weights.total} if weights else None,
        "gguf": evidence.gguf,
        "mask_token": mask,
        "widgetData": _widget(evidence),
        "model-index": index if isinstance(index, list) else None,
        "evalResults": list(evidence.evals) or None,
        "baseModels": {"relation": based[0], "models": [{"id": name} for name in based[1]]} if based else None,
    }
    return {name: value for name, value in facts.items() if value}


def _config(evidence: Evidence) -> dict[str, Any]:
    """Keep what clients and pages read of the configuration files, not all of them."""
    config = evidence.config
    kept: dict[str, Any] = {}
    architectures = [name for name in texts(config.get("architectures")) if len(name) <= 200]
    if architectures:
        kept["architectures"] = architectures[:10]
    for name in ("model_type", "auto_map", "quantization_config"):
        if name in config and _is_small(config[name]):
            kept[name] = config[name]
    tokenizer = {name: evidence.tokenizer[name] for name in _SPECIAL_TOKENS if _is_small(evidence.tokenizer.get(name))}
    template = evidence.tokenizer.get("chat_template")
    if _is_small(template):
        tokenizer["chat_template"] = template
    if tokenizer:
        kept["tokenizer_config"] = tokenizer
    class_name = evidence.pipeline.get("_class_name")
    if isinstance(class_name, str) and _is_small(class_name):
        kept["diffusers"] = {"_class_name": class_name}
    return kept


def _is_small(value: object) -> bool:
    """True for what is there, at most 64 KiB of text and not nested so deep that writing it as JSON could fail."""
    budget, waiting = _TEXT, [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        budget -= len(item) if isinstance(item, str) else 8
        if budget < 0 or depth > _DEPTH:
            return False
        if isinstance(item, dict):
            waiting += [(part, depth + 1) for pair in item.items() for part in pair]
        elif isinstance(item, list):
            waiting += [(part, depth + 1) for part in item]
    return value is not None


def _token_text(token: object) -> str | None:
    """A special token is a string, or an object with its text in `content`."""
    text = token.get("content") if isinstance(token, dict) else token
    return text if isinstance(text, str) and len(text) <= 200 else None


def _widget(evidence: Evidence) -> list[Any] | None:
    widget = evidence.card.get("widget")
    return widget if isinstance(widget, list) else None


def _parameters(evidence: Evidence) -> int | None:
    if evidence.weights is not None:
        return evidence.weights.total
    total = evidence.gguf.get("total") if evidence.gguf else None
    return total if isinstance(total, int) else None
