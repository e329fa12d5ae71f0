"""What a repository page tells people to type works when it is pasted, and nothing but it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.compat.conftest import ENCODER_FILES
from tests.venvs import python_of
from tulou.features.content import commit
from tulou.features.repos import lookup as repos
from tulou.kernel.actor import SYSTEM
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.wire.hf_commit import File, Header

pytestmark = [pytest.mark.compat, pytest.mark.story, pytest.mark.slow, pytest.mark.timeout(600)]


def fill(hub, full: str, kind: str, files: dict[str, bytes]) -> None:
    hub.repo(full, kind)
    repo = repos.by_name(hub.m, parse_repo_id(RepoKind(kind), full))
    commit.commit(hub.m, SYSTEM, repo, "main", Header("add", "", None), [File(path, body) for path, body in files.items()])
    hub.settle()


def snippets(hub, path: str) -> dict[str, tuple[str, str]]:
    """Return (language, code) by the name of the tool, as the page shows them."""
    found = LexborHTMLParser(hub.http().get(path, headers={"accept": "text/html"}).text)
    shown = {}
    for way in found.css(".use .ways details"):
        code = way.css_first("code")
        shown[way.css_first("summary").text()] = (code.attributes["class"].removeprefix("language-"), code.text())
    return shown


def paste(language: str, code: str, home: Path) -> str:
    """Run a snippet in an empty home, without any setting of ours."""
    home.mkdir()
    python = python_of("hub24")
    command = [str(python), "-c", code] if language == "python" else ["bash", "-euc", code]
    environ = {
        "PATH": f"{python.parent}:{os.environ['PATH']}", "HOME": str(home), "NO_PROXY": "*", "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "PYTHONWARNINGS": "ignore", "NO_COLOR": "1", "GIT_LFS_SKIP_SMUDGE": "1",
    }  # fmt: skip
    done = subprocess.run(command, env=environ, cwd=home, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{code}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def test_the_snippets_of_a_model_work(hub, encoder, tmp_path):
    hub.user("alice")
    card = b"---\nlibrary_name: transformers\n---\n# Encoder"
    fill(hub, "alice/encoder", "model", {name: (encoder / name).read_bytes() for name in ENCODER_FILES} | {"README.md": card})
    shown = snippets(hub, "/alice/encoder")
    assert {"transformers", "hf", "git"} <= shown.keys()
    for tool, (language, code) in shown.items():
        if tool == "git":
            code = code.removeprefix("git lfs install\n")  # noqa: PLW2901 - git-lfs is not on every machine
        paste(language, code, tmp_path / tool)
    assert (tmp_path / "git" / "encoder" / "config.json").exists()


def test_the_snippets_of_a_dataset_work(hub, tmp_path):
    hub.user("alice")
    card = b"---\nconfigs:\n- config_name: small\n  data_files: train.csv\n- config_name: other\n  data_files: train.csv\n---\n"
    fill(hub, "alice/data", "dataset", {"README.md": card, "train.csv": b"text,score\na,1\nb,2\n"})
    shown = snippets(hub, "/datasets/alice/data")
    assert "num_rows: 2" in paste(*shown["datasets"], tmp_path / "datasets")
    paste(*shown["hf"], tmp_path / "hf")


def test_the_snippet_for_llama_cpp_hands_over_the_file(hub, tmp_path):
    hub.user("alice")
    fill(hub, "alice/quants", "model", {"it's $HOME.gguf": b"GGUF", "README.md": b"# Q"})
    language, code = snippets(hub, "/alice/quants")["llama.cpp"]
    assert paste(language, 'llama-server() { cat "$2"; }\n' + code, tmp_path / "llama") == "GGUF"
