"""Lists of repositories: what they find, how they page, and whom they tell about what."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.commits import commit, safetensors
from tests.conftest import RunningHub
from tulou.db.tables import repo as repo_table
from tulou.kernel.actor import TokenRole


@pytest.fixture
def alice(hub: RunningHub) -> httpx.Client:
    return hub.http(hub.user("alice"))


def ids(client: httpx.Client, path: str = "models", **query: object) -> list[str]:
    answer = client.get(f"/api/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()]


def pages(client: httpx.Client, path: str, **query: object) -> Iterator[list[str]]:
    answer = client.get(f"/api/{path}", params=query)
    while True:
        yield [item["id"] for item in answer.json()]
        if "next" not in answer.links:
            return
        url = answer.links["next"]["url"]
        assert url.startswith(str(client.base_url)), "clients cannot follow a relative link"
        answer = client.get(url)


def test_lists_of_each_kind_hold_that_kind(hub, alice):
    for kind in ("model", "dataset", "space", "kernel"):
        hub.repo(f"alice/{kind}", kind, sdk="static" if kind == "space" else None)
        assert ids(alice, f"{kind}s") == [f"alice/{kind}"]


def test_the_owner_and_members_see_private_repositories_in_lists_and_nobody_else_does(hub):
    people = {name: hub.http(hub.user(name)) for name in ("olga", "rita", "otto")}
    hub.org("acme", olga="admin", rita="read")
    for name, private in (("open", False), ("secret", True)):
        hub.repo(f"acme/{name}", private=private)
    both, one = {"acme/open", "acme/secret"}, {"acme/open"}
    seen = {"olga": both, "rita": both, "otto": one}
    for name, expected in seen.items():
        for query in ({}, {"author": "acme"}, {"search": "acme"}, {"full": "true"}):
            assert set(ids(people[name], **query)) == expected, (name, query)
    assert set(ids(hub.http())) == one
    assert ids(people["otto"], search="secret") == []


def test_a_fine_grained_token_lists_only_what_it_is_for(hub):
    hub.user("alice")
    hub.org("acme", alice="admin")
    hub.repo("alice/mine", private=True)
    hub.repo("acme/theirs", private=True)
    assert ids(hub.http(hub.token("alice", TokenRole.FINE_GRAINED))) == ["alice/mine"]


def test_search_finds_words_of_the_name_and_the_owner_in_any_case(hub, alice):
    hub.user("bob")
    for full in ("alice/Big-Bert", "alice/small_bert", "alice/gpt", "bob/bert"):
        hub.repo(full)
    assert set(ids(alice, search="BERT")) == {"alice/Big-Bert", "alice/small_bert", "bob/bert"}
    assert set(ids(alice, search="bert big")) == {"alice/Big-Bert"}
    assert set(ids(alice, search=["bert", "small"])) == {"alice/small_bert"}
    assert set(ids(alice, search="alice/b")) == {"alice/Big-Bert"}
    assert set(ids(alice, search="alice bert")) == {"alice/Big-Bert", "alice/small_bert"}
    assert ids(alice, search="%") == ids(alice, search="_bert%") == []
    assert set(ids(alice, author="BOB")) == {"bob/bert"}
    assert ids(alice, author="nobody") == []


def test_filters_are_tags_that_must_all_be_there(hub, alice):
    cards = {
        "a": "license: mit\nlanguage: en\ntags: [bert]", "b": "license: mit\npipeline_tag: fill-mask", "c": "library_name: timm",
    }  # fmt: skip
    for name, card in cards.items():
        hub.repo(f"alice/{name}")
        commit(alice, f"alice/{name}", {"README.md": f"---\n{card}\n---\n"})
    hub.settle()
    assert set(ids(alice, filter="license:mit")) == {"alice/a", "alice/b"}
    assert ids(alice, filter=["license:mit", "en"]) == ids(alice, filter="bert,license:mit") == ["alice/a"]
    assert ids(alice, pipeline_tag="fill-mask") == ids(alice, filter="fill-mask") == ["alice/b"]
    assert ids(alice, library="timm") == ids(alice, filter="timm") == ["alice/c"]
    assert ids(alice, filter="nothing") == []
    for name in ("inference", "inference_provider", "apps"):
        assert ids(alice, **{name: "warm"}) == []


def test_datasets_are_found_by_the_fields_of_their_cards(hub, alice):
    hub.repo("alice/d", "dataset")
    commit(alice, "alice/d", {"README.md": "---\nlanguage: [en, fr]\ntask_ids: extractive-qa\n---\n"}, kind="datasets")
    hub.settle()
    assert ids(alice, "datasets", filter=["language:en", "language:fr"]) == ["alice/d"]
    assert ids(alice, "datasets", language="fr") == ids(alice, "datasets", task_ids="task_ids:extractive-qa") == ["alice/d"]
    assert ids(alice, "datasets", language="de") == []


def test_spaces_are_found_by_the_models_they_use(hub, alice):
    hub.repo("alice/s", "space", sdk="static")
    commit(alice, "alice/s", {"README.md": "---\nsdk: static\nmodels: [alice/m]\n---\n"}, kind="spaces")
    hub.settle()
    assert ids(alice, "spaces", models="alice/m") == ids(alice, "spaces", filter="static") == ["alice/s"]
    assert ids(alice, "spaces", models="alice/other") == []


def test_models_are_found_by_their_number_of_parameters(hub, alice):
    for name, count in (("small", 10), ("large", 5000)):
        hub.repo(f"alice/{name}")
        commit(alice, f"alice/{name}", {".gitattributes": "", "model.safetensors": safetensors({"a": ("F32", [count])})})
    hub.settle()
    assert ids(alice, num_parameters="min:1K,max:1B") == ["alice/large"]
    assert ids(alice, num_parameters="max:0.5K") == ["alice/small"]
    assert alice.get("/api/models?num_parameters=lots").status_code == 400


def test_gated_repositories_are_found_or_left_out(hub, alice):
    for name in ("open", "closed"):
        hub.repo(f"alice/{name}")
    alice.put("/api/models/alice/closed/settings", json={"gated": "auto"}).raise_for_status()
    assert ids(alice, gated="true") == ["alice/closed"]
    assert ids(alice, gated="false") == ["alice/open"]
    assert alice.get("/api/models", params={"gated": "true", "expand": "gated"}).json()[0]["gated"] == "auto"


@pytest.mark.parametrize("direction", [None, "1"])
@pytest.mark.parametrize("sort", ["trendingScore", "downloads", "likes", "createdAt", "lastModified", "last_modified"])
def test_every_sort_pages_through_everything_once_in_order(hub, alice, sort, direction):
    names = [f"alice/m{number}" for number in range(7)]
    for name in names:
        hub.repo(name)
    with hub.m.db.write() as tx:
        for number, name in enumerate(names):
            # Many ties, so that only the id keeps the pages apart.
            values = dict.fromkeys(("downloads", "likes", "created_at", "updated_at"), number // 3)
            tx.execute(sa.update(repo_table).where(repo_table.c.name == name.split("/")[1]).values(**values))
    query = {"sort": sort, "limit": 2} | ({"direction": direction} if direction else {})
    found = list(pages(alice, "models", **query))
    assert [len(page) for page in found] == [2, 2, 2, 1]
    flat = [name for page in found for name in page]
    assert sorted(flat) == names
    order = [int(name[-1]) // 3 for name in flat]
    assert order == sorted(order, reverse=direction is None)


@pytest.mark.parametrize(
    "query",
    [
        "sort=size", "cursor=x", "cursor=%00", "cursor=" + "A" * 5000, "sort=likes&cursor=ZG93bmxvYWRzOjE6YQ==", "gated=maybe",
        "expand=nope", "num_parameters=min:1e999", "filter=" + ",".join(map(str, range(31))),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused(alice, query):
    assert alice.get(f"/api/models?{query}").status_code == 400


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=x", f"limit={10**20}", "limit=\u0663", "search=%00", "author=%00", "filter=%00", "search=%ff"],
)
def test_odd_values_that_mean_nothing_do_no_harm(alice, query):
    assert alice.get(f"/api/models?{query}").status_code == 200


_WORDS = st.sampled_from([
    "", "m", "true", "1", "-1", "min:1,max:2", "likes", "author", "a,b", "%", "_", "/", "a/b", "\0", "\ufffd", "x" * 5000,
])  # fmt: skip
_NAMES = st.sampled_from([
    "search", "filter", "author", "sort", "direction", "limit", "cursor", "full", "config", "cardData", "expand", "expand[]",
    "gated", "num_parameters", "pipeline_tag", "library", "tags", "apps", "language", "models", "sdk", "blobs", "securityStatus",
])  # fmt: skip
_PATHS = st.sampled_from(["", "/alice/m", "/alice/m/revision/main"])


def test_any_query_is_answered_or_refused(hub, alice):
    hub.repo("alice/m")
    hub.settle()

    @settings(max_examples=150, deadline=None)
    @given(_PATHS, st.lists(st.tuples(_NAMES, _WORDS | st.text(max_size=20)), max_size=4))
    def ask(path: str, query: list[tuple[str, str]]) -> None:
        answer = alice.get(f"/api/models{path}", params=query)
        assert answer.status_code in {200, 400}, (path, query, answer.text)

    ask()


def test_full_config_and_card_data_add_fields(hub, alice):
    hub.repo("alice/m")
    sha = commit(alice, "alice/m", {"README.md": "---\nlicense: mit\n---\n", "config.json": '{"model_type": "bert"}'})
    hub.settle()
    [plain] = alice.get("/api/models").json()
    assert {"sha", "siblings", "cardData", "config", "author", "lastModified"} & set(plain) == set()
    [full] = alice.get("/api/models?full=true").json()
    assert (full["sha"], full["author"], full["cardData"]) == (sha, "alice", {"license": "mit"})
    assert [s["rfilename"] for s in full["siblings"]] == [".gitattributes", "README.md", "config.json"]
    assert alice.get("/api/models?config=true").json()[0]["config"] == {"model_type": "bert"}
    assert alice.get("/api/models?cardData=true").json()[0]["cardData"] == {"license": "mit"}
    [some] = alice.get("/api/models?expand=sha&expand=author").json()
    assert set(some) == {"_id", "id", "modelId", "sha", "author"}


def test_a_list_never_shows_the_files_of_an_older_commit(hub, alice):
    hub.repo("alice/m")
    hub.settle()
    commit(alice, "alice/m", {"new.txt": "x"})
    [stale] = alice.get("/api/models?full=true").json()
    assert "siblings" not in stale
    hub.settle()
    [fresh] = alice.get("/api/models?full=true").json()
    assert [s["rfilename"] for s in fresh["siblings"]] == [".gitattributes", "new.txt"]


def test_a_word_is_found_in_every_name_that_a_repository_has_now(hub, alice):
    hub.user("quincy")
    for name in ("alice/great-zebra", "alice/plain", "quincy/other"):
        hub.repo(name)
    assert ids(alice, search="zebra") == ids(alice, search="eat-ze") == ids(alice, search="ZEBR") == ["alice/great-zebra"]
    assert ids(alice, search="uinc") == ["quincy/other"]
    assert ids(alice, search="zebrb") == ids(alice, search="azebra") == []
    moved = {"fromRepo": "alice/great-zebra", "toRepo": "alice/small-horse", "type": "model"}
    alice.post("/api/repos/move", json=moved).raise_for_status()
    assert ids(alice, search="zebra") == []
    assert ids(alice, search="horse") == ["alice/small-horse"]
    alice.post("/api/models/alice/plain/duplicate", json={"repository": "alice/horseradish"}).raise_for_status()
    assert set(ids(alice, search="horse")) == {"alice/small-horse", "alice/horseradish"}
    gone = {"name": "small-horse", "organization": "alice", "type": "model"}
    alice.request("DELETE", "/api/repos/delete", json=gone).raise_for_status()
    assert ids(alice, search="horse") == ["alice/horseradish"]


def test_a_rare_word_or_tag_never_shows_what_the_reader_may_not_see(hub, alice):
    outsider = hub.http(hub.user("mallory"))
    hub.repo("alice/hidden-walrus", private=True)
    commit(alice, "alice/hidden-walrus", {"README.md": "---\ntags: [walrus-tag]\n---\n"})
    hub.settle()
    for query in ({"search": "walrus"}, {"filter": "walrus-tag"}):
        assert ids(alice, **query) == ["alice/hidden-walrus"]
        assert ids(outsider, **query) == []


def test_a_list_page_costs_the_same_queries_however_long_it_is(hub, alice):
    counted: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        # Who is asking, and the housekeeping of new connections, are not part of the list.
        if statement.startswith("SELECT account.id") or (statement.startswith("SELECT") and "FROM repo" in statement):
            counted.append(statement)

    sa.event.listen(hub.m.db.engine, "before_cursor_execute", note)
    costs = []
    query = {"author": "alice", "search": "m", "filter": "region:us", "full": "true", "config": "true"}
    expand = {"expand": ["spaces", "childrenModelCount", "siblings", "safetensors"]}
    for first, last in ((0, 2), (2, 8)):
        for number in range(first, last):
            hub.repo(f"alice/m{number}")
        hub.settle()
        for asked in (query, expand):
            counted.clear()
            assert len(ids(alice, **asked)) == last
            costs.append(len(counted))
    assert costs == [4, 3, 4, 3]  # two of the four find out whether a word or tag is rare


def test_tasks_and_tags_are_there_for_clients(hub, alice):
    tasks = hub.http().get("/api/tasks").json()
    assert tasks["text-generation"]["widgetModels"]
    assert "unknown-task" not in tasks
    hub.repo("alice/m")
    commit(alice, "alice/m", {"README.md": "---\npipeline_tag: text-generation\n---\n"})
    hub.settle()
    assert hub.http().get("/api/tasks").json()["text-generation"]["widgetModels"] == ["alice/m"]
    tags = hub.http().get("/api/models-tags-by-type").json()
    assert {"id": "license:mit", "label": "MIT", "type": "license"} in tags["license"]
    assert hub.http().get("/api/datasets-tags-by-type").json()["size_categories"][0]["id"] == "size_categories:n<1K"
