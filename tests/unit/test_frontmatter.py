"""Front matter becomes JSON, problems name their line, and bombs are refused at once."""

from __future__ import annotations

import json
import time
import tracemalloc

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tulou.kernel.errors import WireError
from tulou.kernel.limits import FRONT_MATTER
from tulou.wire import frontmatter
from tulou.wire.frontmatter import Json


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("license: mit", {"license": "mit"}),
        ("a: 2026-01-02", {"a": "2026-01-02"}),
        ("a: 12:30:45", {"a": "12:30:45"}),
        ("language: no", {"language": "no"}),
        ("a: yes", {"a": "yes"}),
        ("a: [1, -2, 0, 1.5, 1e-5, .5]", {"a": [1, -2, 0, 1.5, 1e-5, 0.5]}),
        ("a: 007", {"a": "007"}),
        ("a: 12345678901234567890", {"a": "12345678901234567890"}),
        ("a: 1e999", {"a": "1e999"}),
        ("a: .nan", {"a": ".nan"}),
        ("a: 0x10", {"a": "0x10"}),
        ("a: true\nb: ~\nc:\nd: 'true'", {"a": True, "b": None, "c": None, "d": "true"}),
        ("1: x\nnull: y", {"1": "x", "null": "y"}),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
        ("a: !!str 1", {"a": "1"}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("", None),
        ("# only a comment", None),
        ("- 1", [1]),
    ],
)
def test_yaml_becomes_the_json_types_of_yaml_1_2(text: str, expected: Json) -> None:
    assert frontmatter.parse(text) == expected


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("---\na: 1\n---\nText", frontmatter.Card("a: 1\n", "Text")),
        ("\ufeff---\r\na: 1\r\n---\r\n\r\nText", frontmatter.Card("a: 1\r\n", "Text")),
        ("\n\n---\na: 1\n---", frontmatter.Card("a: 1\n", "")),
        ("---\n---\nText", frontmatter.Card("", "Text")),
        ("# Title\n---\na: 1\n---", frontmatter.Card(None, "# Title\n---\na: 1\n---")),
        ("---\na: 1", frontmatter.Card(None, "---\na: 1")),
        ("---\na: |\n  ---\nb: 1\n---\n", frontmatter.Card("a: |\n  ---\nb: 1\n", "")),
        ("", frontmatter.Card(None, "")),
    ],
)
def test_a_card_is_cut_at_its_dashes(card: str, expected: frontmatter.Card) -> None:
    assert frontmatter.split(card) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2", "same key twice, line 2"),
        ("a: &x 1\nb: *x", "aliases"),
        ("a: !!python/object:os.system x", "tags"),
        ("a: !!int '1:1'", "tags"),
        ("a: !!set {x}", "tags"),
        ("a: 1\n--- \nb: 2", "one YAML document"),
        ("[a]: 1", "plain text"),
        ("a: 1\n\tb: 2", "line 2"),
        ("a: 'x", "not valid YAML"),
        ("a: \x01", "characters"),
        ("a: \ud800", "characters"),
        ("[" * 33 + "]" * 33, "nested"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_the_reason(text: str, words: str) -> None:
    with pytest.raises(WireError, match=words):
        frontmatter.parse(text)


def test_metadata_that_is_not_a_mapping_is_refused() -> None:
    with pytest.raises(WireError, match="key: value"):
        frontmatter.metadata("---\n- 1\n---\n")
    assert frontmatter.metadata("no metadata") == {}


N = FRONT_MATTER
_LAUGHS = "a: &a [x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20))
BOMBS = {
    "lists in lists": "[" * N,
    "mappings in mappings": "{a: " * (N // 4),
    "indented mappings": "".join(" " * i + "a:\n" for i in range(700)),
    "laughs": _LAUGHS,
    "base 60": "a: 1" + ":1" * (N // 2 - 5),
    "many keys": "\n".join(f"k{i}: 1" for i in range(N // 10)),
    "many items": "- 1\n" * (N // 4),
    "many anchors": "\n".join(f"- &a{i} 1" for i in range(N // 12)),
    "complex keys": "? " * (N // 2),
    "one long line": "a " * (N // 2),
    "escapes": 'a: "' + "\\x41" * (N // 4 - 4) + '"',
    "unclosed quotes": '"a\n' * (N // 3),
    "over the limit": "a" * (50 * N),
    "blank lines before": "\n" * N,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_takes_less_than_a_second_and_64_mebibytes(bomb: str) -> None:
    tracemalloc.start()
    started = time.process_time()
    try:
        for read in (frontmatter.parse, lambda text: frontmatter.metadata(f"---\n{text}\n---\n"), frontmatter.metadata):
            try:
                json.dumps(read(bomb))
            except WireError:
                continue
        assert time.process_time() - started < 3
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    finally:
        tracemalloc.stop()


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**14), 10**14) | st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz_:-", min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(_VALUES)
def test_what_was_written_as_yaml_is_read_back(value: Json) -> None:
    assert frontmatter.parse(yaml.safe_dump(value, allow_unicode=True)) == value


@given(st.text(max_size=300) | st.text("-:[]{}&*!|>'\"%@`#? \n\tab1", max_size=120))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (frontmatter.parse, frontmatter.metadata):
        try:
            json.dumps(read(text))
        except WireError:
            continue
