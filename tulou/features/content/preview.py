"""Decide how a page shows a file, and make what it shows: coloured text, a table, a notebook, or only the facts."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import orjson

from tulou.features.content import rendered, resolve
from tulou.features.content.rendered import Laid
from tulou.features.content.resolve import Location
from tulou.features.repos.model import Repo
from tulou.kernel.errors import WireError
from tulou.kernel.limits import KIB, MIB
from tulou.platform.machinery import Machinery
from tulou.platform.markup import sanitize
from tulou.wire import bidi, notebook
from tulou.wire.notebook import Cell, Notebook

WHOLE_TEXT = 512 * KIB
BEGINNING = 64 * KIB
"""Of a longer text this much is shown."""
LINES = 10_000
NOTEBOOK = 16 * MIB
NOTEBOOK_SECONDS = 2.0
ROWS, COLUMNS, CELL = 100, 60, 300
_TAGS = 20_000


class Look(StrEnum):
    """The ways to show a file."""

    TEXT = "text"
    MARKDOWN = "markdown"
    TABLE = "table"
    NOTEBOOK = "notebook"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    FRAMED = "framed"
    """HTML, SVG or PDF: it may run something, so it is shown from the other origin only."""
    TENSORS = "tensors"
    BINARY = "binary"


_BY_ENDING = {
    "md": Look.MARKDOWN, "markdown": Look.MARKDOWN, "csv": Look.TABLE, "tsv": Look.TABLE, "ipynb": Look.NOTEBOOK,
    "png": Look.IMAGE, "jpg": Look.IMAGE, "jpeg": Look.IMAGE, "gif": Look.IMAGE, "webp": Look.IMAGE,
    "mp3": Look.AUDIO, "wav": Look.AUDIO, "flac": Look.AUDIO, "ogg": Look.AUDIO, "mp4": Look.VIDEO, "webm": Look.VIDEO,
    "html": Look.FRAMED, "htm": Look.FRAMED, "svg": Look.FRAMED, "pdf": Look.FRAMED,
    "safetensors": Look.TENSORS, "gguf": Look.TENSORS,
}  # fmt: skip
HAVE_SOURCE = frozenset({Look.MARKDOWN, Look.TABLE, Look.NOTEBOOK, Look.FRAMED})
"""Looks of files that are text too."""


@dataclass(frozen=True, slots=True)
class Table:
    """The beginning of a CSV or TSV file. `is_cut`: there are more rows, columns or longer cells."""

    head: list[str]
    rows: list[list[str]]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class ShownOutput:
    """What a cell left behind; `html` is safe."""

    kind: str
    text: str = ""
    html: str = ""


@dataclass(frozen=True, slots=True)
class ShownCell:
    """A cell of a notebook; `html` is the laid out text of a Markdown cell, or the lines of a code cell."""

    kind: str
    number: int | None
    html: str
    outputs: list[ShownOutput] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a page shows of a file. `lines` are HTML. `is_cut`: only the beginning; `is_arranged`: line breaks were put in."""

    look: Look
    lines: list[str] = field(default_factory=list)
    laid: Laid | None = None
    table: Table | None = None
    cells: list[ShownCell] = field(default_factory=list)
    is_cut: bool = False
    is_arranged: bool = False


def look_of(path: str) -> Look:
    """Return how a file is shown, judging by its name."""
    name = path.rsplit("/", 1)[-1].lower()
    return _BY_ENDING.get(name.rsplit(".", 1)[-1], Look.TEXT) if "." in name else Look.TEXT


def of(m: Machinery, repo: Repo, location: Location, revision: str, *, as_source: bool) -> Preview:
    """Make the preview of a file at `revision`; with `as_source`, of the text that it is. Raises Busy."""
    look = look_of(location.path)
    if as_source and look in HAVE_SOURCE:
        return _text(m, repo, location)
    if look is Look.MARKDOWN:
        return Preview(look, laid=rendered.markdown(m, repo, location, revision))
    if look is Look.TABLE:
        return _table(m, repo, location)
    if look is Look.NOTEBOOK:
        return _notebook(m, repo, location, revision)
    return _text(m, repo, location) if look is Look.TEXT else Preview(look)


def text_of(m: Machinery, repo: Repo, location: Location, limit: int) -> str | None:
    """Return a file as text for an editor; None when it is longer than `limit` bytes or no text in UTF-8."""
    if location.size > limit:
        return None
    content = _beginning(m, repo, location, location.size)
    try:
        return None if b"\0" in content else content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _beginning(m: Machinery, repo: Repo, location: Location, size: int) -> bytes:
    return b"".join(resolve.read(m, repo, location, 0, min(location.size, size)))


