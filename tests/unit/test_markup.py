"""Markdown becomes HTML that cannot do anything, whatever it says, within a bounded time."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from tulou.platform.markup import highlight
from tulou.platform.markup.budget import Budget, Overdue
from tulou.platform.markup.markup import Markup
from tulou.platform.markup.place import Place
from tulou.platform.markup.sanitize import clean

PLACE = Place("/alice/m", "main", "docs")
ALLOWED_STARTS = ("http://", "https://", "//", "mailto:", "/", "#u-")
INERT = {
    "a", "abbr", "b", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd", "del", "details", "dfn",
    "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li",
    "mark", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "section", "small", "span", "strike", "strong", "sub",
    "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var", "wbr", "html", "head", "body",
}  # fmt: skip


def render(text: str) -> str:
    return Markup().prose(text, PLACE, key=text).html


def check_inert(html: str) -> None:
    """Fail if a browser would find anything in it that runs, loads from elsewhere or poses as a part of the page."""
    for node in LexborHTMLParser(f"<body>{html}").root.traverse():
        assert node.tag in INERT, node.tag
        for name, value in node.attributes.items():
            assert not name.startswith(("on", "data-", "style", "form")), name
            if name == "id":
                assert value.startswith("u-")
            if name == "href":
                assert value.startswith(ALLOWED_STARTS), value
                assert "nofollow" in node.attributes["rel"]
            if name == "src":
                assert value.startswith("/"), value
                assert not re.match(r"[/\\\\\s]{2}", value), value
            if name == "class":
                assert all(word.startswith(("language-", "h-")) for word in value.split()), value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**a** _b_ ~~c~~", "<p><strong>a</strong> <em>b</em> <s>c</s></p>"),
        ("|a|b|\n|-|-:|\n|1|2|", '<td align="right">2</td>'),
        ("- [x] done\n- [ ] open", "<li>☑ done</li>\n<li>☐ open</li>"),
        ("> [!WARNING]\n> hot", "<strong>Warning</strong>"),
        ("see https://a.example/b", '<a href="https://a.example/b" rel="nofollow ugc noopener">https://a.example/b</a>'),
        ("## Use *it*, now!", '<h2 id="u-use-it-now">'),
        ("# A\n# A", '<h1 id="u-a-1">A</h1>'),
        ("x[^1]\n\n[^1]: note", '<a href="#u-fn1" id="u-fnref1"'),
        ("```python\nimport os\n```", '<code class="language-python"><span class="h-kn">import</span>'),
        ("```nosuch\n<b>\n```", '<code class="language-nosuch">&lt;b&gt;\n</code>'),
        ("<details open><summary>s</summary>x</details>", "<details open"),
        ("[top](#use-it)", 'href="#u-use-it"'),
        ("[x](x.md)", 'href="/alice/m/blob/main/docs/x.md"'),
        ("[x](../x%20y.md#A-b)", 'href="/alice/m/blob/main/x%20y.md#u-A-b"'),
        ("[x](../../../../etc/passwd)", 'href="/alice/m/blob/main/etc/passwd"'),
        ("[x](sub/)", 'href="/alice/m/tree/main/docs/sub"'),
        ("[x](/datasets/a/b)", 'href="/datasets/a/b"'),
        ("![p](img/p.png)", '<img src="/alice/m/resolve/main/docs/img/p.png" alt="p">'),
        ('<img src="p.png" width=50% onload=x>', '<img src="/alice/m/resolve/main/docs/p.png" width="50%">'),
    ],
)
def test_markdown_is_laid_out_as_people_know_it(text: str, expected: str):
    html = render(text)
    assert expected in html
    check_inert(html)


@pytest.mark.parametrize(
    "text",
    [
        "![b](https://evil.example/b.png)",
        "![b](//evil.example/b.png)",
        "![b](\\\\\\\\evil.example/b.png)",
        "<img src='https://evil.example/b.png' alt=b>",
        "<IMG SRC=//evil.example/b.png>",
        "<img src=/\\evil.example/b.png>",
        "<img src='/&Tab;/evil.example/b.png'>",
        "<img src='&#1;//evil.example/b.png'>",
        "<img src='h&NewLine;ttps://evil.example/b.png'>",
        "<img src='ht&#x74;ps://evil.example/b.png'>",
        "<img alt='>' src='https://evil.example/b.png'>",
        "<img src=x srcset='https://evil.example/b.png 2x'>",
        "<picture><source srcset='https://evil.example/b.png'><img src=x></picture>",
        "<video src='https://evil.example/v.mp4' poster='https://evil.example/b.png'></video>",
    ],
)
def test_no_image_of_another_host_is_loaded(text: str):
    check_inert(render(text))


def test_an_image_of_another_host_becomes_a_link_unless_it_stands_in_one():
    assert 'href="https://e.example/b.svg"' in render("![badge](https://e.example/b.svg)")
    inside = render("[![badge](https://e.example/b.svg)](https://docs.example)")
    assert inside == '<p><a href="https://docs.example" rel="nofollow ugc noopener">badge</a></p>\n'


HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>", "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))", "<a href='java&Tab;script:alert(1)'>x</a>", "<a href='&#106;avascript:alert(1)'>x</a>",
    "[x](data:text/html,<script>alert(1)</script>)", "[x](vbscript:x)", "<iframe src='//e'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'>", "<object data=x>", "<embed src=x>",
    "<form action=/settings/tokens><button>x</button></form>", "<input autofocus onfocus=alert(1)>", "<base href=//e>",
    "<meta http-equiv=refresh content='0;url=//e'>", "<link rel=stylesheet href=//e>", "<style>*{display:none}</style>",
    "<div style='position:fixed;inset:0'>x</div>", "<div class='panel sr skip'>x</div>", "<a data-swap=/admin>x</a>",
    "<copy-text data-text='rm -rf /'></copy-text>", "<div id=main>x</div>", "<a name=main>x</a>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", "<template><script>alert(1)</script></template>",
    "<svg><foreignObject><iframe></foreignObject></svg>", "<table background=javascript:alert(1)>",
    "<marquee onstart=alert(1)>", '<a href="https://x" onclick="alert(1)">x</a>', "`<script>`<script>alert(1)</script>",
    '```"><script>alert(1)</script>\nx\n```', '```x" onmouseover=alert(1)\nx\n```', '![x"onerror=alert(1)](y.png)',
    '[x](<y.md" onclick=alert(1)>)', '<a title="<img alt=" id=">">', "[^<script>alert(1)</script>]: x",
    '<https://x"onclick=alert(1)>', "\x00<script>alert(1)", "<scr<script>ipt>alert(1)</script>", "<ı onload=x>",
    "<button form=x formaction=/logout>x</button>", "<dialog open>x</dialog>", "<details ontoggle=alert(1) open>",
    "<audio src=x onerror=alert(1)>", "<body onload=alert(1)>", "</main></body><script>x</script>",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_inert(text: str):
    check_inert(render(text))
    check_inert(clean(text, PLACE))


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("<>\"'=/ \n!-[]()#*`&;:aimgsrchefonx\\~|^"), max_size=120))
def test_no_text_becomes_anything_that_acts(text: str):
    check_inert(render(text))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 500_000, "*a " * 160_000, "`a" * 250_000, "> " * 250_000, "# a\n" * 125_000, "[^a]" * 125_000, "<b>" * 19_000,
        "<table><a>" * 9_000, "|a" * 100_000 + "\n" + "|-" * 100_000, "a@b.c" * 80_000, "```python\n" + '"' * 400_000 + "\n```",
        "\n".join(" " * depth + "- a" for depth in range(900)), "![](" * 120_000, "<" * 500_000, "\\" * 500_000,
    ],
    ids=range(15),
)  # fmt: skip
def test_no_text_takes_more_than_a_few_seconds(text: str):
    begin = time.process_time()
    check = render(text)
    assert time.process_time() - begin < 6  # the budget is one second; the rest is for slow machines
    assert len(check) < 10_000_000


def test_what_takes_too_long_is_shown_as_it_is():
    shown = Markup().prose("[" * 500_000, PLACE, key="x")
    assert shown.is_plain
    assert shown.html.startswith('<pre tabindex="0">[[[')
    with pytest.raises(Overdue):
        Budget(-1).check()


def test_a_text_is_laid_out_once_and_for_each_place_apart():
    markup = Markup()
    first = markup.prose("[x](x.md)", PLACE, key="oid")
    assert markup.prose("something else", PLACE, key="oid") is first
    assert "/bob/m/" in markup.prose("[x](x.md)", Place("/bob/m", "main"), key="oid").html


def test_code_is_coloured_line_by_line():
    found = highlight.lines('def f():\n    """a\n    b"""\n', "python", Budget(5))
    assert len(found) == 3
    assert all(line.count("<span") == line.count("</span>") for line in found)
    assert highlight.language_of("src/a.PY") == "python"
    assert highlight.language_of("Makefile") == "make"
    assert highlight.language_of("a.unknown") is None


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("<>&\"'\n \tab#/*{}=\r"), max_size=200), st.sampled_from(["python", "html", "json", None]))
def test_colouring_loses_no_letter_and_no_line(text: str, language: str | None):
    found = highlight.lines(text, language, Budget(5))
    plain = "\n".join(LexborHTMLParser(f"<pre>\n{line}</pre>").css_first("pre").text() for line in found)
    assert plain.split("\n") == text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n") or text == ""


def test_long_lines_are_not_coloured():
    assert highlight.lines("x = 1" + " " * 3_000, "python", Budget(5)) == ["x = 1" + " " * 3_000]


@pytest.mark.parametrize(
    "space", ["\xa0", "\u2002", "\u2028", "\u0085", "\u3000", "\x1f", "\x1c", " \xa0 ", "\t\xa0", "&nbsp;", "&#8194;"]
)
@pytest.mark.parametrize("scheme", ["javascript:alert(1)", "data:text/html,x", "vbscript:x"])
def test_no_space_before_a_scheme_makes_a_link_that_runs(space, scheme):
    split = f"{scheme[:4]}{space}{scheme[4:]}"
    for text in (f"<a href='{space}{scheme}'>x</a>", f"[x](<{space}{scheme}>)", f"<a href='{split}'>x</a>"):
        html = Markup().prose(text, Place("/a/m", "main"), key=text).html
        assert not re.search(r'href="\s*(javascript|data|vbscript):', html), html
