"""The front page of a repository and its tensors, as the owner, a colleague and a stranger see them."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.conftest import RunningHub, run_hub, settings_for
from tulou.features.accounts import links, lookup
from tulou.features.content import commit, downloads, lifecycle
from tulou.features.repos import lookup as repos
from tulou.kernel.actor import SYSTEM
from tulou.kernel.clock import FixedClock
from tulou.kernel.names import GIT_KINDS, RepoKind, parse_repo_id
from tulou.wire.hf_commit import File, Header

CARD = """---
license: apache-2.0
library_name: transformers
pipeline_tag: text-generation
language: [en, zh]
base_model: acme/base
datasets: [acme/reviews, elsewhere/gone]
model-index:
- name: chat
  results:
  - task: {type: text-generation, name: Text generation}
    dataset: {name: HellaSwag, type: hellaswag, split: validation}
    metrics: [{type: acc, name: accuracy, value: 0.7312}]
    source: {url: "javascript:alert(1)"}
---
# Chat
Read [the limits](docs/limits.md), see ![a plot](plot.png).
"""
CONFIG = json.dumps({"architectures": ["LlamaForCausalLM"], "model_type": "llama"})


def safetensors(**tensors: tuple[str, list[int]]) -> bytes:
    """Return a file of F32 or BF16 tensors full of zeros; `__` in a name stands for a dot."""
    header, at = {}, 0
    for name, (dtype, shape) in tensors.items():
        size = {"F32": 4, "BF16": 2}[dtype]
        for side in shape:
            size *= side
        header[name.replace("__", ".")] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    encoded = json.dumps(header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + bytes(at)


def gguf(*names: str) -> bytes:
    """Return the header of a GGUF file with Q4_K tensors of 256 by 2."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    begin = b"GGUF" + struct.pack("<IQQ", 3, len(names), 1) + text("general.architecture") + struct.pack("<I", 8) + text("llama")
    return begin + b"".join(text(name) + struct.pack("<IQQIQ", 2, 256, 2, 12, 0) for name in names)


@dataclass(frozen=True, slots=True)
class Site:
    """A hub with some repositories, and browsers of three people."""

    hub: RunningHub
    owner: httpx.Client
    colleague: httpx.Client
    stranger: httpx.Client

    def fill(self, full: str, files: dict[str, str | bytes], kind: str = "model", *, private: bool = False) -> None:
        """Make a repository with files."""
        self.hub.repo(full, kind, private=private, sdk="gradio" if kind == "space" else None)
        repo = repos.by_name(self.hub.m, parse_repo_id(RepoKind(kind), full))
        added = [File(path, body if isinstance(body, bytes) else body.encode()) for path, body in files.items()]
        commit.commit(self.hub.m, SYSTEM, repo, "main", Header("add", "", None), added)
        self.hub.settle()

    def browser(self, user: str | None = None) -> httpx.Client:
        """Return a browser, with a user signed in."""
        client = self.hub.http()
        client.headers.update({"accept": "text/html", "origin": self.hub.url})
        if user is not None:
            secret = links.make(self.hub.m, SYSTEM, lookup.user(self.hub.m, user))
            assert client.post(f"/one-time/{secret}").status_code == 303
        return client


