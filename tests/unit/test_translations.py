"""Every string of the website in both languages, and none that nobody says any more."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import jinja2.nodes
import pytest

from tulou.delivery.pages import render
from tulou.delivery.pages.assets import WEB
from tulou.features.spaces import templates

PACKAGE = WEB.parent
TEMPLATES = sorted(path.relative_to(WEB / "templates").as_posix() for path in (WEB / "templates").rglob("*.html"))
CATALOGUES = sorted((WEB / "locale").glob("zh*.json"))


def words() -> dict[str, str]:
    """Return the Chinese of every string, from all catalogues."""
    return {english: said for path in CATALOGUES for english, said in json.loads(path.read_text()).items()}


def said_by(template: str) -> set[str]:
    """Return the strings that a template translates."""
    source = (WEB / "templates" / template).read_text()
    calls = render.environment().parse(source).find_all(jinja2.nodes.Call)
    translated = [call.args[0] for call in calls if isinstance(call.node, jinja2.nodes.Name) and call.node.name == "_"]
    return {constant.value for argument in translated for constant in _constants(argument)}


def _constants(node: jinja2.nodes.Node) -> list[jinja2.nodes.Const]:
    """Return the strings that an argument may be: itself, or the two ends of a condition."""
    if isinstance(node, jinja2.nodes.Const):
        return [node]
    if isinstance(node, jinja2.nodes.CondExpr):
        return [found for end in (node.expr1, node.expr2) if end is not None for found in _constants(end)]
    return []


def said_by_program(path: Path) -> set[str]:
    """Return the strings that a page module translates itself."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call) and node.args)
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "_" and isinstance(call.args[0], ast.Constant)
    }


def strings_of_program(path: Path) -> set[str]:
    """Return every string of a module, and the first lines of its docstrings: errors are worded there."""
    return {
        node.value.strip().split("\n")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def of_space_templates() -> set[str]:
    """Return what the cards of the Spaces to begin from say of them."""
    return {text for one in templates.everything() for text in (one.title, one.description)}


def test_every_space_template_is_described_in_both_languages():
    assert of_space_templates() - words().keys() == set()


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_string_of_a_template_is_translated(template: str):
    assert said_by(template) - words().keys() == set()


def test_every_string_that_pages_translate_themselves_is_translated():
    said = {text for path in (PACKAGE / "delivery/pages").rglob("*.py") for text in said_by_program(path)}
    assert said - words().keys() == set()


def test_no_translation_is_left_of_strings_that_nobody_says():
    said = {text for template in TEMPLATES for text in said_by(template)}
    said |= {text for path in PACKAGE.rglob("*.py") for text in strings_of_program(path)} | of_space_templates()
    assert words().keys() - said == set()


def test_a_translation_fills_in_the_same_names():
    for english, chinese in words().items():
        assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", chinese)), english


def test_no_string_has_two_translations():
    found: dict[str, str] = {}
    for path in CATALOGUES:
        for english, chinese in json.loads(path.read_text()).items():
            assert found.setdefault(english, chinese) == chinese, (path.name, english)


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_template_has_words_outside_the_translator(template: str):
    source = (WEB / "templates" / template).read_text()
    without_code = re.sub(r"{[{%#].*?[}%#]}|<(pre|code|script)\b.*?</\1>|<[^>]*>|&\w+;", " ", source, flags=re.DOTALL)
    bare = re.findall(r"[A-Za-z]{3,}", without_code)
    assert [word for word in bare if word not in {"tulou", "English", "Space", "LFS"}] == []
