"""An index over documents in a folder of the cache: who knows what they mean is above. May be deleted at any time.

tantivy is imported when it is first needed: a hub that nobody searches does without.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tulou.fsio import atomic
from tulou.kernel.errors import Busy
from tulou.platform.fulltext.words import is_cjk, words

if TYPE_CHECKING:
    import tantivy

VERSION = 1
"""Grows when documents are cut or stored differently; an index of another version is not looked at."""
_HEAP = 15_000_000
_WEIGHTS = {"name": 6.0, "tags": 3.0, "text": 1.0}
_BEGINS = {"name": 3.0, "tags": 1.0}


@dataclass(frozen=True, slots=True)
class Document:
    """What is found. `access` is a word that a searcher must have; `shown` is kept to quote from."""

    id: str
    kind: str
    access: str
    name: str
    tags: str
    text: str
    shown: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that has every word that was asked for."""

    id: str
    score: float
    shown: str


class FullText:
    """The index in one folder. One writer at a time; searching never waits."""

    def __init__(self, root: Path, begins: Mapping[str, float] | None = None) -> None:
        # `begins`: the fields, and their weights, in which the beginning of a word is enough.
        self._begins = _BEGINS if begins is None else begins
        self._folder = root / str(VERSION)
        self._complete = self._folder / "complete"

    @property
    def is_complete(self) -> bool:
        """False until everything was written once."""
        return self._complete.exists()

    def update(self, documents: Iterable[Document], gone: Sequence[str]) -> None:
        """Replace documents by id, and drop those that are gone, in one step. Raises Busy while somebody else writes."""
        with _Writing(self._folder) as writer:
            for document in documents:
                writer.put(document)
            for id_ in gone:
                writer.drop(id_)

    def rebuild(self, documents: Iterable[Document]) -> None:
        """Replace everything, in one step. Raises Busy while somebody else writes.

        # 1 documents, unseen   2 commit   3 the mark `complete`
        # Crash before 2: the index is as it was. Before 3: it is not looked at, and built again.
        """
        with _Writing(self._folder) as writer:
            writer.clear()
            for document in documents:
                writer.put(document)
        atomic.write_file(self._complete, b"")

    def search(
        self, phrases: Sequence[tuple[str, ...]], *, kinds: Sequence[str], access: Sequence[str] | None, limit: int
    ) -> list[Hit]:
        """Return the documents that have all phrases, best first. `access` None sees everything."""
        import tantivy  # noqa: PLC0415

        if not phrases or not kinds:
            return []
        index = tantivy.Index.open(str(self._folder))
        query = _query(index.schema, phrases, kinds, access, self._begins)
        searcher = index.searcher()
        found = [(float(score), searcher.doc(address)) for score, address in searcher.search(query, limit=limit).hits]
        return [Hit(str(doc.get_first("id")), score, str(doc.get_first("shown"))) for score, doc in found]


class _Writing:
    """A writer that commits when its block ends, and leaves everything as it was when the block raises."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        import tantivy  # noqa: PLC0415

        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._writer = tantivy.Index(_schema(), path=str(self._folder)).writer(_HEAP, 1)
        except ValueError as cause:
            if "LockBusy" not in str(cause):
                raise
            raise Busy("The search index is being written.") from cause
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None:
            self._writer.commit()
        else:
            self._writer.rollback()
        self._writer.wait_merging_threads()

    def put(self, document: Document) -> None:
        import tantivy  # noqa: PLC0415

        self.drop(document.id)
        cut = {name: " ".join(words(getattr(document, name))) for name in _WEIGHTS}
        self._writer.add_document(
            tantivy.Document(id=document.id, kind=document.kind, access=document.access, shown=document.shown, **cut)
        )

    def drop(self, id_: str) -> None:
        self._writer.delete_documents_by_term("id", id_)

    def clear(self) -> None:
        self._writer.delete_all_documents()


def _schema() -> tantivy.Schema:
    import tantivy  # noqa: PLC0415

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("kind", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("access", tokenizer_name="raw", index_option="basic")
    for name in _WEIGHTS:
        builder.add_text_field(name, tokenizer_name="whitespace")  # cut already
    builder.add_text_field("shown", stored=True, tokenizer_name="raw", index_option="basic")
    return builder.build()


def _query(
    schema: tantivy.Schema,
    phrases: Sequence[tuple[str, ...]],
    kinds: Sequence[str],
    access: Sequence[str] | None,
    begins: Mapping[str, float],
) -> tantivy.Query:
    from tantivy import Occur, Query  # noqa: PLC0415

    musts = [_anywhere(schema, phrase, begins) for phrase in phrases]
    musts.append(Query.const_score_query(Query.term_set_query(schema, "kind", list(kinds)), 0.0))
    if access is not None:
        musts.append(Query.const_score_query(Query.term_set_query(schema, "access", list(access)), 0.0))
    return Query.boolean_query([(Occur.Must, query) for query in musts])


def _anywhere(schema: tantivy.Schema, phrase: tuple[str, ...], begins: Mapping[str, float]) -> tantivy.Query:
    """A phrase in any field; a word may also be the beginning of one in some fields, such as a name or tag."""
    from tantivy import Occur, Query  # noqa: PLC0415

    places = []
    for name, weight in _WEIGHTS.items():
        exact = Query.term_query(schema, name, phrase[0]) if len(phrase) == 1 else Query.phrase_query(schema, name, list(phrase))
        places.append(Query.boost_query(exact, weight))
    if len(phrase) == 1 and len(phrase[0]) > 1 and not is_cjk(phrase[0]):
        beginning = re.escape(phrase[0]) + ".*"
        places += [Query.boost_query(Query.regex_query(schema, name, beginning), weight) for name, weight in begins.items()]
    return Query.boolean_query([(Occur.Should, place) for place in places])
