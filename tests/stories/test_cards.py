"""The Python client reads cards, headers and lists of the hub as it reads those of the Hub it was made for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commits import commit, safetensors

PROGRAM = Path(__file__).parent / "cards_program.py"


@pytest.mark.story
def test_the_python_client_finds_in_cards_headers_and_lists_what_it_looks_for(hub, tmp_path):
    token = hub.user("alice")
    alice = hub.http(token)
    for kind in ("model", "dataset", "space", "kernel"):
        hub.repo(f"alice/{kind[0]}", kind, sdk="static" if kind == "space" else None)
    hub.repo("alice/sharded")
    commit(alice, "alice/m", {
        ".gitattributes": "", "README.md": "---\nlicense: mit\n---\n", "model.safetensors": safetensors({"a": ("F32", [3])}),
        "config.json": json.dumps({"architectures": ["BertForMaskedLM"], "model_type": "bert"}),
    })  # fmt: skip
    shards = {f"model-0000{n}-of-00002.safetensors": safetensors({f"t{n}": ("F32", [n, 5])}) for n in (1, 2)}
    index = {"metadata": {"total_size": 60}, "weight_map": {f"t{n}": name for n, name in enumerate(shards, 1)}}
    commit(alice, "alice/sharded", {".gitattributes": "", **shards, "model.safetensors.index.json": json.dumps(index)})
    hub.settle()
    chosen = {"HF_ENDPOINT": hub.url, "HF_TOKEN": token, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    program = [sys.executable, str(PROGRAM)]
    done = subprocess.run(program, env={**os.environ, **chosen}, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    hub.settle()
    assert alice.get("/api/models/alice/large").json()["safetensors"]["total"] == 15
