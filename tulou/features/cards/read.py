"""Read the files of a commit from which its summary is made. What cannot be read is recorded, and never stops the rest."""

from __future__ import annotations

from tulou.features.cards import weights
from tulou.features.cards.evals import eval_entries
from tulou.features.cards.model import Evidence
from tulou.features.cards.reader import Reader
from tulou.features.content import tree
from tulou.features.repos.model import Repo
from tulou.kernel.errors import WireError
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import CARD_BYTES, FRONT_MATTER, MIB
from tulou.kernel.names import RepoKind
from tulou.platform.machinery import Machinery
from tulou.wire import frontmatter
from tulou.wire.frontmatter import Json

CONFIG_BYTES = MIB
TOKENIZER_BYTES = 4 * MIB
EVAL_FILES = 50


def evidence_at(m: Machinery, repo: Repo, commit: Sha1, *, with_weights: bool) -> Evidence:
    """Read what a commit says about itself.

    With weights, also the headers of its weight files, or the size of a dataset. Reads a few megabytes at most, and some
    tens of megabytes with weights, whatever the commit holds.
    """
    reader = Reader(m, repo, commit, tuple(tree.paths(m, repo, commit)))
    card, body = reader.attempt("README.md", lambda: _card(reader)) or ({}, "")
    if repo.name.kind is not RepoKind.MODEL:
        is_weighed = with_weights and repo.name.kind is RepoKind.DATASET
        size = sum(entry.size for entry in tree.walk(m, repo, commit)) if is_weighed else None
        return Evidence(reader.paths, card, body, size=size, problems=reader.problems)
    return Evidence(
        reader.paths,
        card,
        body,
        config=reader.json("config.json", CONFIG_BYTES),
        tokenizer=reader.json("tokenizer_config.json", TOKENIZER_BYTES),
        pipeline=reader.json("model_index.json", CONFIG_BYTES),
        weights=weights.safetensors_of(reader) if with_weights else None,
        gguf=weights.gguf_of(reader) if with_weights else None,
        evals=tuple(entry for path in _eval_files(reader) for entry in eval_entries(path, _text(reader, path))),
        problems=reader.problems,
    )


def _card(reader: Reader) -> tuple[dict[str, Json], str]:
    text = reader.start_of("README.md", CARD_BYTES).decode("utf-8", "replace")
    try:
        return frontmatter.metadata(text), frontmatter.split(text).body
    except WireError as problem:
        reader.problems["README.md"] = problem.message
        return {}, frontmatter.split(text).body


def _eval_files(reader: Reader) -> list[str]:
    found = [path for path in reader.paths if path.startswith(".eval_results/") and path.endswith((".yaml", ".yml"))]
    return found[:EVAL_FILES]


def _text(reader: Reader, path: str) -> str:
    return reader.attempt(path, lambda: reader.start_of(path, FRONT_MATTER).decode("utf-8", "replace")) or ""
