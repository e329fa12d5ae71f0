"""The JavaScript client uploads and downloads, small files and large ones."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.compat.node import client_folder
from tests.conftest import RunningHub

pytestmark = [pytest.mark.compat, pytest.mark.story, pytest.mark.slow, pytest.mark.timeout(600)]


def run(hub: RunningHub, program: str, *words: str) -> dict[str, Any]:
    """Run a program beside node_modules, where node looks for the client, and return what it told."""
    node, folder = client_folder()
    shutil.copy(Path(__file__).parent / "programs" / program, folder / program)
    command = [str(node), str(folder / program), hub.url, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_javascript_client_creates_a_repository_uploads_lists_and_downloads(hub):
    told = run(hub, "hub.mjs", hub.user("alice"), "alice/from-js", str(12 << 20))
    assert told["me"] == "alice"
    assert told["files"] == [".gitattributes", "hello.txt", "large.bin"]
    assert told["hello"] == "hello"
    assert told["same"]


def test_the_javascript_client_fills_a_bucket_copies_lists_downloads_and_deletes(hub):
    told = run(hub, "bucket.mjs", hub.user("alice"), "alice/from-js", str(3 << 20))
    assert told["url"] == f"{hub.url}/buckets/alice/from-js"
    assert told["level"] == ["directory deep", "file copy.bin", "file hello.txt"]
    assert told["same"]
    assert told["size"] == 5
    assert not told["stillThere"]
    assert told["files"] == ["copy.bin", "deep/large.bin"]
