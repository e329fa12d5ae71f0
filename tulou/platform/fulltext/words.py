"""Cut text into the words by which it is found: runs of letters and digits, and every Chinese, Japanese or Korean character."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

WORD_CHARS = 64
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0002fa1f"
_WORD = re.compile(rf"[{_CJK}]|(?:(?![{_CJK}_])\w)+")
_IS_CJK = re.compile(rf"[{_CJK}]")


def fold(text: str) -> str:
    """Return text in the form in which it is compared: full-width letters, ligatures and letter case make no difference."""
    return unicodedata.normalize("NFKC", text).casefold()


def words(text: str) -> list[str]:
    """Return the words of a text, in order."""
    return [word[:WORD_CHARS] for word in _WORD.findall(fold(text))]


def phrases(query: str, most: int) -> list[tuple[str, ...]]:
    """Return what must all be found: single words, and pairs of characters that must stand side by side, `most` at most.

    Words that a user wrote without a space, such as `bert-base`, may stand apart: names are cut at every sign.
    """
    found: list[tuple[str, ...]] = []
    for run in _runs(query):
        found += [tuple(run)] if len(run) == 1 else [(run[i], run[i + 1]) for i in range(len(run) - 1)]
    return list(dict.fromkeys(found))[:most]


def exact_phrases(query: str, most: int) -> list[tuple[str, ...]]:
    """Return what must all be found: single words, and runs of characters exactly as they were written."""
    return list(dict.fromkeys(map(tuple, _runs(query))))[:most]


def _runs(query: str) -> Iterator[list[str]]:
    """Yield single words, and characters of scripts without spaces as they stand together."""
    for part in query.split():
        run: list[str] = []
        for word in words(part):
            if is_cjk(word):
                run.append(word)
                continue
            if run:
                yield run
            run = []
            yield [word]
        if run:
            yield run


def is_cjk(word: str) -> bool:
    """Say whether a word is one character of a script without spaces."""
    return _IS_CJK.fullmatch(word) is not None
