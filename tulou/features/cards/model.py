"""What a repository says about itself at one commit: the evidence read from its files, and the summary made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tulou.kernel.names import RepoName
from tulou.wire.frontmatter import Json


@dataclass(frozen=True, slots=True)
class Weights:
    """Parameters by type name (`F32`), as the headers of the weight files count them."""

    parameters: dict[str, int]

    @property
    def total(self) -> int:
        """The number of all parameters."""
        return sum(self.parameters.values())


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the files of a commit contain. Absent files leave their fields empty."""

    paths: tuple[str, ...]
    card: dict[str, Json] = field(default_factory=dict)
    body: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    tokenizer: dict[str, Any] = field(default_factory=dict)
    pipeline: dict[str, Any] = field(default_factory=dict)
    """`model_index.json` of a diffusers model."""
    weights: Weights | None = None
    gguf: dict[str, Any] | None = None
    evals: tuple[dict[str, Any], ...] = ()
    size: int | None = None
    """Bytes of all files together."""
    problems: dict[str, str] = field(default_factory=dict)
    """Files that could not be read, and why."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What is stored of it and shown. `tags` are in the order in which the Hub shows them.

    `links` are words to search by that are not shown: `models:account/name` of a Space.
    """

    card: dict[str, Json] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    pipeline_tag: str | None = None
    library: str | None = None
    sdk: str | None = None
    parameters: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    """JSON: config, transformersInfo, safetensors, gguf, mask_token, widgetData, model-index, evalResults, baseModels, files,
    problems. What does not apply is absent."""


def texts(value: Json) -> list[str]:
    """Return a string, or the strings of a list, of a card; anything else counts as absent."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def one_text(value: Json, *, limit: int = 200) -> str | None:
    """Return a string of a card if it is one, short and printable."""
    return value if isinstance(value, str) and 0 < len(value) <= limit and value.isprintable() else None


@dataclass(frozen=True, slots=True)
class Overview:
    """One repository as lists and info pages show it. Times are Unix milliseconds, sizes bytes.

    In lists without detail, `summary` has neither card nor facts.
    """

    id: str
    name: RepoName
    is_private: bool
    gated: str
    created_at: int
    updated_at: int
    storage_bytes: int
    downloads: int
    downloads_all: int
    likes: int
    commit: str | None
    """The commit that is shown: of the default branch, or of the revision that was asked for."""
    is_current: bool
    """False while the summary is still that of an earlier commit."""
    summary: Summary
