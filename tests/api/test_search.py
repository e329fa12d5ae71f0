"""Search: finds what cards say in any language, keeps step with changes, and never tells of what is hidden."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import httpx
import pytest

from tests.api.test_pages import browser
from tests.conftest import RunningHub
from tulou.features.content import commit, lifecycle
from tulou.features.repos import lookup as repos
from tulou.features.search import keep
from tulou.kernel.actor import SYSTEM
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.wire.hf_commit import File, Header


def write(hub: RunningHub, full: str, card: str, kind: str = "model") -> None:
    """Commit a card to a repository, which is made if need be."""
    name = parse_repo_id(RepoKind(kind), full)
    repo = repos.by_name(hub.m, name)
    if repo is None:
        hub.repo(full, kind)
        repo = repos.by_name(hub.m, name)
    assert repo is not None
    commit.commit(hub.m, SYSTEM, repo, "main", Header("card", "", None), [File("README.md", card.encode())])


def found(client: httpx.Client, query: str, **more: str) -> list[str]:
    """Return the full names of the repositories that the page shows."""
    answer = client.get("/search", params={"q": query, **more})
    assert answer.status_code == 200
    return [line.split('"')[1].lstrip("/") for line in answer.text.split("<h2>") if line.startswith('<a href="/')]


@pytest.fixture
def filled(hub: RunningHub) -> RunningHub:
    """A hub with an owner, a colleague, an outsider, and one repository of each sort."""
    for name in ("olga", "colin", "mallory"):
        hub.user(name)
    hub.org("acme", olga="admin", colin="read")
    card = "---\nlicense: mit\ntags: [needle-tag]\n---\n# Tiny\n\nReads the weather forecast. 这是一个中文天气模型。"
    write(hub, "acme/bert-tiny", card)
    write(hub, "acme/reviews", "---\npretty_name: Shop reviews\n---\nWhat customers say about umbrellas.", "dataset")
    hub.repo("acme/secret", private=True)
    write(hub, "acme/secret", "A hidden weather plan, zanzibar.")
    hub.settle()
    return hub


TINY, REVIEWS = ["acme/bert-tiny"], ["datasets/acme/reviews"]


def test_words_of_names_cards_and_tags_find_a_repository(filled: RunningHub):
    client = browser(filled)
    expected = {
        "weather": TINY, "WEATHER forecast": TINY, "bert": TINY, "ber": TINY, "bert-tiny": TINY, "needle-tag": TINY, "mit": TINY,
        "acme tiny": TINY, "天气模型": TINY, "天气": TINY, "气天": [], "umbrellas": REVIEWS, "shop": REVIEWS,
        "weather umbrellas": [], "zanzibar": [],
    }  # fmt: skip
    assert {query: found(client, query) for query in expected} == expected


def test_a_private_repository_is_found_by_its_members_alone(filled: RunningHub):
    for member in ("olga", "colin"):
        assert found(browser(filled, member), "zanzibar") == ["acme/secret"]
    for client in (browser(filled, "mallory"), browser(filled)):
        hidden, missing = (client.get("/search", params={"q": word}).text for word in ("zanzibar", "zanzibaz"))
        assert hidden.replace("zanzibar", "") == missing.replace("zanzibaz", "")
        counts = filled.http().get("/api/quicksearch", params={"q": "zanzibar"}).json()
        assert (counts["models"], counts["modelsCount"]) == ([], 0)


def test_a_repository_that_turned_private_is_not_found_even_before_the_index_learns_of_it(filled: RunningHub):
    repo = repos.by_name(filled.m, parse_repo_id(RepoKind.MODEL, "acme/bert-tiny"))
    assert repo is not None
    lifecycle.change(filled.m, SYSTEM, repo, visibility="private")
    assert found(browser(filled), "forecast") == []
    filled.settle()
    assert found(browser(filled, "colin"), "forecast") == ["acme/bert-tiny"]
    assert found(browser(filled), "forecast") == []


def test_a_changed_card_is_found_by_its_new_words_only_and_a_deleted_repository_not_at_all(filled: RunningHub):
    write(filled, "acme/bert-tiny", "Now about tides.")
    filled.settle()
    client = browser(filled)
    assert (found(client, "tides"), found(client, "forecast")) == (["acme/bert-tiny"], [])
    lifecycle.delete(filled.m, SYSTEM, parse_repo_id(RepoKind.MODEL, "acme/bert-tiny"))
    assert found(client, "tides") == []
    filled.settle()
    assert found(client, "tides") == []


def test_an_index_that_is_gone_is_built_again(filled: RunningHub):
    shutil.rmtree(filled.m.settings.data / "cache" / "search")
    client = browser(filled)
    assert "is being built" in client.get("/search?q=weather").text
    keep.rebuild(filled.m)
    assert found(client, "weather") == ["acme/bert-tiny"]
    assert found(browser(filled, "olga"), "zanzibar") == ["acme/secret"]


def test_kinds_and_people_are_found_apart(filled: RunningHub):
    client = browser(filled)
    assert found(client, "acme", kind="datasets") == ["datasets/acme/reviews"]
    assert set(found(client, "acme")) == {"acme/bert-tiny", "datasets/acme/reviews"}
    page = client.get("/search?q=olg&kind=people").text
    assert 'href="/olga"' in page
    assert found(client, "olg", kind="people") == []
    assert "Nobody has that name." in client.get("/search?q=nobody&kind=people").text


def test_what_a_card_says_is_quoted_as_text(filled: RunningHub):
    write(filled, "acme/evil", "before <img src=x onerror=alert(1)> weathervane <script>alert(2)</script> &lt;b&gt; after")
    filled.settle()
    page = browser(filled).get("/search?q=weathervane").text
    assert "<mark>weathervane</mark>" in page
    assert "<img src=x" not in page
    assert "<b>" not in page
    assert "<script>alert" not in page


HOSTILE = [
    "*", '"', "((", "a" * 5000, "%00", "\u202e", "name:x OR access:*", "/.*/", "\\", "[a TO z]", "'; DROP TABLE repo;--", "^~",
    "𠀀",
]  # fmt: skip


def test_no_question_breaks_the_search(filled: RunningHub):
    client, program = browser(filled), filled.http()
    for query in HOSTILE:
        for more in ({}, {"kind": "people"}, {"page": "99"}, {"kind": query}, {"page": query}):
            assert client.get("/search", params={"q": query, **more}).status_code == 200, query
        assert program.get("/api/quicksearch", params={"q": query, "limit": query, "type": query}).status_code == 200, query


def test_quick_search_answers_as_the_hub_does(filled: RunningHub):
    answer = filled.http().get("/api/quicksearch", params={"q": "acme", "limit": "5"}).json()
    assert [item["id"] for item in answer["models"]] == ["acme/bert-tiny"]
    assert [item["id"] for item in answer["datasets"]] == ["acme/reviews"]
    assert [org["name"] for org in answer["orgs"]] == ["acme"]
    only = filled.http().get("/api/quicksearch", params={"q": "acme", "type": "org"}).json()
    assert (only["modelsCount"], only["orgsCount"]) == (0, 1)


def test_the_better_match_comes_first(filled: RunningHub):
    write(filled, "acme/other", "This mentions bert once among many other words.")
    filled.settle()
    names: Sequence[str] = found(browser(filled), "bert")
    assert names == ["acme/bert-tiny", "acme/other"]
