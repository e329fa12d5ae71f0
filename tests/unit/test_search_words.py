"""How text is cut into words, how a question becomes phrases, and how an answer is quoted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.platform.fulltext.quote import AFTER, BEFORE, quote
from tulou.platform.fulltext.words import WORD_CHARS, phrases, words


@pytest.mark.parametrize(("text", "cut"), [
    ("BERT-base_uncased", ["bert", "base", "uncased"]),
    ("qwen2.5", ["qwen2", "5"]),
    ("中文模型", ["中", "文", "模", "型"]),
    ("Qwen中文 7B", ["qwen", "中", "文", "7b"]),
    ("ﬁne Ｆｕｌｌ", ["fine", "full"]),
    ("日本語の", ["日", "本", "語", "の"]),
    ("한국어", ["한", "국", "어"]),
    ("naïve Größe", ["naïve", "grösse"]),
    ("", []), ("-- __ !!", []),
])  # fmt: skip
def test_text_is_cut_at_signs_and_between_chinese_characters(text: str, cut: list[str]):
    assert words(text) == cut


@pytest.mark.parametrize(("query", "expected"), [
    ("bert base", [("bert",), ("base",)]),
    ("bert-base bert", [("bert",), ("base",)]),
    ("中", [("中",)]),
    ("中文模型", [("中", "文"), ("文", "模"), ("模", "型")]),
    ("qwen中文", [("qwen",), ("中", "文")]),
    ("中文qwen", [("中", "文"), ("qwen",)]),
    ('"^(', []),
])  # fmt: skip
def test_a_question_becomes_words_and_neighbouring_characters(query: str, expected: list[tuple[str, ...]]):
    assert phrases(query, 12) == expected


@given(st.text(max_size=300), st.text(max_size=60))
def test_any_text_can_be_cut_and_quoted(text: str, query: str):
    assert all(0 < len(word) <= WORD_CHARS for word in words(text))
    asked = phrases(query, 5)
    assert len(asked) <= 5
    parts = quote(text, asked)
    said = "".join(part.text for part in parts).removeprefix("… ").removesuffix(" …")
    assert said in text
    assert len(said) <= BEFORE + AFTER


def test_a_quotation_marks_the_words_where_they_begin():
    text = "At the start there is " + "filler " * 40 + "an Art of 中文 models " + "more " * 60
    parts = quote(text, [("art",), ("中", "文")])
    assert [part.text for part in parts if part.is_hit] == ["Art", "中文"]
    assert parts[0].text == "… "
    assert parts[-1].text.endswith(" …")


def test_a_text_without_the_words_is_quoted_from_its_beginning():
    assert [part.text for part in quote("Hello world", [("absent",)])] == ["Hello world"]
    assert quote("", [("x",)]) == []
