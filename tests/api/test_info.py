"""What the info routes tell: the card, the headers and the files of a revision, to whoever may know."""

from __future__ import annotations

import hashlib
import json
import struct

import httpx
import pytest

from tests.commits import commit, safetensors
from tests.conftest import RunningHub
from tulou.features.cards import queries, tasks
from tulou.features.cards.model import Summary

CARD = """---
license: mit
language: [en, no]
tags: [text-classification, cool]
datasets: [glue, alice/data]
base_model: alice/base
model-index:
- name: m
  results: []
---
See https://arxiv.org/abs/1810.04805 and arxiv.org/abs/1810.04805v2.
"""
CONFIG = {"architectures": ["BertForMaskedLM"], "model_type": "bert", "hidden_size": 3}
TOKENIZER = {"mask_token": {"content": "[MASK]"}, "chat_template": "{{ x }}", "added_tokens_decoder": {}}


@pytest.fixture
def alice(hub: RunningHub) -> httpx.Client:
    client = hub.http(hub.user("alice"))
    hub.repo("alice/m")
    return client


def fill(client: httpx.Client) -> str:
    return commit(client, "alice/m", {
        "README.md": CARD,
        "config.json": json.dumps(CONFIG),
        "tokenizer_config.json": json.dumps(TOKENIZER),
        "sub/file.txt": "x",
    })  # fmt: skip


