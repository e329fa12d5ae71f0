"""A reader of Chinese sees Chinese: no English sentence of the website is left on any page."""

from __future__ import annotations

import re

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.browser.pages import PAGES, Shown
from tests.browser.visitor import visitor
from tests.browser.world import World
from tulou.delivery.pages.words import translations


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
def test_no_english_is_left_on_a_chinese_page(home: World, shown: Shown):
    client = visitor(home, shown.user)
    said = {"en": texts(client.get(shown.path, headers={"accept-language": "en"}).text)}
    answer = client.get(shown.path, headers={"accept-language": "zh-CN"})
    assert 'lang="zh-Hans"' in answer.text
    said["zh"] = texts(answer.text)
    # A sentence of the catalogue that is the same on both pages was not translated.
    english = {text for text, chinese in translations("zh").items() if text != chinese and re.search("[a-z]{3}", text)}
    assert said["zh"] & said["en"] & english - content_words() == set()


def texts(html: str) -> set[str]:
    """Return what the page says itself: text and labels, without what users wrote."""
    tree = LexborHTMLParser(html)
    # The contents of a documentation site are titles of its pages, as its author wrote them.
    written = ".docs-nav ul, .docs-steps a, .docs-toc li, .docs-title h1"
    for node in tree.css(f".prose, pre, code, script, .chip, select option, table td, .title, {written}"):
        node.decompose()
    found = {node.text(deep=False).strip() for node in tree.css("body *")}
    named = ((node, name) for name in ("aria-label", "placeholder", "title", "alt") for node in tree.css(f"[{name}]"))
    labels = {node.attributes.get(name) or "" for node, name in named}
    return {text for text in found | labels if text}


def content_words() -> set[str]:
    """Return words that users write too, as names of tags and files."""
    return {"model", "data", "docs", "text", "weather"}
