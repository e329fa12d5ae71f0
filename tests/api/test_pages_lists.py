"""The frame of the website: the front page, lists with facets, connecting tools, language and theme, assets."""

from __future__ import annotations

import gzip
import re
from html.parser import HTMLParser

import httpx
import pytest

from tests.api.test_pages import browser
from tests.api.test_search import write
from tests.conftest import RunningHub
from tulou.delivery.pages import assets, choices
from tulou.features.cards import facets
from tulou.features.cards.listing import Filter
from tulou.kernel.actor import Actor
from tulou.kernel.names import RepoKind

HOSTILE_TAG = "<img src=x onerror=alert(1)>"


class Links(HTMLParser):
    """Collects links and what they say."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._at: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the link that begins."""
        if tag == "a":
            self._at = dict(attrs).get("href")
            self.found.setdefault(self._at or "", "")

    def handle_endtag(self, tag: str) -> None:
        """Forget the link that ends."""
        if tag == "a":
            self._at = None

    def handle_data(self, data: str) -> None:
        """Keep what a link says."""
        if self._at is not None:
            self.found[self._at] = " ".join(f"{self.found[self._at]} {data}".split())


def links(client: httpx.Client, path: str) -> dict[str, str]:
    """Return the links of a page by their address."""
    answer = client.get(path)
    assert answer.status_code == 200, path
    return Links(answer.text).found


def titles(client: httpx.Client, path: str) -> list[str]:
    """Return the repositories of a list, in order."""
    return re.findall(r'<a class="title" href="/([^"]+)"', client.get(path).text)


@pytest.fixture
def shelf(hub: RunningHub) -> RunningHub:
    """A hub with an owner, a colleague and an outsider, three models, two datasets, and one private model."""
    for name in ("olga", "colin", "mallory"):
        hub.user(name)
    hub.org("acme", olga="admin", colin="read")
    head = "---\nlicense: {}\nlanguage: [{}]\npipeline_tag: {}\nlibrary_name: transformers\ntags: [{}]\n---\n"
    write(hub, "acme/a-bert", head.format("mit", "en, zh", "fill-mask", "tiny"))
    write(hub, "acme/b-gpt", head.format("mit", "en", "text-generation", "tiny"))
    write(hub, "olga/c-gpt", head.format("apache-2.0", "zh", "text-generation", f'"{HOSTILE_TAG}"'))
    data = "---\nlicense: mit\ntask_categories: [translation]\nsize_categories: [n<1K]\nlanguage: [zh]\n---\n"
    write(hub, "acme/pairs", data, "dataset")
    write(hub, "acme/rows", "---\nlicense: mit\n---\n", "dataset")
    hub.repo("acme/hidden", private=True)
    write(hub, "acme/hidden", head.format("secret-license", "en", "robotics", "zanzibar"))
    hub.settle()
    return hub


def test_facets_count_what_a_choice_would_leave(shelf: RunningHub):
    found = links(browser(shelf), "/models")
    assert found["/models?pipeline_tag=text-generation"] == "Text Generation 2"
    assert found["/models?license=mit"] == "mit 2"
    assert found["/models?language=zh"] == "中文 (zh) 2"
    assert found["/models?other=tiny"] == "tiny 2"
    assert "/models?library=transformers" not in found  # all have it: that narrows nothing down
    chosen = links(browser(shelf), "/models?pipeline_tag=text-generation&license=mit")
    assert chosen["/models?license=mit&pipeline_tag=fill-mask"] == "Fill-Mask 1"  # instead of the task that is chosen
    assert chosen["/models?pipeline_tag=text-generation&license=apache-2.0"] == "apache-2.0 1"
    assert chosen["/models?license=mit"].startswith("Text Generation")  # chosen: the link lets go of it


