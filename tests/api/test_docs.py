"""Documentation as its owner, a stranger and a program read it: pages, versions, languages, search, and what leads nowhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import httpx
import pytest
from selectolax.lexbor import LexborHTMLParser

from tests import docs_tree
from tests.commits import commit
from tests.conftest import RunningHub, run_hub, settings_for
from tulou.features.content import lifecycle
from tulou.features.docs import check, library, search, site
from tulou.features.docs.source import GitSource
from tulou.features.repos import lookup as repos
from tulou.kernel.actor import SYSTEM, TokenRole
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.wire.doc_sections import sections

CONTENTS = """- title: Start
  sections:
  - local: index
    title: Home
  - local: guides/deep
    title: Deep
- local: api
  title: Reference
- local: gone
  title: Gone
"""
HOME = """# Welcome

Read the [guide](guides/deep.md#part), the [reference](./api#lib.run), the [code](../../../src/lib/__init__.py) and [`lib.run`].

![picture](pic.png) [nowhere](missing) [no such place](api#nothing)

<HubModel id="alice/lib" />

<HubDataset id="alice/diary" />

## Downloads

Downloading files is easy.
"""
LIB = '''"""A library."""
from .inner import run

class Base:
    """The base.

    Args:
        size (`int`, *optional*, defaults to `3`):
            How large.
    """

    def __init__(self, size: int = 3): ...

    def grow(self, by: int) -> "Base":
        """Grow, as [`run`] does."""

    def _hidden(self): ...
'''
FILES = {
    "docs/source/en/_toctree.yml": CONTENTS,
    "docs/source/en/_redirects.yml": "old/name: guides/deep\n",
    "docs/source/en/index.md": HOME,
    "docs/source/en/guides/deep.md": "# Deep\n\n## Part\n\nBack [home](../index). $$x^2$$\n\n```python\nprint(1)\n```\n",
    "docs/source/en/api.mdx": "# Reference\n\n[[autodoc]] run\n\n[[autodoc]] lib.Base\n\n[[autodoc]] lib.Nothing\n",
    "docs/source/en/pic.png": b"\x89PNG",
    "docs/source/zh/_toctree.yml": "- local: index\n  title: 首页\n",
    "docs/source/zh/index.md": "# 欢迎\n\n[指南](guides/deep)\n\n## 下载\n\n下载数据集，身份验证。\n\n## 据集\n\n数据很多。\n",
    "src/lib/__init__.py": LIB,
    "src/lib/inner.py": 'def run(x: int = 1, *more: str) -> str:\n    """Run.\n\n    Raises:\n        ValueError: bad\n    """\n',
}


class Site:
    """A hub with a library that has documentation, its owner, and a stranger."""

    def __init__(self, hub: RunningHub) -> None:
        self.hub = hub
        self.owner = hub.http(hub.user("alice"))
        self.stranger = hub.http()
        hub.repo("alice/lib")
        hub.repo("alice/diary", "dataset", private=True)
        self.commit = commit(self.owner, "alice/lib", FILES)
        hub.settle()

    def opened(self, revision: str = "main") -> site.Site:
        repo = repos.by_name(self.hub.m, parse_repo_id(RepoKind.MODEL, "alice/lib"))
        return site.open_repo(self.hub.m, repo, revision)


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[Site]:
    """A site that tests only read."""
    for hub in run_hub(settings_for(tmp_path_factory.mktemp("docs") / "data")):
        yield Site(hub)


def html(client: httpx.Client, path: str, status: int = 200) -> LexborHTMLParser:
    answer = client.get(path, headers={"accept": "text/html"}, follow_redirects=True)
    assert answer.status_code == status, answer.text[:400]
    return LexborHTMLParser(answer.text)


def body(page: LexborHTMLParser) -> str:
    return page.css_first("docs-text").html


def test_a_page_has_its_title_contents_neighbours_and_headings(shared: Site):
    page = html(shared.stranger, "/docs/alice/lib/main/en/index")
    assert page.css_first("h1").text() == "Welcome"
    assert [a.text() for a in page.css(".docs-nav a")] == ["Home", "Deep", "Reference", "Gone"]
    assert page.css_first(".docs-nav a[aria-current]").text() == "Home"
    assert [a.attributes["href"] for a in page.css(".docs-toc a")] == ["#u-downloads"]
    assert page.css_first("a[rel=next]").attributes["href"] == "/docs/alice/lib/main/en/guides/deep"
    assert page.css_first("a[rel=prev]") is None


def test_links_lead_to_pages_files_and_objects_of_the_same_revision(shared: Site):
    found = body(html(shared.stranger, "/docs/alice/lib/main/en/index"))
    for address in (
        "/docs/alice/lib/main/en/guides/deep#u-part",
        "/alice/lib/blob/main/src/lib/__init__.py",
        "/docs/alice/lib/main/en/api#u-lib.run",
        "/alice/lib/resolve/main/docs/source/en/pic.png",
    ):
        assert f'"{address}"' in found
    assert 'href="/docs/alice/lib/main/en/index"' in body(html(shared.stranger, "/docs/alice/lib/main/en/guides/deep"))


def test_python_objects_are_described_without_importing_them(shared: Site):
    page = html(shared.stranger, "/docs/alice/lib/main/en/api")
    signatures = [" ".join(sig.css_first("code").text().split()) for sig in page.css(".doc-sig")]
    assert signatures == ["def run(x: int = 1, *more: str) -> str", "class lib.Base(size: int = 3)", "def grow(by: int) -> Base"]
    assert page.css_first(".doc-sig a").attributes["href"] == "/alice/lib/blob/main/src/lib/inner.py#L1-L6"
    assert "How large." in page.text()
    assert "No such object: lib.Nothing" in page.text()
    assert page.css_first("#u-lib.Base, [id='u-lib.Base']") is not None


def test_addresses_without_a_page_lead_to_one(shared: Site):
    for path, target in {
        "/docs/alice/lib": "/docs/alice/lib/main/en/index",
        "/docs/alice/lib/main": "/docs/alice/lib/main/en/index",
        "/docs/alice/lib/main/zh": "/docs/alice/lib/main/zh/index",
        "/docs/alice/lib/main/en/old/name": "/docs/alice/lib/main/en/guides/deep",
        "/docs/alice/lib/main/en/deep": "/docs/alice/lib/main/en/guides/deep",
        "/docs/alice/lib/main/en/index.html": "/docs/alice/lib/main/en/index",
    }.items():
        answer = shared.stranger.get(path, headers={"accept": "text/html"})
        assert (answer.status_code, answer.headers.get("location")) == (302, target), path
    chinese = shared.stranger.get("/docs/alice/lib", headers={"accept": "text/html", "accept-language": "zh-CN"})
    assert chinese.headers["location"] == "/docs/alice/lib/main/zh/index"


@pytest.mark.parametrize(
    "path",
    [
        "main/en/nothing", "main/xx/index", "nowhere/en/index", "main/en/%00", "main/en/..%2F..%2Fsrc", "main/en/" + "a/" * 500,
        "pr_9/en/index", "main/en/.md", "main/en/index.md/x", "main/en/gone", "main/en//", "main/%FF/index",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found(shared: Site, path: str):
    answer = shared.stranger.get(f"/docs/alice/lib/{path}", headers={"accept": "text/html"})
    assert answer.status_code in {400, 404} or answer.headers["location"].endswith("/index"), answer.status_code


def test_a_page_without_a_translation_is_shown_in_the_language_that_it_has(shared: Site):
    page = html(shared.stranger, "/docs/alice/lib/main/zh/guides/deep")
    assert "not been translated" in page.css_first(".docs-text .notice").text()
    assert page.css_first("docs-text").attributes["lang"] == "en"
    assert [a.attributes["href"] for a in page.css("details.menu a[href*='/en/guides']")] == [
        "/docs/alice/lib/main/en/guides/deep"
    ]


def test_a_translation_says_when_its_original_has_changed_since(hub: RunningHub):
    owner = hub.http(hub.user("alice"))
    hub.repo("alice/x")
    commit(owner, "alice/x", {"docs/en/a.md": "# A\n", "docs/zh/a.md": "# 甲\n"})
    assert html(owner, "/docs/alice/x/main/zh/a").css(".docs-text .notice") == []
    hub.settle()
    wait_a_second = hub.m.clock.now() // 1000
    while hub.m.clock.now() // 1000 == wait_a_second:
        html(owner, "/docs/alice/x/main/en/a")  # git counts whole seconds
    commit(owner, "alice/x", {"docs/en/a.md": "# A, changed\n"})
    page = html(owner, "/docs/alice/x/main/zh/a")
    assert page.css_first(".docs-text .notice a").attributes["href"] == "/docs/alice/x/main/en/a"
    assert html(owner, "/docs/alice/x/main/en/a").css(".docs-text .notice") == []


def test_programs_read_markdown_notebooks_and_everything_at_once(shared: Site):
    client = shared.stranger
    flat = client.get("/docs/alice/lib/main/en/guides/deep.md")
    assert flat.headers["content-type"].startswith("text/markdown")
    assert flat.text.startswith("# Deep")
    assert client.get("/docs/alice/lib/main/en/guides/deep", headers={"accept": "text/markdown"}).text == flat.text
    made = json.loads(client.get("/docs/alice/lib/main/en/guides/deep.ipynb").content)
    assert [cell["cell_type"] for cell in made["cells"]] == ["markdown", "code"]
    index = client.get("/docs/alice/lib/main/en/llms.txt").text
    assert f"- [Deep]({shared.hub.url}/docs/alice/lib/main/en/guides/deep.md)" in index
    assert "Gone" not in index
    assert "Downloading files is easy." in client.get("/docs/alice/lib/main/en/llms-full.txt").text


def test_search_finds_words_by_their_beginning_and_chinese_exactly(shared: Site):
    page = html(shared.stranger, "/docs/alice/lib/main/en?q=download file")
    assert [a.text() for a in page.css(".results h2 a")] == ["Downloads"]
    assert page.css_first(".results h2 a").attributes["href"] == "/docs/alice/lib/main/en/index#u-downloads"
    chinese = html(shared.stranger, "/docs/alice/lib/main/zh?q=数据集")
    assert [a.text() for a in chinese.css(".results h2 a")] == ["下载"]
    assert chinese.css_first("mark").text() == "数据集"
    assert html(shared.stranger, "/docs/alice/lib/main/en?q=").css(".results") == []
    assert "Nothing was found" in html(shared.stranger, "/docs/alice/lib/main/en?q=zzzz").text()
    for odd in ("%00", "'\"<>", "a" * 5000, "*", "AND OR", "数" * 300):
        assert shared.stranger.get("/docs/alice/lib/main/en", params={"q": odd}).status_code == 200


def test_cards_show_what_their_reader_may_see_and_nothing_else(shared: Site):
    stranger = html(shared.stranger, "/docs/alice/lib/main/en/index").css(".doc-live")
    assert [("not here" in card.text(), bool(card.css("a"))) for card in stranger] == [(False, True), (True, False)]
    owner = html(shared.owner, "/docs/alice/lib/main/en/index").css(".doc-live")
    assert [bool(card.css("a")) for card in owner] == [True, True]


def test_the_check_after_a_push_lists_what_leads_nowhere_for_those_who_can_mend_it(shared: Site):
    kept = list((shared.hub.m.settings.data / "cache" / "docs").glob("check-*/*.json"))
    assert len(kept) == 1, "the push had it checked"
    found = {(row.page, row.what, row.name) for row in check.report(shared.hub.m, shared.opened()).findings}
    assert found == {
        ("", "contents", "gone"),
        ("index", "link", "missing"),
        ("index", "anchor", "api#nothing"),
        ("api", "autodoc", "lib.Nothing"),
    }
    page = html(shared.owner, "/docs/alice/lib/main/en/_check")
    assert "3 pages" not in page.css_first(".stack > p").text()
    assert {code.text() for code in page.css(".rows code")} == {name for _, _, name in found}
    assert (
        "nowhere in this documentation: 4" in html(shared.owner, "/docs/alice/lib/main/en/index").css_first(".notice.warn").text()
    )
    assert html(shared.stranger, "/docs/alice/lib/main/en/index").css(".notice.warn") == []
    assert shared.stranger.get("/docs/alice/lib/main/en/_check").status_code == 401
    outsider = shared.hub.http(shared.hub.user("mallory"))
    assert outsider.get("/docs/alice/lib/main/en/_check").status_code == 403


def test_private_documentation_is_like_missing_documentation_for_others(hub: RunningHub):
    owner, outsider, stranger = hub.http(hub.user("alice")), hub.http(hub.user("mallory")), hub.http()
    hub.repo("alice/secret", "dataset", private=True)
    commit(owner, "alice/secret", {"docs/index.md": "# Plans\n\nNobody knows.\n"}, kind="datasets")
    hub.settle()
    for end in (
        "",
        "/main",
        "/main/en",
        "/main/en?q=plans",
        "/main/en/index",
        "/main/en/index.md",
        "/main/en/llms.txt",
        "/main/en/_check",
    ):
        for client in (outsider, stranger):
            for headers in ({"accept": "text/html"}, {}):
                hidden, missing = (
                    client.get(f"/docs/datasets/alice/{name}{end}", headers=headers) for name in ("secret", "absent")
                )
                assert hidden.status_code == missing.status_code in {401, 404}
                assert hidden.text.replace("secret", "absent") == missing.text
    assert "Nobody knows." in owner.get("/docs/datasets/alice/secret/main/en/index.md").text
    assert owner.get("/docs/alice/secret").status_code == 404, "a model of that name is another repository"
    reader = hub.http(hub.token("alice", TokenRole.READ))
    assert reader.get("/docs/datasets/alice/secret/main/en/index.md").status_code == 200
    assert reader.get("/docs/datasets/alice/secret/main/en/_check").status_code == 403


def test_every_version_branch_pull_request_and_commit_has_documentation_of_its_own(hub: RunningHub):
    owner = hub.http(hub.user("alice"))
    hub.repo("alice/lib")
    first = commit(owner, "alice/lib", {"docs/index.md": "# One\n", "docs/old.md": "# Old\n"})
    for tag in ("v1.0", "v1.10", "v1.9", "v2.0rc1", "other"):
        assert owner.post("/api/models/alice/lib/tag/main", json={"tag": tag}).status_code == 200
    commit(owner, "alice/lib", {"docs/index.md": "# Two\n"})
    proposed = owner.post(
        "/api/models/alice/lib/commit/main?create_pr=1",
        content=b'{"key":"header","value":{"summary":"x"}}\n'
        b'{"key":"file","value":{"path":"docs/index.md","content":"# Three\\n"}}',
    )
    assert proposed.status_code == 200, proposed.text
    for revision, title in {
        "main": "Two",
        first: "One",
        first[:8]: "One",
        "v1.10": "One",
        "pr_1": "Three",
        "refs%2Fpr%2F1": "Three",
    }.items():
        page = html(owner, f"/docs/alice/lib/{revision}/en/index")
        assert page.css_first("h1").text() == title, revision
    assert owner.get("/docs/alice/lib").headers["location"] == "/docs/alice/lib/v1.10/en/index"
    old = html(owner, "/docs/alice/lib/v1.0/en/index")
    assert old.css_first(".notice.warn a").attributes["href"] == "/docs/alice/lib/v1.10/en/index"
    assert [a.text() for a in old.css_first(".docs-head details.menu").css("a")] == ["main", "v2.0rc1", "v1.10", "v1.9", "v1.0"]
    assert html(owner, "/docs/alice/lib/v2.0rc1/en/index").css_first(".notice.warn") is None


def test_a_renamed_repository_keeps_its_addresses(hub: RunningHub):
    owner = hub.http(hub.user("alice"))
    hub.repo("alice/before")
    commit(owner, "alice/before", {"docs/index.md": "# Here\n"})
    assert (
        owner.post("/api/repos/move", json={"fromRepo": "alice/before", "toRepo": "alice/after", "type": "model"}).status_code
        == 200
    )
    moved = owner.get("/docs/alice/before/main/en/index", headers={"accept": "text/html"})
    assert (moved.status_code, moved.headers["location"]) == (307, "/docs/alice/after/main/en/index")


def test_a_repository_without_documentation_says_so(hub: RunningHub):
    owner = hub.http(hub.user("alice"))
    hub.repo("alice/bare")
    commit(owner, "alice/bare", {"README.md": "# Bare"})
    for path in ("", "/main", "/main/en", "/main/en/index"):
        assert owner.get(f"/docs/alice/bare{path}").status_code == 404
    hub.repo("alice/empty")
    assert owner.get("/docs/alice/empty").status_code == 404


def test_gated_documentation_is_closed_with_the_files(hub: RunningHub):
    owner = hub.http(hub.user("alice"))
    hub.repo("alice/gated")
    commit(owner, "alice/gated", {"docs/index.md": "# Closed\n"})
    repo = repos.by_name(hub.m, parse_repo_id(RepoKind.MODEL, "alice/gated"))
    lifecycle.change(hub.m, SYSTEM, repo, gated="manual")
    assert owner.get("/docs/alice/gated/main/en/index.md").status_code == 200
    assert hub.http(hub.user("bob")).get("/docs/alice/gated/main/en/index.md").status_code == 403


HOSTILE_SOURCES = {
    "n" * 300 + ".py": "x = 1",
    "deep.py": "x = " + "(" * 5_000 + ")" * 5_000,
    "unary.py": "x = " + "-" * 100_000 + "1",
    "nested.py": "".join(f"{'  ' * depth}class A{depth}:\n" for depth in range(90)) + "  " * 90 + "pass",
    "null.py": "x = '\0'",
    "latin.py": b"# -*- coding: rot13 -*-\n\xff\xfe",
    "runs.py": "import os\nos.system('touch /tmp/tulou-was-run')\nraise SystemExit(9)\n",
    "loop_a.py": "from .loop_b import *\nfrom .loop_b import x as x\n",
    "loop_b.py": "from .loop_a import *\nfrom .loop_a import x as x\n",
}


def test_hostile_python_costs_its_page_the_objects_and_nothing_else(hub: RunningHub):
    owner = hub.http(hub.user("alice"))
    for number, (name, content) in enumerate(HOSTILE_SOURCES.items()):
        hub.repo(f"alice/p{number}")
        files = {"docs/index.md": "# T\n\n[[autodoc]] f\n", "p/__init__.py": "def f(): 'Fine.'\n", f"p/{name}": content}
        commit(owner, f"alice/p{number}", files)
        page = html(owner, f"/docs/alice/p{number}/main/en/index")
        assert "Fine." in page.text() or "No such object" in page.text(), name
    assert hub.m.settings.data.exists()


def test_contents_that_cannot_be_read_leave_the_pages_readable(hub: RunningHub):
    owner = hub.http(hub.user("alice"))
    hub.repo("alice/x")
    for contents in ("- [", "a: b", "- local: &a x\n  title: *a", "- sections: " + "[" * 60 + "]" * 60, "x" * 300_000):
        commit(owner, "alice/x", {"docs/source/en/_toctree.yml": contents, "docs/source/en/index.md": "# Still here\n"})
        page = html(owner, "/docs/alice/x")
        assert page.css_first("h1").text() == "Still here"
        assert "_toctree.yml" in html(owner, "/docs/alice/x/main/en/_check").text()


TERMS = ("下载", "数据集", "身份验证", "搜索", "模型库", "上传文件")


def _part(pieces: list[str], page: int, part: int) -> str:
    chosen = (pieces[(page * 7 + part * 5 + step * (page + part + 1)) % len(pieces)] for step in range(9))
    return f"## 节{page}-{part}\n\n" + "".join(chosen)


def test_search_finds_every_section_that_has_a_chinese_term_and_no_other(hub: RunningHub):
    owner = hub.http(hub.user("alice"))
    hub.repo("alice/zh")
    pieces = [*TERMS, "数据", "集合", "下", "载入", "身份", "验证码", "file", "，", " ", "搜", "索引"]
    pages = {f"docs/p{page}.md": "# 页\n\n" + "\n\n".join(_part(pieces, page, part) for part in range(12)) for page in range(8)}
    commit(owner, "alice/zh", pages)
    repo = repos.by_name(hub.m, parse_repo_id(RepoKind.MODEL, "alice/zh"))
    opened = site.open_repo(hub.m, repo, "main")
    tree = opened.library.tree("en")
    known = [
        (section.anchor, section.title + section.text)
        for _, text in library.texts(opened.source, tree)
        for section in sections(text)
    ]
    for term in TERMS:
        # Signs and spaces stand between words, in an index as for a reader: they do not part what is written in characters.
        truth = {title for title, text in known if term in re.sub(r"[，\s]", "", text)}
        found = {item.title for item in search.find(hub.m, opened, tree, term).items}
        assert 5 < len(truth) <= search.HITS, "the test is about something"
        assert found == truth, term


def test_the_manual_of_the_hub_is_a_site_of_its_own(shared: Site):
    page = html(shared.stranger, "/docs")
    assert page.css_first(".docs-nav a[aria-current]") is not None
    address = page.css_first(".docs-nav a[href$='/reference/settings']").attributes["href"]
    assert "TULOU_PUBLIC_URL" in html(shared.stranger, address).text()
    assert html(shared.stranger, "/docs/tulou/0.0.1/en/reference/settings").css_first("h1").text() == "Settings"
    assert shared.stranger.get("/docs/tulou/0.0.1/en/nothing", follow_redirects=True).status_code == 404
    assert html(shared.stranger, "/docs?lang=en").css("a[href='/docs']")


def test_git_sources_read_no_links_and_no_large_files(shared: Site):
    repo = repos.by_name(shared.hub.m, parse_repo_id(RepoKind.MODEL, "alice/lib"))
    source = GitSource(shared.hub.m, repo, shared.commit, "main")
    assert source.read("src", 100) is None
    assert source.read("nothing", 100) is None
    assert source.read("docs/source/en/index.md", 10) is None
    assert source.file_url("nothing") is None
    assert source.folders("src") == ["lib"]
    assert source.folders("README.md") == []


def test_a_page_with_every_construct_has_none_left_as_it_was_written(hub: RunningHub):
    owner = hub.http(hub.user("alice"))
    hub.repo("alice/handbook")
    commit(owner, "alice/handbook", docs_tree.FILES)
    for local in ("index", "constructs", "api", "deep/page"):
        page = html(owner, f"/docs/alice/handbook/main/en/{local}")
        for code in page.css("docs-text pre, docs-text code"):
            code.decompose()
        text = page.css_first("docs-text").text()
        assert not re.search(r"</?[A-Z][A-Za-z]+|hfoption|\[\[|\]\]|\$\$|\\\\\(|\[!|STRETCH|Copyright|Nobody sees", text), local
    signatures = {sig.text().strip() for sig in html(owner, "/docs/alice/handbook/main/en/api").css(".doc-sig code")}
    assert "class handbook.House(rings: int = 3, *, name: str)" in signatures
    assert "def build(*houses: House, fast: bool = False) -> None" in signatures
    found = check.report(
        hub.m, site.open_repo(hub.m, repos.by_name(hub.m, parse_repo_id(RepoKind.MODEL, "alice/handbook")), "main")
    )
    assert [(row.what, row.name) for row in found.findings] == []