@pytest.fixture(scope="module")
def hub_of_all(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[RunningHub]:
    """One hub for this whole file: every test brings repositories of its own names."""
    folder = tmp_path_factory.mktemp("pages")
    if request.config.getoption("--db") == "sqlite":
        yield from run_hub(settings_for(folder))
        return
    with request.getfixturevalue("postgres").database() as url:
        yield from run_hub(settings_for(folder, database_url=url))


@pytest.fixture(scope="module")
def site(hub_of_all: RunningHub) -> Site:
    """The people, and an organization with its base model, its fine-tuned model and a dataset."""
    hub = hub_of_all
    for name in ("alice", "bob", "carol"):
        hub.user(name)
    hub.org("acme", alice="admin", bob="read")
    made = Site(hub, hub.http(), hub.http(), hub.http())
    made = Site(hub, made.browser("alice"), made.browser("bob"), made.browser())
    weights = safetensors(model__embed__weight=("BF16", [8, 4]), model__norm__weight=("F32", [4]))
    made.fill("acme/base", {"README.md": "# Base", "config.json": CONFIG, "model.safetensors": weights})
    made.fill("acme/chat", {"README.md": CARD, "config.json": CONFIG, "tokenizer_config.json": '{"mask_token": "x"}'})
    made.fill("acme/reviews", {"README.md": DATA, "train.csv": "a,b\n1,2\n"}, "dataset")
    return made


DATA = """---
license: cc-by-4.0
configs:
- config_name: default
  data_files: [{split: train, path: train.csv}]
dataset_info:
  config_name: default
  features: [{name: text, dtype: string}]
  splits: [{name: train, num_examples: 8000, num_bytes: 1234567}]
---
# Reviews
"""


def page(client: httpx.Client, path: str, status: int = 200) -> LexborHTMLParser:
    """Return a page of the website."""
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    return LexborHTMLParser(answer.text)


def text_of(found: LexborHTMLParser, selector: str) -> str:
    """Return the words of the first element that a selector finds, with single spaces."""
    return " ".join(found.css_first(selector).text(separator=" ").split())


def panel(found: LexborHTMLParser, title: str) -> str | None:
    """Return the words of the panel with this heading."""
    for section in found.css("section.panel"):
        heading = section.css_first("h2")
        if heading is not None and heading.text().strip() == title:
            return " ".join(section.text(separator=" ").split())
    return None


def test_a_model_page_shows_its_card_and_what_is_known_about_it(site: Site):
    found = page(site.stranger, "/acme/chat")
    prose = found.css_first(".prose")
    assert prose.css_first("h1").text() == "Chat"
    assert prose.css_first("a").attributes["href"] == "/acme/chat/blob/main/docs/limits.md"
    assert prose.css_first("img").attributes["src"] == "/acme/chat/resolve/main/plot.png"
    about = panel(found, "About")
    assert all(word in about for word in ("Text Generation", "transformers", "English", "中文", "Apache license 2.0"))
    assert panel(found, "Fine-tuned from") == "Fine-tuned from acme/base"
    assert panel(found, "Datasets") == "Datasets acme/reviews elsewhere/gone not here"
    assert "HellaSwag (validation) accuracy 0.7312" in panel(found, "Evaluation results")
    assert not found.css("a[href^='javascript']")
    chips = {chip.text().strip(): chip.attributes["href"] for chip in found.css(".repo-head .chip")}
    assert chips["Text Generation"] == "/models?pipeline_tag=text-generation"
    assert chips["transformers"] == "/models?library=transformers"
    assert chips["apache-2.0"] == "/models?license=apache-2.0"


def test_every_chip_leads_to_a_list_that_has_the_repository(site: Site):
    for path, full in (("/acme/chat", "acme/chat"), ("/datasets/acme/reviews", "acme/reviews")):
        for chip in page(site.stranger, path).css(".repo-head a.chip"):
            listed = site.stranger.get(chip.attributes["href"])
            assert listed.status_code == 200
            assert full in listed.text, chip.attributes["href"]


def test_the_page_of_a_base_model_names_its_children_but_not_those_that_the_reader_may_not_see(site: Site):
    site.fill("acme/secret", {"README.md": "---\nbase_model: acme/base\n---\n"}, private=True)
    site.fill("bob/lora", {"README.md": "---\nbase_model: acme/base\n---\n", "adapter_config.json": "{}"})
    everybody, insiders = (panel(page(who, "/acme/base"), "Made from this model") for who in (site.stranger, site.colleague))
    assert everybody == "Made from this model Adapters 1 bob/lora Fine-tunes 1 acme/chat"
    assert insiders.startswith("Made from this model Fine-tunes 2")
    assert "acme/secret" in insiders


def test_a_private_parent_or_dataset_looks_like_one_that_is_not_here(site: Site):
    site.fill("acme/hidden", {"README.md": "# h"}, private=True)
    site.fill("bob/child", {"README.md": "---\nbase_model: [acme/hidden, acme/missing]\n---\n"})
    seen = panel(page(site.stranger, "/bob/child"), "Merged from")
    assert seen == "Merged from acme/hidden not here acme/missing not here"
    assert panel(page(site.colleague, "/bob/child"), "Merged from") == "Merged from acme/hidden acme/missing not here"


def test_more_relatives_than_fit_are_a_link_to_the_list_of_all(site: Site):
    for number in range(7):
        site.fill(f"bob/tuned-{number}", {"README.md": "---\nbase_model: acme/chat\n---\n"})
    found = page(site.stranger, "/acme/chat")
    link = next(a for a in found.css("details.group a") if a.text() == "All 7")
    listed = site.stranger.get(link.attributes["href"]).text
    assert all(f"bob/tuned-{number}" in listed for number in range(7))


def test_a_dataset_page_shows_its_splits_and_who_uses_it(site: Site):
    card = "---\ntitle: Demo\nsdk: gradio\nmodels: [acme/chat]\ndatasets: [acme/reviews]\n---\nTry it."
    site.fill("alice/demo", {"README.md": card}, "space")
    found = page(site.stranger, "/datasets/acme/reviews")
    assert "default train 8,000 1.23 MB" in panel(found, "Configurations and splits")
    assert panel(found, "Used by") == "Used by Models 1 acme/chat Spaces 1 alice/demo"
    space = page(site.stranger, "/spaces/alice/demo")
    assert "There is no file app.py" in text_of(space, ".notice")
    assert panel(page(site.stranger, "/spaces/alice/demo/card"), "Models") == "Models acme/chat"
    assert panel(page(site.stranger, "/acme/chat"), "Used by") == "Used by Spaces 1 alice/demo"


def test_a_stranger_gets_the_same_answer_for_a_private_repository_and_a_missing_one(site: Site):
    site.fill("alice/diary", {"README.md": "# D", "model.safetensors": safetensors(w=("F32", [1]))}, private=True)
    for path in ("", "/tensors", "/tensors/main/model.safetensors"):
        for client in (site.stranger, site.browser("carol")):
            hidden, missing = (client.get(f"/alice/{name}{path}") for name in ("diary", "dairy"))
            assert (hidden.status_code, hidden.text.replace("diary", "dairy")) == (missing.status_code, missing.text)
            assert hidden.status_code in {401, 404}
        assert site.owner.get(f"/alice/diary{path}").status_code == 200


def test_only_those_who_may_change_it_are_offered_to(site: Site):
    for client, may in ((site.owner, True), (site.colleague, False), (site.stranger, False)):
        found = page(client, "/acme/chat")
        assert bool(found.css("a[href='/acme/chat/edit/main/README.md']")) is may
        assert bool(found.css("a[href='/acme/chat/settings']")) is may


def test_an_empty_repository_says_how_to_begin(site: Site):
    site.hub.repo("alice/new")
    site.hub.settle()
    mine, others = page(site.owner, "/alice/new"), page(site.stranger, "/alice/new")
    assert f"export HF_ENDPOINT={site.hub.url}" in text_of(mine, ".ways")
    assert mine.css("a[href='/alice/new/new/main/README.md']")
    assert "Its owner has not put any files here." in panel(others, "Nothing has been added yet")


def test_a_repository_without_a_card_says_so(site: Site):
    site.fill("alice/bare", {"config.json": CONFIG})
    assert page(site.owner, "/alice/bare").css(".empty a[href='/alice/bare/new/main/README.md']")
    assert not page(site.stranger, "/alice/bare").css(".empty a")


def test_broken_metadata_is_told_to_those_who_can_mend_it(site: Site):
    site.fill("alice/broken", {"README.md": "---\nlicense: [\n---\n# Still shown"})
    assert "not valid YAML" in text_of(page(site.owner, "/alice/broken"), ".notice.warn")
    shown = page(site.stranger, "/alice/broken")
    assert not shown.css(".notice.warn")
    assert text_of(shown, ".prose") == "Still shown"


ODD_CARDS = [
    "---\nmodel-index: [1, {results: [x, {metrics: [{value: {a: [1]}}, {value: 2}], dataset: 3}]}]\nlicense: [mit, 1]\n---\n",
    "---\nbase_model: {a: b}\ndatasets: [1, [2], '../../x', 'a/b/c', 'a b']\nlanguage: 5\nlicense: {x: y}\n---\n",
    "---\nlicense: other\nlicense_name: <b>x</b>\nlicense_link: 'javascript:alert(1)'\ntags: [\"'><script>\", '\"']\n---\n",
    "---\nbase_model: 'a\\x00b'\nlibrary_name: <script>alert(1)</script>\npipeline_tag: x'\n---\n<script>alert(1)</script>",
]


@pytest.mark.parametrize("kind", GIT_KINDS)
def test_no_card_breaks_its_page_or_puts_a_script_into_it(site: Site, kind: RepoKind):
    for number, card in enumerate(ODD_CARDS):
        site.fill(f"bob/odd-{number}", {"README.md": card}, kind.value)
        found = page(site.stranger, f"/{kind.prefix}bob/odd-{number}")
        assert all((script.attributes.get("src") or "").startswith("/static/") for script in found.css("script"))
        assert not found.css("a[href^='javascript']")


def test_hostile_dataset_structure_is_left_out(site: Site):
    card = "---\nconfigs: [1, {config_name: [x]}, {config_name: '<b>', data_files: [1, {split: 2}, {split: s}]}]\n"
    card += "dataset_info: [{splits: [{name: t, num_examples: -1}, 5], features: {a: b}}, "
    card += "{features: [1, {name: c, list: {}}]}]\n---\n"
    site.fill("bob/odd", {"README.md": card}, "dataset")
    assert "<b> s" in panel(page(site.stranger, "/datasets/bob/odd"), "Configurations and splits")


def test_tensors_are_read_from_the_header(site: Site):
    found = page(site.stranger, "/acme/base/tensors")
    assert "embed.weight [8 × 4] BF16 norm.weight [4] F32" in panel(found, "model.safetensors")
    assert panel(found, "Safetensors").startswith("Safetensors Tensors 2 Parameters 36 Size")
    assert page(site.stranger, "/acme/base").css("nav.tabs a[href='/acme/base/tensors']")
    assert not page(site.stranger, "/acme/chat").css("nav.tabs a[href='/acme/chat/tensors']")


def test_shards_show_as_one_model(site: Site):
    index = {"weight_map": {"a.w": "model-00001-of-00002.safetensors", "b.w": "model-00002-of-00002.safetensors"}}
    files = {
        "model.safetensors.index.json": json.dumps(index),
        "model-00001-of-00002.safetensors": safetensors(a__w=("F32", [2])),
        "model-00002-of-00002.safetensors": safetensors(b__w=("F32", [3])),
    }
    site.fill("bob/sharded", files)
    found = page(site.stranger, "/bob/sharded/tensors")
    assert "a.w [2] F32 b.w [3] F32" in panel(found, "model.safetensors.index.json")
    assert panel(found, "Files") is None


def test_gguf_files_show_their_tensors_and_metadata(site: Site):
    site.fill("bob/quants", {"m.gguf": gguf("blk.0.q.weight", "blk.1.q.weight"), "n.gguf": gguf("t")})
    found = page(site.stranger, "/bob/quants/tensors")
    assert "blk 2 tensors · 1k 0.q.weight [256 × 2] Q4_K" in panel(found, "m.gguf")
    assert panel(found, "Metadata") == "Metadata general.architecture llama"
    assert "t [256 × 2] Q4_K" in panel(page(site.stranger, "/bob/quants/tensors/main/n.gguf"), "n.gguf")


def test_files_that_are_no_weights_have_no_tensors(site: Site):
    site.fill("bob/fake", {"x.safetensors": b"\xff" * 100, "notes.txt": "x"})
    assert "not in safetensors format" in text_of(page(site.stranger, "/bob/fake/tensors"), ".notice")
    for path in ("main/notes.txt", "main/missing.gguf", "nowhere/x.safetensors"):
        assert site.stranger.get(f"/bob/fake/tensors/{path}").status_code == 404
    assert "no tensors" in text_of(page(site.stranger, "/acme/chat/tensors"), ".empty")


def test_odd_places_in_the_tree_of_tensors_are_pages_too(site: Site):
    for query in ("page=99999999999", "page=-1", "page=x", "at=nothing", "at=%00", "at=" + "a." * 500):
        assert site.stranger.get(f"/acme/base/tensors?{query}").status_code == 200


def test_pages_speak_both_languages(site: Site):
    assert page(site.stranger, "/acme/chat?lang=zh").css_first("nav.tabs a").text() == "卡片"
    assert page(site.stranger, "/acme/base/tensors?lang=en").css_first("nav.tabs a").text() == "Card"


def test_gated_content_shows_the_card_and_no_tensors(site: Site):
    site.fill("acme/closed", {"README.md": "# Closed", "model.safetensors": safetensors(w=("F32", [1]))})
    repo = repos.by_name(site.hub.m, parse_repo_id(RepoKind.MODEL, "acme/closed"))
    lifecycle.change(site.hub.m, SYSTEM, repo, gated="manual")
    found = page(site.stranger, "/acme/closed")
    assert "restricted" in text_of(found, ".notice")
    assert not found.css("a[href='/acme/closed/tensors']")
    assert site.stranger.get("/acme/closed/tensors").status_code in {401, 403}
    assert page(site.colleague, "/acme/closed").css("a[href='/acme/closed/tensors']")


def test_the_number_of_downloads_forgets_what_is_older_than_thirty_days(tmp_path, database_url: str):
    clock = FixedClock()
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url), clock):
        hub.user("alice")
        hub.repo("alice/m")
        repo = repos.by_name(hub.m, parse_repo_id(RepoKind.MODEL, "alice/m"))
        for days, times in ((0, 3), (20, 2)):
            clock.advance(seconds=days * 86_400)
            for _ in range(times):
                downloads.count(hub.m, repo, "config.json")
            downloads.write_down(hub.m, {})
        counts = downloads.by_day(hub.m, repo, 30)
        assert (counts[-1], counts[-21], sum(counts)) == (2, 3, 5)
        clock.advance(seconds=15 * 86_400)
        downloads.roll(hub.m, {})
        info = hub.http().get("/api/models/alice/m?expand=downloads&expand=downloadsAllTime").json()
        assert (info["downloads"], info["downloadsAllTime"]) == (2, 5)
        found = LexborHTMLParser(hub.http().get("/alice/m", headers={"accept": "text/html"}).text)
        assert found.css_first("svg.spark").attributes["aria-label"] == "5 downloads in 90 days, at most 3 a day"
