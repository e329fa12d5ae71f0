"""What the documentation lists is what the program has."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_reference_is_what_the_program_would_write_today():
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "tools" / "make_reference.py")
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    stale = [name for name, text in maker.pages().items() if (maker.FOLDER / name).read_text() != text]
    assert stale == [], "run `make docs`"
    assert (ROOT / "tulou/web/commands.json").read_text() == maker.commands_page(), "run `make docs`"


def test_every_link_between_documents_leads_somewhere():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    links = [(page, target) for page in pages for target in re.findall(r"\]\(([^)#:/][^)#:]*)(?:#[^)]*)?\)", page.read_text())]
    assert links
    assert [f"{page.relative_to(ROOT)}: {target}" for page, target in links if not (page.parent / target).exists()] == []


def test_every_dependency_has_a_sentence_in_the_decisions():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [re.split(r"[^A-Za-z0-9_-]", line)[0] for line in project["dependencies"]]
    said = (ROOT / "docs" / "decisions" / "0002-dependencies.md").read_text()
    assert [name for name in names if f"`{name}`" not in said and f"`{name}` (" not in said] == []
