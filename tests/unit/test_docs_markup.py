"""The dialect of documentation becomes HTML that is complete, safe and bounded; nothing of it stays as it was written."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from tests.unit.test_markup import HOSTILE
from tulou.platform.markup import maths
from tulou.platform.markup.docs_model import Described, Page, Parameter
from tulou.platform.markup.docs_page import lay_out
from tulou.platform.markup.place import Place
from tulou.wire import docstring

OURS = {
    "notice", "good", "warn", "doc-alert", "doc-tabs", "doc-tab", "doc-tab-title", "doc-card", "doc-formula", "doc-object",
    "doc-sig", "doc-subhead", "doc-items", "doc-missing", "doc-since", "button", "plain", "little", "quiet", "small",
}  # fmt: skip


class Shelf:
    """A site with two objects and no other page."""

    key = "site"
    language = "en"
    _place = Place("/alice/x", "main", "docs")

    def link(self, url):
        return self._place.link(url)

    def image(self, url):
        return self._place.image(url)

    def object_url(self, path):
        return {"lib.f": "/docs/x#u-lib.f", "lib.hidden": ""}.get(path)

    def describe(self, path, members):
        if path != "lib.f":
            return None
        doc = tuple(
            docstring.parse(
                "Does it.\n\nArgs:\n    x (`int`): See [`lib.f`].\n\nNote:\n    Careful.\n\nRaises:\n    ValueError: if bad"
            )
        )
        inner = Described("lib.f.run", "function", (), "None", (), None)
        return Described("lib.f", "class", (Parameter("x", "int", "1"),), "", doc, "/src#L1", (inner,) if members else ())

    def action(self, name):
        return f"/docs/{name}"


def show(text: str) -> Page:
    return lay_out(text, Shelf())


def check_inert(html: str) -> None:
    """Fail if anything in it could run, load from elsewhere, or pose as a part of the page."""
    for node in LexborHTMLParser(f"<body>{html}").root.traverse():
        assert node.tag not in {
            "script",
            "style",
            "iframe",
            "form",
            "input",
            "object",
            "embed",
            "svg",
            "link",
            "meta",
            "base",
            "copy-text",
        }
        for name, value in node.attributes.items():
            assert not name.startswith(("on", "style", "form", "srcset")), name
            if name.startswith("data-"):
                assert name in {"data-group", "data-tab", "data-card"}
            if name == "id":
                assert value.startswith("u-")
            if name == "href":
                assert value.startswith(("http://", "https://", "//", "mailto:", "/", "#u-")), value
            if name == "src":
                assert re.match(r"/[^/\\]", value), value
            if name == "class":
                assert all(word in OURS or word.startswith(("language-", "h-")) for word in value.split()), value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# T\n\n## A b[[own]]\n", '<h2 id="u-own">A b</h2>'),
        ("## A\n## A", '<h2 id="u-a-1">A</h2>'),
        ("> [!WARNING]\n> hot", '<div class="notice doc-alert warn" role="note"><p><strong>Warning</strong></p>\n<p>hot</p>'),
        ("> [!TIP] all in one line", "<p>all in one line</p>"),
        ("> quoted", "<blockquote>\n<p>quoted</p>"),
        ("<Tip>\n\nfine\n\n</Tip>", '<div class="notice doc-alert good" role="note">'),
        ("<Tip>one line</Tip>", "<p>one line</p>"),
        ("<Tip warning={true}>\nhot </Tip>\n\nafter", "<p>after</p>"),
        ('<hfoptions id="fw">\n<hfoption id="A">\n\na\n\n</hfoption>\n</hfoptions>', '<div class="doc-tabs" data-group="fw">'),
        ('<hfoptions id="fw">\n<hfoption id="A">\n\na\n\n</hfoption>\n</hfoptions>', '<section class="doc-tab" data-tab="A">'),
        ("<frameworkcontent>\n<pt>\n\nx\n\n</pt>\n</frameworkcontent>", 'data-tab="PyTorch"'),
        ("- item\n\n  <Tip>\n\n  inside\n\n  </Tip>\n", "<p>inside</p>"),
        ("```md\n<Tip>\n```", "&lt;Tip&gt;"),
        ('<Youtube id="abc-1_2"/>', 'href="https://www.youtube.com/watch?v=abc-1_2"'),
        ('<PipelineTag pipeline="text-generation"/>', 'href="/models?pipeline_tag=text-generation"'),
        ("[[open-in-colab]]", 'href="/docs/notebook"'),
        ('<InferenceSnippet\n  pipeline=text\n  providersMapping={ {"a":{"b":"c"}} }\n/>\n\nafter', "<p>after</p>"),
        ('<Added version="1.2"/>', "<strong>Added in version 1.2</strong>"),
        ('<Question choices={[{text: "yes", explain: "so it is", correct: true}]} />', "<summary>yes</summary>"),
        ('<HubModel id="alice/x"/>', '<div class="doc-card" data-card="model:alice/x"></div>'),
        ("[`lib.f`] and [`~lib.f`]", '<a href="/docs/x#u-lib.f" rel="nofollow ugc noopener"><code>f</code></a>'),
        ("[`lib.hidden`]", "<code>lib.hidden</code>"),
        ("[`text`](x.md)", '<a href="/alice/x/blob/main/docs/x.md"'),
        ("[[autodoc]] lib.f\n  - all", '<div class="doc-object" id="u-lib.f.run">'),
        ("[[autodoc]] lib.f", "<dt><code>x</code> <code>int</code></dt>"),
        ("[[autodoc]] lib.gone", "No such object: lib.gone"),
        ("a $$x^2$$ b", '<math display="inline"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>'),
        ("a \\\\(x\\\\) b", "<mi>x</mi>"),
        ("$$\n\\frac{a}{b}\n= 1\n$$", '<math display="block">'),
        ("costs $5 and $6", "costs $5 and $6"),
        ("```mermaid\ngraph TD\n```", "<figcaption>Diagram, as Mermaid source</figcaption>"),
        ("```py runnable:x\n>>> 1\n1\n```", '<span class="h-gp">&gt;&gt;&gt; </span>'),
        ("```py\nx = 1\nassert x  # doc-builder: hide\n```", '<span class="h-mi">1</span>'),
        ("<!-- Copyright\nX -->\n# T", ""),
        ("a {username} b <https://x.example/{username}>", "a {username} b"),
        ("See README.md", "<p>See README.md</p>"),
    ],
)  # fmt: skip
def test_every_construct_of_the_dialect_is_laid_out(text: str, expected: str):
    page = show(text)
    assert expected in page.html
    assert not re.search(r"hide|Copyright|\[\[|\$\$|\[!", page.html)
    check_inert(re.sub(r"<math.*?</math>", "", page.html, flags=re.DOTALL))


def test_the_first_heading_is_the_title_and_stands_outside_of_the_text():
    page = show("# The `title`[[top]]\n\ntext\n\n## Next\n\n### Deep\n")
    assert (page.title, page.anchor, page.html.startswith("<p>text</p>")) == ("The title", "top", True)
    assert [(heading.level, heading.title, heading.anchor) for heading in page.toc] == [(2, "Next", "next"), (3, "Deep", "deep")]


def test_a_page_tells_what_it_names_and_what_is_not_there():
    page = show("[a](b.md#c) [`lib.gone`] ![i](i.png)\n\n[[autodoc]] lib.no\n\n<HubModel id='../x'/>\n\n<Tip>\n\nnever closed")
    assert page.links == ("b.md#c",)
    assert {(problem.what, problem.name) for problem in page.problems} == {
        ("object", "lib.gone"), ("autodoc", "lib.no"), ("card", "../x"), ("tag", "Tip"),
    }  # fmt: skip
    assert "never closed" in page.html


@pytest.mark.parametrize(
    "text",
    [
        *HOSTILE,
        '<div class="doc-card" data-card="model:a/secret"></div>',
        '<div class="notice doc-tabs" role="alert">x</div>',
        '<span class="doc-formula-0"></span>',
        '<hfoptions id=\'"><script>alert(1)</script>\'>\n<hfoption id="&lt;script>">x</hfoption>\n</hfoptions>',
        '<Youtube id="javascript:alert(1)"/>',
        "<HubModel id='\"><script>alert(1)</script>'/>",
        "<Question choices={[{text: '<script>alert(1)</script>', explain: \"<img src=x onerror=alert(1)>\"}]}/>",
        "[[autodoc]] lib.<script>",
        "$$\\text{<script>alert(1)</script>}$$",
        "$$\\href{javascript:alert(1)}{x}$$",
        "$$</math><script>alert(1)</script>$$",
        '# <script>alert(1)</script>[[x" onclick=alert(1)]]',
        "```mermaid\n</code></pre><script>alert(1)</script>\n```",
        "<Added version='<script>'/>",
    ],
)
def test_hostile_documentation_is_inert(text: str):
    page = show(text + "\n\n" + text)
    check_inert(page.html)


@settings(max_examples=120, deadline=None)
@given(
    st.lists(
        st.sampled_from([
            "<Tip>", "</Tip>", "<hfoptions id='a'>", "</hfoptions>", '<hfoption id="b">', "</hfoption>", "<pt>", "</pt>", "\n",
            "\n\n", "```", "> ", "- ", "  ", "$$", "\\\\(", "\\\\)", "x", "[`lib.f`]", "[[autodoc]] lib.f", "[!TIP]", "# ",
            "[[a]]", "<", ">", "{", "}", '"', "<HubModel id='a/b'/>", "<Youtube id='", "/>", "<div>", "</div>", "<details>",
            "|", "<!--",
            "-->", "&", "\\frac{",
        ]),
        max_size=40,
    )
)  # fmt: skip
def test_no_text_raises_or_becomes_anything_that_acts(pieces: list[str]):
    page = show("".join(pieces))
    check_inert(re.sub(r"<math.*?</math>", "", page.html, flags=re.DOTALL))
    assert not re.search(r"</?(Tip|hfoptions?|pt|HubModel|Youtube)\b", page.html)


@pytest.mark.parametrize(
    "text",
    [
        "<Tip>\n" * 20_000, "<hfoption id='" * 20_000, "<Tip {" * 20_000, "<Tip>" * 19_000, "> [!TIP]\n" * 40_000, "$$" * 100_000,
        "[[autodoc]] lib.f\n" * 20_000, "$$\\frac{1}{2}$$ " * 20_000, "[`lib.f`]" * 40_000, "# a\n" * 100_000, "\\\\(" * 100_000,
        "<Question choices={[" + "{text: 'a'}" * 20_000 + "]}/>", "<Tip>\n" * 300 + "x\n" + "</Tip>\n" * 300, "```py\n" * 50_000,
        "$$" + "{" * 3_000 + "$$", "$$" + "x_" * 900 + "$$", "\n".join(f"{'  ' * depth}- <Tip>" for depth in range(300)),
    ],
    ids=range(17),
)  # fmt: skip
def test_no_documentation_takes_more_than_some_seconds(text: str):
    begin = time.process_time()
    page = lay_out(text, Shelf(), seconds=1.0)
    assert time.process_time() - begin < 6  # the budget is one second; the rest is for slow machines
    assert len(page.html) < 30_000_000


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("\\{}[]()^_&<>\"'abx12+-=,.|/ frctqsmgilhdn"), max_size=80))
def test_no_formula_raises_or_brings_anything_but_mathml(source: str):
    html = maths.to_mathml(source, is_block=False)
    for node in LexborHTMLParser(f"<body>{html}").root.traverse():
        assert node.tag in {"html", "head", "body", "math", "code"} or node.tag.startswith("m"), node.tag
        assert all(name in maths._ATTRIBUTES for name in node.attributes)
