"""The words of a split's text columns, to find rows by: an index beside the data, without a copy of it."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tantivy

_WORDS = "words"
HEAP = 128_000_000
_TERMS = 64
"""Words of one query; the rest is not looked at."""
_CJK = r"\p{Han}\p{Hiragana}\p{Katakana}"
# Languages without spaces need no segmenter this way: a character is a token, and a run of tokens that touch is a phrase.
_TOKEN = rf"[{_CJK}]|[[\p{{L}}\p{{M}}\p{{N}}_]--[{_CJK}]]+"
_PART = re.compile(r'"[^"]+"|\S+')


@dataclass(frozen=True, slots=True)
class Found:
    """How many rows have every word, and the numbers of those on the page that was asked for, best first."""

    total: int
    rows: list[int]


class Writer:
    """Writes the index of one split into an empty folder. Rows are numbered through all its files."""

    def __init__(self, folder: Path, *, heap: int = HEAP, threads: int = 1) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._writer = _created(folder).writer(heap_size=heap, num_threads=threads)

    def add(self, row: int, texts: Iterable[str | None]) -> None:
        """Add the texts of one row. No phrase reaches from one text into the next."""
        present = [text for text in texts if text]
        if present:
            self._writer.add_document(tantivy.Document(row=row, body=present))

    def close(self) -> None:
        """Finish: before this, nothing is found."""
        self._writer.commit()
        self._writer.wait_merging_threads()


class Reader:
    """An open index. The library locks a folder even to read it: it gets one in `scratch`, full of links to the files."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self._own = Path(tempfile.mkdtemp(dir=scratch))
        for path in folder.iterdir():
            if not path.name.endswith(".lock"):
                (self._own / path.name).symlink_to(path)
        index = tantivy.Index.open(str(self._own))
        index.register_tokenizer(_WORDS, _analyzer())
        self._schema = index.schema
        self._searcher = index.searcher()

    def search(self, query: str, offset: int, length: int) -> Found:
        """Return rows that have every word and phrase of the query."""
        phrases = [tokens for tokens in cut(query) if tokens][:_TERMS]
        if not phrases:
            return Found(0, [])
        must = [(tantivy.Occur.Must, self._one(tokens)) for tokens in phrases]
        result = self._searcher.search(tantivy.Query.boolean_query(must), max(1, length), offset=offset, count=True)
        addresses = [address for _score, address in result.hits][:length]
        rows = self._searcher.fast_field_values("row", addresses) if addresses else []
        return Found(_count(result), [int(row) for row in rows if row is not None])

    def close(self) -> None:
        """Remove the links. The files stay mapped until nobody uses them."""
        shutil.rmtree(self._own)

    def _one(self, tokens: list[str]) -> tantivy.Query:
        if len(tokens) == 1:
            return tantivy.Query.term_query(self._schema, "body", tokens[0])
        return tantivy.Query.phrase_query(self._schema, "body", list(tokens))


def _count(result: Any) -> int:
    return int(result.count or 0)  # the library's type stubs do not know it


def cut(query: str) -> list[list[str]]:
    """Return the tokens of each word or quoted phrase of a query: several tokens are a phrase."""
    analyzer = _analyzer()
    return [analyzer.analyze(part.strip('"')) for part in _PART.findall(query)]


def _created(folder: Path) -> tantivy.Index:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("row", fast=True, indexed=False)
    builder.add_text_field("body", tokenizer_name=_WORDS, index_option="position")
    index = tantivy.Index(builder.build(), path=str(folder))
    index.register_tokenizer(_WORDS, _analyzer())
    return index


def _analyzer() -> tantivy.TextAnalyzer:
    made = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(_TOKEN)).filter(tantivy.Filter.remove_long(512))
    return made.filter(tantivy.Filter.lowercase()).filter(tantivy.Filter.ascii_fold()).build()
