"""The pure parts of documentation: contents, layouts, sections, tags, docstrings, flat Markdown and notebooks."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venvs import ROOT
from tulou.kernel.errors import WireError
from tulou.wire import doc_layout, doc_notebook, doc_sections, doc_tags, doc_toctree, docstring, pyoutline
from tulou.wire.doc_flatten import flatten
from tulou.wire.docstring import Item

SIGNS = st.text(st.sampled_from("<>{}\"'=/ \n`#[]()*-:_|$\\!~abTip.hfoption"), max_size=200)


def test_contents_are_read_in_order_with_their_groups():
    found = doc_toctree.parse(
        "- title: Start\n  sections:\n  - {local: index, title: Home}\n  - local: guides/one\n- local: api\n  title: 1\n"
    )
    assert [entry.local for top in found for entry in top.pages()] == ["index", "guides/one", "api"]
    assert [found[0].title, found[0].below[1].title, found[1].title] == ["Start", "one", "1"]
    assert doc_toctree.parse("- {title: T, isExpanded: true, sections: [{local: a}]}")[0].is_expanded
    assert found[0].holds("guides/one")
    assert not found[0].holds("api")


@pytest.mark.parametrize(
    "text", ["- 1\n- [a]\n- {title: x}", "- local: ../../etc/passwd", "- local: [a]", "[]", "~", "- {local: ''}"]
)
def test_entries_of_the_contents_without_a_meaning_are_left_out(text: str):
    assert doc_toctree.parse(text) == ()


@pytest.mark.parametrize("text", ["a: b", "- &x a\n- *x", "x", "- [", "- local: !!python/object:os.system x"])
def test_contents_that_are_no_list_are_refused(text: str):
    with pytest.raises(WireError):
        doc_toctree.parse(text)


def test_redirects_lead_from_old_pages_to_new_ones():
    assert doc_toctree.redirects("old: new\n/a/b: c/\nx: [1]\n../x: y") == {"old": "new", "a/b": "c"}


@pytest.mark.parametrize(
    ("paths", "folders", "has_contents"),
    [
        (["docs/source/en/_toctree.yml", "docs/source/zh/_toctree.yml"], {"en": "docs/source/en", "zh": "docs/source/zh"}, True),
        (["docs/source/_toctree.yml", "docs/source/a.mdx"], {"en": "docs/source"}, True),
        (["docs/_toctree.yml", "docs/zh/_toctree.yml", "docs/x.md"], {"en": "docs", "zh": "docs/zh"}, True),
        (["docs/en/a.md", "docs/zh/a.md"], {"en": "docs/en", "zh": "docs/zh"}, False),
        (["docs/a.md", "docs/guide/b.md"], {"en": "docs"}, False),
        (["docs/source/a.mdx", "docs/readme.txt"], {"en": "docs/source"}, False),
    ],
)
def test_documentation_is_found_by_its_paths(paths: list[str], folders: dict[str, str], has_contents: bool):
    found = doc_layout.find([*paths, "README.md", "src/docs/_toctree.yml"])
    assert (found.folders, found.has_contents, found.default) == (folders, has_contents, "en")


@pytest.mark.parametrize("paths", [[], ["README.md"], ["docs/logo.svg"], ["documents/a.md"], ["docs/_hidden.md"]])
def test_a_repository_without_pages_has_no_documentation(paths: list[str]):
    assert doc_layout.find(paths) is None


def test_sections_have_the_anchors_of_their_headings_and_code_has_none():
    text = "before\n# A `b`[[own.id]]\none [two](x.md)\n```\n# no heading\n```\n## A b\n## A b\n### 数据集 下载 ###\n文本"
    found = doc_sections.sections(text)
    assert [(s.level, s.title, s.anchor) for s in found] == [
        (0, "", ""), (1, "A b", "own.id"), (2, "A b", "a-b"), (2, "A b", "a-b-1"), (3, "数据集 下载", "数据集-下载"),
    ]  # fmt: skip
    assert found[1].text == "one two # no heading"
    assert doc_sections.title_of("\n\n## Hi [there](x)\n") == "Hi there"


@given(SIGNS)
def test_any_text_has_sections_and_flat_markdown_and_is_a_notebook(text: str):
    doc_sections.sections(text)
    made = json.loads(doc_notebook.notebook(flatten(text)))
    assert all(cell["cell_type"] in {"markdown", "code"} for cell in made["cells"])
    docstring.parse(text)
    doc_tags.opening("<hfoption " + text)


@pytest.mark.parametrize(
    ("text", "name", "attributes", "is_closed"),
    [
        ("<Tip>", "Tip", {}, False),
        ("<Tip warning={true}>", "Tip", {"warning": "true"}, False),
        ('<hfoption id="a > b">', "hfoption", {"id": "a > b"}, False),
        ("<Youtube id='x-1'/>", "Youtube", {"id": "x-1"}, True),
        ('<InferenceSnippet\n  map={ {"a":{"b":"}>"}} }\n  x="1"\n/>', "InferenceSnippet", {"x": "1"}, True),
        ("<HubModel id=a>", "HubModel", {}, True),
    ],
)
def test_tags_of_components_are_read(text: str, name: str, attributes: dict[str, str], is_closed: bool):
    found = doc_tags.opening(text + "rest")
    assert (found.name, found.is_closed, text[found.end :]) == (name, is_closed, "")
    assert attributes.items() <= found.attributes.items()


@pytest.mark.parametrize("text", ["<Tip", "<Tips>", "<tip>", "a <Tip>", '<hfoption id="', "<Tip {"])
def test_other_text_is_no_tag(text: str):
    assert doc_tags.opening(text) is None


DOCSTRING = """Make it.

    See [`X`] and :class:`~a.B`.

    Args:
        repo_id (`str`):
            A name (with an owner) and more.

            - a list
        token (Union[bool, str, None], *optional*, defaults to `f(1, (2))`): Short.
        *args: Others.

    Returns:
        `int`: The number.

    Raises:
        [`~utils.NotFound`]
            If it is missing.
        ValueError: when bad
        - [`Other`](https://x.example) if not

    Example:
        >>> f()
        1

    Last: this is prose.
    """


def test_a_docstring_is_cut_into_parameters_errors_and_text():
    parts = docstring.parse(DOCSTRING)
    assert [part.kind for part in parts] == ["text", "parameters", "returns", "raises", "example", "text"]
    assert parts[0].text == "Make it.\n\nSee [`X`] and `a.B`."
    assert parts[1].items == (
        Item("repo_id", "`str`", "A name (with an owner) and more.\n\n- a list"),
        Item("token", "Union[bool, str, None], *optional*, defaults to `f(1, (2))`", "Short."),
        Item("*args", "", "Others."),
    )
    assert [(item.name, item.text) for item in parts[3].items] == [
        ("utils.NotFound", "If it is missing."), ("ValueError", "when bad"), ("Other", "if not"),
    ]  # fmt: skip
    assert parts[4].text == "```pycon\n>>> f()\n1\n```"
    assert parts[5].text.strip() == "Last: this is prose."


OUTLINE = {
    "objects": [
        {"path": "p", "kind": "module"},
        {"path": "p.a.Base", "kind": "class", "file": "p/a.py", "lines": [1, 9], "bases": ["outside.X"]},
        {"path": "p.a.Base.run", "kind": "function", "file": "p/a.py", "lines": [2, 3], "parameters": [["x", "int", "1"]]},
        {"path": "p.a.Base._own", "kind": "function", "file": "p/a.py", "lines": [4, 5]},
        {"path": "p.csv.csv.Csv", "kind": "class", "file": "p/csv/csv.py", "lines": [1, 2], "bases": ["p.a.Base"]},
    ],
    "aliases": {"p.Base": "p.a.Base", "p.loop": "p.loop2", "p.loop2": "p.loop"},
    "failed": [],
}


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("p.a.Base", "p.a.Base"), ("Base", "p.a.Base"), ("p.Base", "p.a.Base"), ("p.Base.run", "p.a.Base.run"),
        ("Base.run", "p.a.Base.run"), ("csv.Csv", "p.csv.csv.Csv"), ("p.csv.Csv", "p.csv.csv.Csv"), ("csv.Csv.run", None),
        ("p.csv.csv.Csv.run", "p.a.Base.run"), ("nothing", None), ("p.loop", None), ("Csv", None), ("p.Base.nothing", None),
    ],
)  # fmt: skip
def test_a_name_in_a_text_finds_the_object_that_it_means(said: str, path: str | None):
    found = pyoutline.parse(json.dumps(OUTLINE).encode()).find(said)
    assert (found.path if found else None) == path


def test_members_are_public_methods_and_inherited_ones_are_found_by_name():
    outline = pyoutline.parse(json.dumps(OUTLINE).encode())
    base, csv = outline.find("p.a.Base"), outline.find("p.csv.csv.Csv")
    assert outline.public_members(base) == ["run"]
    assert outline.member(csv, "run").path == "p.a.Base.run"
    assert outline.member(csv, "gone") is None


PAGE = """# T[[t]]

[[open-in-colab]]
See [`~a.B.c`] and [`x`](y).

<Tip warning={true}>

Hot.

</Tip>

<hfoptions id="f">
<hfoption id="PyTorch">

```python
>>> [`~a.B`]
1
```

</hfoption>
</hfoptions>

[[autodoc]] a.B

<HubDataset id="a/b" />
```bash
ls
```
"""


def test_flat_markdown_has_no_component_left_and_code_as_it_was():
    flat = flatten(PAGE)
    assert "<" not in flat.replace("```", "")
    for piece in (
        "# T\n",
        "See `c` and [`x`](y).",
        "**Tip**",
        "Hot.",
        "**PyTorch**",
        ">>> [`~a.B`]",
        "`a.B`",
        "[a/b](/datasets/a/b)",
    ):
        assert piece in flat


def test_a_notebook_runs_the_python_of_a_page():
    made = json.loads(doc_notebook.notebook(flatten(PAGE)))
    assert [("".join(cell["source"])) for cell in made["cells"] if cell["cell_type"] == "code"] == ["[`~a.B`]", "%%bash\nls"]
    assert made["nbformat"] == 4


def test_every_page_of_the_manual_is_in_its_contents_and_every_line_has_a_page():
    paths = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    layout = doc_layout.find([*paths, "docs/_toctree.yml", "docs/zh/_toctree.yml"])
    english = {doc_layout.local_of(path, "docs") for path in paths if not path.startswith("docs/zh/")}
    chinese = {doc_layout.local_of(path, "docs/zh") for path in paths if path.startswith("docs/zh/")}
    listed = {language: _listed(folder) for language, folder in layout.folders.items()}
    elsewhere = ("decisions/", "internals/")  # their index leads to them
    assert {page for page in english - listed["en"] if not page.startswith(elsewhere)} == set(), "name it in docs/_toctree.yml"
    assert listed["en"] - english == set(), "docs/_toctree.yml names pages that are not there"
    assert chinese - listed["zh"] == set(), "name it in docs/zh/_toctree.yml"
    assert listed["zh"] - chinese - english == set(), "docs/zh/_toctree.yml names pages that are not there"


def _listed(folder: str) -> set[str]:
    contents = doc_toctree.parse((ROOT / folder / "_toctree.yml").read_text())
    return {entry.local for top in contents for entry in top.pages()}
