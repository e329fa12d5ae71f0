"""The Spaces to begin from: each has a card that the hub itself accepts, and everything that its card names."""

from __future__ import annotations

import ast

import pytest

from tulou.features.cards import validate
from tulou.features.spaces import templates
from tulou.features.spaces.templates import Template
from tulou.kernel.errors import BadInput
from tulou.kernel.names import RepoKind
from tulou.wire import frontmatter

EVERY = pytest.mark.parametrize("template", templates.everything(), ids=lambda template: template.key)


@EVERY
def test_the_hub_accepts_the_card_of_a_template(template: Template):
    found = validate.validate(RepoKind.SPACE, templates.files(template)["README.md"].decode())
    assert (found.errors, found.warnings) == ((), ())


@EVERY
def test_a_template_has_the_file_that_its_card_names(template: Template):
    files = templates.files(template)
    card = frontmatter.metadata(files["README.md"].decode())
    assert card["app_file"] in files
    assert template.sdk in {"gradio", "streamlit", "static"}
    if template.sdk != "static":
        ast.parse(files["app.py"])
        assert template.sdk in files["requirements.txt"].decode()


def test_a_template_is_found_by_its_folder_its_title_and_its_name():
    for name in ("chat", "Chat", "tulou/chat"):
        assert templates.find(name).key == "chat"
    with pytest.raises(BadInput, match="tulou/static-page"):
        templates.find("tulou/nothing")


def test_nothing_but_the_files_of_a_template_is_in_it():
    names = {name for template in templates.everything() for name in templates.files(template)}
    assert names == {"README.md", "requirements.txt", "app.py", "index.html", "style.css", "app.js"}