def info(client: httpx.Client, path: str = "models/alice/m", **query: object) -> dict:
    answer = client.get(f"/api/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("settled", [False, True])
def test_a_model_says_what_its_card_and_config_say_before_and_after_the_background_read_them(hub, alice, *, settled: bool):
    sha = fill(alice)
    if settled:
        hub.settle()
    found = info(alice)
    assert found["id"] == found["modelId"] == "alice/m"
    assert found["author"] == "alice"
    assert found["sha"] == sha
    assert found["pipeline_tag"] == "text-classification"
    assert found["library_name"] == "transformers"
    assert found["tags"] == [
        "transformers", "bert", "text-classification", "cool", "conversational", "en", "no", "dataset:glue", "dataset:alice/data",
        "arxiv:1810.04805", "base_model:alice/base", "base_model:finetune:alice/base", "license:mit", "model-index", "region:us",
    ]  # fmt: skip
    assert found["cardData"]["license"] == "mit"
    assert found["config"]["architectures"] == ["BertForMaskedLM"]
    assert found["config"]["tokenizer_config"]["chat_template"] == "{{ x }}"
    assert found["transformersInfo"] == {
        "auto_model": "AutoModelForMaskedLM", "pipeline_tag": "fill-mask", "processor": "AutoTokenizer",
    }  # fmt: skip
    assert found["mask_token"] == "[MASK]"
    assert found["model-index"] == [{"name": "m", "results": []}]
    assert [s["rfilename"] for s in found["siblings"]] == [
        ".gitattributes", "README.md", "config.json", "sub/file.txt", "tokenizer_config.json",
    ]  # fmt: skip
    assert [found[name] for name in ("private", "gated", "disabled", "downloads", "likes")] == [False, False, False, 0, 0]
    assert found["usedStorage"] > 0
    assert found["createdAt"].endswith("Z")
    assert found["lastModified"].endswith("Z")


def test_a_revision_says_what_it_said_then(hub, alice):
    first = fill(alice)
    second = commit(alice, "alice/m", {"README.md": "---\nlicense: apache-2.0\n---\n", "new.txt": "x"})
    hub.settle()
    assert info(alice)["sha"] == info(alice, "models/alice/m/revision/main")["sha"] == second
    then = info(alice, f"models/alice/m/revision/{first}")
    assert then["sha"] == first
    assert then["cardData"]["license"] == "mit"
    assert "new.txt" not in [s["rfilename"] for s in then["siblings"]]
    missing = alice.get("/api/models/alice/m/revision/nope")
    assert (missing.status_code, missing.headers["x-error-code"]) == (404, "RevisionNotFound")


def test_weights_are_counted_from_their_headers_one_file_or_shards(hub, alice):
    commit(alice, "alice/m", {".gitattributes": "", "model.safetensors": safetensors({"a": ("F32", [2, 3]), "b": ("I32", [4])})})
    hub.settle()
    assert info(alice)["safetensors"] == {"parameters": {"F32": 6, "I32": 4}, "total": 10}
    shards = {
        f"model-0000{n}-of-00002.safetensors": safetensors({f"t{n}": ("F32", [n, 5])}) for n in (1, 2)
    }
    index = {"metadata": {"total_size": 60}, "weight_map": {f"t{n}": name for n, name in enumerate(shards, 1)}}
    commit(alice, "alice/m", {**shards, "model.safetensors.index.json": json.dumps(index)})
    hub.settle()
    assert info(alice)["safetensors"] == {"parameters": {"F32": 15}, "total": 15}
    assert "safetensors" in info(alice)["tags"]
    got = info(alice, "models/alice/m/safetensors-metadata/model.safetensors.index.json")
    assert got["index"] == {"metadata": {"total_size": 60}}
    assert {name: header["t1" if "1-of" in name else "t2"]["shape"] for name, header in got["headers"].items()} == {
        "model-00001-of-00002.safetensors": [1, 5], "model-00002-of-00002.safetensors": [2, 5],
    }  # fmt: skip
    assert alice.get("/api/models/alice/m/safetensors-metadata/nope.json").status_code == 404


@pytest.mark.parametrize("content", [b"", b"\xff" * 50, b"\x00" * 8, b"\x10" + b"\x00" * 7 + b"[" * 16])
def test_a_broken_weight_file_hides_nothing_else(hub, alice, content):
    commit(alice, "alice/m", {".gitattributes": "", "model.safetensors": content, "README.md": CARD, "x.gguf": content})
    hub.settle()
    found = info(alice)
    assert found["cardData"]["license"] == "mit"
    assert "safetensors" not in found
    assert "gguf" not in found


def test_a_broken_card_and_config_hide_nothing_else(hub, alice):
    commit(alice, "alice/m", {"README.md": "---\na: [\n---\n", "config.json": "[" * 100_000, "tokenizer_config.json": "{}"})
    hub.settle()
    found = info(alice)
    assert "cardData" not in found
    assert found["tags"] == ["region:us"]


def test_files_have_sizes_only_when_asked(alice):
    fill(alice)
    assert set(info(alice)["siblings"][0]) == {"rfilename"}
    by_name = {s["rfilename"]: s for s in info(alice, blobs="true")["siblings"]}
    blob = hashlib.sha1(b"blob 1\0x", usedforsecurity=False).hexdigest()
    assert by_name["sub/file.txt"] == {"rfilename": "sub/file.txt", "size": 1, "blobId": blob}


def test_security_status_says_that_nothing_was_scanned(alice):
    assert info(alice, securityStatus="true")["securityRepoStatus"] == {"scansDone": False, "filesWithIssues": []}


@pytest.mark.parametrize("spelling", ["expand", "expand[]"])
def test_expand_answers_the_id_and_what_was_asked(alice, spelling):
    fill(alice)
    found = info(alice, **{spelling: ["author", "gated", "downloadsAllTime"]})
    assert set(found) == {"_id", "id", "modelId", "author", "gated", "downloadsAllTime"}
    assert info(alice, expand="inferenceProviderMapping")["inferenceProviderMapping"] == {}


@pytest.mark.parametrize("kind", ["model", "dataset", "space", "kernel"])
def test_every_property_can_be_asked_for_and_others_are_refused_with_the_list(hub, kind):
    alice = hub.http(hub.user("alice"))
    hub.repo("alice/r", kind, sdk="static" if kind == "space" else None)
    refused = alice.get(f"/api/{kind}s/alice/r", params={"expand": ["author", "nonsense"]})
    assert refused.status_code == 400
    message = refused.json()["error"]
    assert message.startswith('✖ Invalid option: expected one of "author"|"')
    assert message.endswith("\n  → at expand[1]")
    options = [part.strip('"') for part in message.split("one of ")[1].split("\n")[0].split("|")]
    assert alice.get(f"/api/{kind}s/alice/r", params={"expand": options}).status_code == 200
    assert alice.get(f"/api/{kind}s", params={"expand": options}).status_code == 200


def test_a_space_without_an_application_says_so(hub):
    alice = hub.http(hub.user("alice"))
    hub.repo("alice/s", "space", sdk="static")
    commit(alice, "alice/s", {"README.md": "---\nsdk: gradio\nmodels: [alice/m]\n---\n"}, kind="spaces")
    hub.settle()
    found = info(alice, "spaces/alice/s")
    assert found["runtime"]["stage"] == "NO_APP_FILE"
    assert (found["sdk"], found["models"], found["tags"]) == ("gradio", ["alice/m"], ["gradio", "region:us"])
    hub.repo("alice/m")
    assert info(alice)["spaces"] == ["alice/s"]


def test_a_dataset_says_its_categories_and_size(hub):
    alice = hub.http(hub.user("alice"))
    hub.repo("alice/d", "dataset")
    card = "---\nlanguage: en\nlicense: mit\ntask_categories: [question-answering]\nsize_categories: n<1K\ntags: [x]\n---\n"
    commit(alice, "alice/d", {"README.md": card, "data.csv": "a,b\n1,2\n"}, kind="datasets")
    hub.settle()
    found = info(alice, "datasets/alice/d")
    assert found["tags"] == [
        "task_categories:question-answering", "language:en", "license:mit", "size_categories:n<1K", "format:csv",
        "library:datasets", "x", "region:us",
    ]  # fmt: skip
    assert info(alice, "datasets/alice/d", expand="mainSize")["mainSize"] > len(card)


def test_evaluation_results_are_shown_complete_or_as_errors(hub, alice):
    good = "- dataset: {id: a/b, task_id: t}\n  value: 0.5\n  source: {url: 'https://x', name: N}\n"
    commit(alice, "alice/m", {".eval_results/a.yaml": good, ".eval_results/b.yaml": "- value: 1"})
    hub.settle()
    first, second = info(alice, expand="evalResults")["evalResults"]
    assert first["data"] == {"dataset": {"id": "a/b", "task_id": "t"}, "value": 0.5, "source": {"url": "https://x", "name": "N"}}
    assert "error" in second


def test_children_count_only_what_the_asker_may_see(hub, alice):
    for name, private in (("one", False), ("two", True)):
        hub.repo(f"alice/{name}", private=private)
        commit(alice, f"alice/{name}", {"README.md": "---\nbase_model: alice/m\nbase_model_relation: adapter\n---\n"})
    hub.settle()
    assert info(alice, expand="childrenModelCount")["childrenModelCount"]["adapter"] == 2
    assert info(hub.http(), expand="childrenModelCount")["childrenModelCount"]["adapter"] == 1


def test_the_owner_a_colleague_and_an_outsider_learn_what_they_may(hub):
    people = {name: hub.http(hub.user(name)) for name in ("olga", "rita", "otto")}
    hub.org("acme", olga="admin", rita="read")
    hub.repo("acme/secret", private=True)
    for name in ("olga", "rita"):
        assert info(people[name], "models/acme/secret")["private"] is True
    for path in ("", "/revision/main", "/safetensors-metadata/x.json"):
        for person, status in ((people["otto"], 404), (hub.http(), 401)):
            hidden, missing = (person.get(f"/api/models/acme/{name}{path}") for name in ("secret", "nothing"))
            assert hidden.status_code == missing.status_code == status
            assert hidden.content == missing.content


def test_a_gated_model_shows_its_card_to_strangers_but_not_its_tensors(hub, alice):
    fill(alice)
    alice.put("/api/models/alice/m/settings", json={"gated": "manual"})
    stranger = hub.http(hub.user("otto"))
    found = info(stranger)
    assert (found["gated"], found["cardData"]["license"]) == ("manual", "mit")
    assert stranger.get("/api/models/alice/m/safetensors-metadata/model.safetensors.index.json").status_code == 403


def test_a_moved_branch_is_read_again(hub, alice):
    fill(alice)
    hub.settle()
    commit(alice, "alice/m", {"README.md": "---\nlicense: gpl\n---\n"})
    hub.settle()
    assert "license:gpl" in info(alice, expand="tags")["tags"]
    assert [m["id"] for m in alice.get("/api/models?filter=license:mit").json()] == []
    assert [m["id"] for m in alice.get("/api/models?filter=license:gpl").json()] == ["alice/m"]


def test_a_task_that_read_an_older_commit_writes_nothing(hub, alice):
    old = fill(alice)
    commit(alice, "alice/m", {"README.md": "---\nlicense: gpl\n---\n"})
    hub.settle()
    repo_id = info(alice)["_id"]
    with hub.m.db.write() as tx:
        assert not queries.store(tx, repo_id, "refs/heads/main", old, Summary(tags=("stale",)))
    assert [m["id"] for m in alice.get("/api/models?filter=license:gpl").json()] == ["alice/m"]


def test_a_task_that_runs_twice_or_after_the_repository_is_gone_does_no_harm(hub, alice):
    fill(alice)
    hub.settle()
    found = info(alice)
    tasks.refresh(hub.m, {"repo_id": found["_id"]})
    assert info(alice) == found
    alice.request("DELETE", "/api/repos/delete", json={"name": "m", "organization": "alice", "type": "model"}).raise_for_status()
    tasks.refresh(hub.m, {"repo_id": found["_id"]})
    assert alice.get("/api/models").json() == []


def test_a_duplicate_has_tags_of_its_own(hub, alice):
    fill(alice)
    hub.settle()
    made = alice.post("/api/models/alice/m/duplicate", json={"repository": "alice/copy"})
    assert made.status_code == 200, made.text
    hub.settle()
    assert {m["id"] for m in alice.get("/api/models?filter=license:mit").json()} == {"alice/m", "alice/copy"}


def test_a_gguf_file_in_parts_is_counted_as_one(hub, alice):
    key = gguf_text("general.architecture") + struct.pack("<I", 8) + gguf_text("llama")
    parts = {f"m-0000{n}-of-00002.gguf": gguf([key] if n == 1 else [], [n, 5]) for n in (1, 2)}
    commit(alice, "alice/m", {".gitattributes": "", **parts})
    hub.settle()
    found = info(alice)
    assert found["gguf"] == {"total": 15, "architecture": "llama", "totalFileSize": sum(map(len, parts.values()))}
    assert found["library_name"] == "gguf"
    assert [m["id"] for m in alice.get("/api/models?num_parameters=min:15,max:15").json()] == ["alice/m"]


def gguf_text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def gguf(keys: list[bytes], shape: list[int]) -> bytes:
    tensor = gguf_text("w") + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, 0)
    return b"GGUF" + struct.pack("<IQQ", 3, 1, len(keys)) + b"".join(keys) + tensor