def test_what_is_private_is_neither_listed_nor_counted_nor_offered(shelf: RunningHub):
    for member in ("olga", "colin"):
        assert links(browser(shelf, member), "/models")["/models?pipeline_tag=robotics"] == "Robotics 1"
        assert titles(browser(shelf, member), "/models?other=zanzibar") == ["acme/hidden"]
    for client in (browser(shelf, "mallory"), browser(shelf)):
        page = client.get("/models").text
        assert not re.search("hidden<|zanzibar|secret-license|robotics", page)
        assert titles(client, "/models?other=zanzibar") == []
        hidden, missing = (client.get(f"/models?other={word}").text for word in ("zanzibar", "zanzibaz"))
        assert hidden == missing.replace("zanzibaz", "zanzibar")


def test_the_address_alone_says_what_is_listed(shelf: RunningHub):
    client, pairs = browser(shelf), ["datasets/acme/pairs"]
    expected = {
        "/models?pipeline_tag=text-generation&language=zh": ["olga/c-gpt"],
        "/models?language=en&language=zh": ["acme/a-bert"],
        "/models?license=license:mit&sort=createdAt": ["acme/b-gpt", "acme/a-bert"],
        "/models?other=license:apache-2.0": ["olga/c-gpt"],
        "/models?search=gpt&author=acme": ["acme/b-gpt"],
        "/models?search=zzz": [],
        "/models?num_parameters=min:1B": [],
        "/datasets?task_categories=translation": pairs,
        "/datasets?other=task_categories:translation&language=zh": pairs,
        "/datasets?size_categories=n%3C1K": pairs,
        "/spaces": [],
        "/kernels": [],
    }
    assert {path: titles(client, path) for path in expected} == expected


def test_every_link_of_a_list_leads_to_a_page_of_the_site(shelf: RunningHub):
    client = browser(shelf)
    for path in ("/", "/models?pipeline_tag=text-generation&license=mit&search=gpt&sort=downloads", "/datasets", "/search?q=gpt"):
        for href in links(client, path):
            if href.startswith("/") and not href.startswith("/new"):
                assert client.get(href, follow_redirects=True).status_code == 200, href


