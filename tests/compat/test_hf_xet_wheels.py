"""One large file up and down by every generation of the Xet client that is still around: each takes other paths."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
from pathlib import Path

import pytest

from tests.venvs import Environment, python_of

pytestmark = [pytest.mark.compat, pytest.mark.slow, pytest.mark.timeout(900)]

PROGRAM = Path(__file__).parents[1] / "xet_client.py"
MB = 1_000_000
# (huggingface_hub, hf_xet), newest first. The last four still ask the LFS batch API whether to use Xet.
GENERATIONS = [("2.4.0", "1.8.0"), ("1.33.0", "1.7.1"), ("1.16.4", "1.5.2"), ("1.9.2", "1.4.3"), ("0.36.2", "1.1.10")]


@pytest.mark.parametrize(("library", "wheel"), GENERATIONS, ids=[f"hf_xet-{wheel}" for _, wheel in GENERATIONS])
def test_every_generation_of_hf_xet_uploads_in_chunks_and_reads_back_what_others_wrote(hub, tmp_path, library, wheel):
    token = hub.user("alice")
    hub.repo("alice/m")
    python = python_of(f"xet-{wheel}", Environment((f"huggingface_hub=={library}", f"hf_xet=={wheel}")))
    content = random.Random(wheel).randbytes(20 * MB)
    source = tmp_path / "weights.bin"
    source.write_bytes(content)
    run(python, hub.url, token, tmp_path, "upload", source)

    head = hub.http(token).head("/alice/m/resolve/main/weights.bin")
    assert len(head.headers["x-xet-hash"]) == 64

    digest = hashlib.sha256(content).hexdigest()
    assert run(python, hub.url, token, tmp_path, "download", tmp_path / "own") == digest
    newest = python_of("xet-1.8.0", Environment(("huggingface_hub==2.4.0", "hf_xet==1.8.0")))
    assert run(newest, hub.url, token, tmp_path, "download", tmp_path / "newest") == digest


def run(python: Path, url: str, token: str, home: Path, verb: str, path: Path) -> str:
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(home), "HF_HOME": str(home / f"hf-{verb}"), "HF_ENDPOINT": url, "HF_TOKEN": token,
        "HF_HUB_DISABLE_PROGRESS_BARS": "1", "PYTHONWARNINGS": "ignore", "NO_PROXY": "*",
    }  # fmt: skip
    command = [str(python), str(PROGRAM), verb, "alice/m", "weights.bin", str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
    return done.stdout.strip()