def _text(m: Machinery, repo: Repo, location: Location) -> Preview:
    is_cut = location.size > WHOLE_TEXT
    content = _beginning(m, repo, location, BEGINNING if is_cut else WHOLE_TEXT)
    if b"\0" in content[: 8 * KIB]:
        return Preview(Look.BINARY)
    arranged = None if is_cut else _arranged(location.path, content)
    text = (arranged or content).decode("utf-8", "replace").replace("\r\n", "\n")
    if is_cut:
        text = text.rpartition("\n")[0] or text
    lines = text.split("\n", LINES)
    if len(lines) > LINES:
        text, is_cut = "\n".join(lines[:LINES]), True
    shown = [bidi.shown(line) for line in rendered.code(m, location, text)]
    return Preview(Look.TEXT, shown, is_cut=is_cut, is_arranged=arranged is not None)


def _arranged(path: str, content: bytes) -> bytes | None:
    """Return JSON that was written in one line in many, or None for everything else."""
    if not path.lower().endswith(".json") or content.strip().count(b"\n") > 0 or len(content) > WHOLE_TEXT // 2:
        return None
    try:
        return orjson.dumps(orjson.loads(content), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None


def _table(m: Machinery, repo: Repo, location: Location) -> Preview:
    content = _beginning(m, repo, location, BEGINNING * 4)
    if b"\0" in content[: 8 * KIB]:
        return Preview(Look.BINARY)
    text = content.decode("utf-8-sig", "replace")
    if location.size > len(content):
        text = text.rpartition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(location.path, text))
    try:
        rows = [row for _, row in zip(range(ROWS + 2), reader, strict=False) if row]
    except csv.Error:
        return _text(m, repo, location)
    if not rows:
        return _text(m, repo, location)
    is_cut = len(rows) > ROWS + 1 or location.size > len(content) or any(_is_long(row) for row in rows)
    short = [[cell[:CELL] for cell in row[:COLUMNS]] for row in rows[: ROWS + 1]]
    return Preview(Look.TABLE, table=Table(short[0], short[1:], is_cut), is_cut=is_cut)


def _is_long(row: list[str]) -> bool:
    return len(row) > COLUMNS or any(len(cell) > CELL for cell in row)


def _delimiter(path: str, text: str) -> str:
    if path.lower().endswith(".tsv"):
        return "\t"
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _notebook(m: Machinery, repo: Repo, location: Location, revision: str) -> Preview:
    if location.size > NOTEBOOK:
        return Preview(Look.BINARY)
    try:
        found = notebook.parse(_beginning(m, repo, location, location.size))
    except WireError:
        return _text(m, repo, location)
    maker = _NotebookPage(m, repo, location, revision, found)
    return Preview(Look.NOTEBOOK, cells=list(maker.cells()), is_cut=found.is_cut)


class _NotebookPage:
    """Lays out the cells of one notebook; what comes after its time is up stays plain."""

    def __init__(self, m: Machinery, repo: Repo, location: Location, revision: str, found: Notebook) -> None:
        self._m = m
        self._location = location
        self._place = rendered.place_of(repo, revision, location.path)
        self._notebook = found
        self._end = time.monotonic() + NOTEBOOK_SECONDS

    def cells(self) -> Iterator[ShownCell]:
        """Yield the cells."""
        for at, cell in enumerate(self._notebook.cells):
            yield ShownCell(cell.kind, cell.number, self._source(at, cell), list(self._outputs(cell)))

    def _source(self, at: int, cell: Cell) -> str:
        key, is_late = (self._location.etag, at), time.monotonic() > self._end
        if cell.kind == "markdown" and not is_late:
            return self._m.markup.prose(cell.source, self._place, key=key).html
        name = "" if cell.kind != "code" or is_late else f"cell.{self._notebook.language}"
        lines = bidi.shown("\n".join(self._m.markup.code(cell.source, name, key=key)))
        return f'<pre tabindex="0"><code>{lines}</code></pre>'

    def _outputs(self, cell: Cell) -> Iterator[ShownOutput]:
        for output in cell.outputs:
            if output.kind != "html":
                yield ShownOutput(output.kind, output.body)
            elif time.monotonic() > self._end or output.body.count("<") > _TAGS:
                yield ShownOutput("text", output.body)
            else:
                yield ShownOutput("html", html=sanitize.clean(output.body, self._place))