def test_a_list_is_paged_without_repeating_or_losing_any(hub: RunningHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(choices, "PAGE", 4)
    hub.user("alice")
    names = {f"alice/m{i:02d}" for i in range(choices.PAGE + 3)}
    for name in names:
        hub.repo(name)
    client = browser(hub)
    first = titles(client, "/models?sort=createdAt")
    following = next(href for href, said in links(client, "/models?sort=createdAt").items() if said == "Next page")
    second = titles(client, following)
    assert len(first) == choices.PAGE
    assert not set(first) & set(second)
    assert {*first, *second} == names
    assert "First page" in client.get(following).text


def test_an_address_that_means_nothing_is_refused(hub: RunningHub):
    client, many = browser(hub), "&".join(f"other=t{i}" for i in range(40))
    for query in ("sort=evil", "num_parameters=lots", "cursor=%21%21", many, "num_parameters=min:1B&cursor=QQ=="):
        assert client.get(f"/models?{query}").status_code == 400, query


def test_an_address_that_finds_nothing_is_a_page(hub: RunningHub):
    client = browser(hub)
    for query in (
        "other=", "other=%00", "search=%00", "author=..%2Fx", "language=%3Cb%3E", "search=" + "x" * 3000, "unknown=1",
        "other=%F0%9F%98%80",
    ):  # fmt: skip
        page = client.get(f"/models?{query}")
        assert page.status_code == 200, query
        assert "<b>" not in page.text


def test_hostile_tags_are_text(shelf: RunningHub):
    page = browser(shelf).get("/models").text
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_many_repositories_are_counted_in_the_background(shelf: RunningHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(facets, "EXACT", 2)
    wanted = Filter(RepoKind.MODEL)
    before = facets.of(shelf.m, Actor(), wanted, {})
    assert before.total is None
    assert {count for values in before.values.values() for _value, count in values} == {None}
    facets.refresh(shelf.m)
    after = facets.of(shelf.m, Actor(), wanted, {})
    assert after.total == 3
    assert dict(after.values["task"]) == {"text-generation": 2, "fill-mask": 1}
    assert "robotics" not in str(after)


def test_the_front_page_shows_a_reader_what_is_theirs(shelf: RunningHub):
    mine, anybody = browser(shelf, "colin").get("/").text, browser(shelf).get("/").text
    assert "Yours" in mine
    assert "acme/hidden" in mine
    assert "Yours" not in anybody
    assert "acme/hidden" not in anybody
    for path in ("acme/a-bert", "olga/c-gpt", "datasets/acme/pairs"):
        assert f'href="/{path}"' in anybody


def test_a_reader_chooses_language_and_theme_without_scripts(hub: RunningHub):
    client = browser(hub)
    answer = client.post("/settings/look", data={"lang": "zh"}, headers={"referer": f"{hub.url}/models?sort=downloads"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/models?sort=downloads")
    assert 'lang="zh-Hans"' in client.get("/").text
    client.post("/settings/look", data={"theme": "dark"})
    assert 'data-theme="dark"' in client.get("/").text
    client.post("/settings/look", data={"theme": "system"})
    assert "data-theme" not in client.get("/").text
    assert client.post("/settings/look", data={"theme": "x"}).status_code == 400


def test_choosing_leads_to_no_other_site(hub: RunningHub):
    client = browser(hub)
    evil = ("https://evil.example/x", "//evil", "javascript:alert(1)", "", "/\\evil", f"{hub.url}//evil", hub.url + "/\\evil")
    for referer in evil:
        answer = client.post("/settings/look", data={"lang": "en"}, headers={"referer": referer})
        assert answer.headers["location"] == "/", referer


def test_assets_are_kept_forever_and_sent_small(hub: RunningHub):
    url = assets.url("tulou.css")
    answer = hub.http().get(url, headers={"accept-encoding": "gzip"})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    plain = hub.http().get(url, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == answer.content
    assert hub.http().get(url.replace(assets.stamp(), "0" * 12)).status_code == 404
    with pytest.raises(LookupError):
        assets.url("no-such.css")


def test_a_first_visit_takes_few_requests_and_bytes(shelf: RunningHub):
    client = browser(shelf)
    for path in ("/", "/models", "/search?q=gpt", "/connect", "/cli"):
        page = client.get(path, headers={"accept-encoding": "gzip"})
        assert page.headers["content-encoding"] == "gzip"
        used = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
        assert len(used) + 1 <= 6
        weight = len(gzip.compress(page.content, 4)) + sum(len(assets.assets()[url.split("/", 3)[3]].small) for url in used)
        assert weight < 60_000


def test_tools_are_shown_with_this_hubs_address_and_the_readers_name(shelf: RunningHub):
    page = browser(shelf, "olga").get("/connect").text
    assert f"export HF_ENDPOINT={shelf.url}" in page
    assert "hf upload olga/my-model ./folder" in page
    assert "BASE" not in page
    assert f"git clone {shelf.url}/NAME/my-model" in browser(shelf).get("/connect").text


def test_the_operators_commands_are_listed(hub: RunningHub):
    page = browser(hub).get("/cli").text
    for name in ("tulou up", "tulou doctor", "tulou user"):
        assert f"<code>{name}</code>" in page


PAGES = ["/", "/models", "/models?other=tiny", "/datasets", "/spaces", "/search", "/search?q=gpt", "/connect", "/cli"]


def test_pages_are_whole_in_both_languages(shelf: RunningHub):
    client = browser(shelf)
    for path in PAGES:
        for language, word in (("en", "Skip to the content"), ("zh", "跳到正文")):
            page = client.get(path, headers={"accept-language": language})
            assert page.status_code == 200, path
            assert word in page.text
            assert page.text.rstrip().endswith("</html>")
            assert page.text.count("<h1") == 1


def test_a_missing_page_still_knows_who_is_signed_in(shelf: RunningHub):
    page = browser(shelf, "olga").get("/no/such/page/at/all")
    assert page.status_code == 404
    assert ">olga</summary>" in page.text
    assert "Sign in" in browser(shelf).get("/no/such/page/at/all").text


def test_robots_and_favicon_are_answered(hub: RunningHub):
    assert "Disallow: /settings/" in hub.http().get("/robots.txt").text
    assert hub.http().get("/favicon.ico").headers["location"] == assets.url("mark.svg")
