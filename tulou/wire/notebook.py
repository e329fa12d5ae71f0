"""Read Jupyter notebooks (nbformat 4): the cells and those of their outputs that a page can show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from tulou.kernel.errors import WireError
from tulou.kernel.limits import MIB

CELLS = 400
OUTPUTS = 50
"""Of one cell."""
TEXT = 100_000
"""Characters of one source or output."""
IMAGE = 4 * MIB
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_IMAGES = ("image/png", "image/jpeg")


@dataclass(frozen=True, slots=True)
class Output:
    """What a cell left behind. An image is a `data:` URL; HTML is as it was written, not safe yet."""

    kind: Literal["text", "html", "image", "error"]
    body: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell, its number if it ran, and its outputs."""

    kind: Literal["markdown", "code", "raw"]
    source: str
    number: int | None = None
    outputs: tuple[Output, ...] = ()


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook. `is_cut`: there are more cells or longer outputs than are kept."""

    language: str
    cells: tuple[Cell, ...]
    is_cut: bool


def parse(content: bytes) -> Notebook:
    """Read a notebook. Raises WireError for what is none."""
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as cause:
        raise WireError("The notebook is not valid JSON.") from cause
    cells = value.get("cells") if isinstance(value, dict) else None
    if not isinstance(cells, list):
        raise WireError("The notebook has no list of cells.")
    read = tuple(_cell(cell) for cell in cells[:CELLS] if isinstance(cell, dict))
    return Notebook(_language(value.get("metadata")), read, len(cells) > CELLS)


def _language(metadata: Any) -> str:
    for name, field in (("language_info", "name"), ("kernelspec", "language")):
        found = metadata.get(name) if isinstance(metadata, dict) else None
        word = found.get(field) if isinstance(found, dict) else None
        if isinstance(word, str) and word.isascii() and len(word) < 40:
            return word.lower()
    return "python"


def _cell(cell: dict[str, Any]) -> Cell:
    kind, source = cell.get("cell_type"), _text(cell.get("source"))
    if kind == "markdown":
        return Cell("markdown", source)
    if kind != "code":
        return Cell("raw", source)
    number, outputs = cell.get("execution_count"), cell.get("outputs")
    listed = outputs[:OUTPUTS] if isinstance(outputs, list) else []
    shown = tuple(found for output in listed if isinstance(output, dict) for found in _outputs(output))
    return Cell("code", source, number if isinstance(number, int) else None, shown)


def _outputs(output: dict[str, Any]) -> Iterator[Output]:
    kind = output.get("output_type")
    if kind == "stream":
        yield Output("text", _ANSI.sub("", _text(output.get("text"))))
    elif kind == "error":
        trace = _ANSI.sub("", _text(output.get("traceback"), "\n"))
        yield Output("error", trace or f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}")
    elif isinstance(output.get("data"), dict):
        yield from _richest(output["data"])


def _richest(data: dict[str, Any]) -> Iterator[Output]:
    """Choose the best form of a result that a page can show."""
    for media_type in _IMAGES:
        image = _text(data.get(media_type), limit=IMAGE + 1).replace("\n", "")
        if image and len(image) <= IMAGE and _BASE64.fullmatch(image):
            yield Output("image", f"data:{media_type};base64,{image}")
            return
    html = _text(data.get("text/html"))
    if html:
        yield Output("html", html)
        return
    plain = _text(data.get("text/markdown")) or _text(data.get("text/latex")) or _text(data.get("text/plain"))
    if plain:
        yield Output("text", _ANSI.sub("", plain))


def _text(value: Any, joint: str = "", limit: int = TEXT) -> str:
    """Return a text, which nbformat writes as a string or as a list of lines."""
    if isinstance(value, list):
        value = joint.join(part for part in value if isinstance(part, str))
    return value[:limit] if isinstance(value, str) else ""
