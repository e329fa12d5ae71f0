"""The JavaScript client uploads and downloads, small files and large ones."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.compat.node import client_folder

pytestmark = [pytest.mark.compat, pytest.mark.story, pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_javascript_client_creates_a_repository_uploads_lists_and_downloads(hub):
    node, folder = client_folder()
    program = folder / "hub.mjs"  # beside node_modules, where node looks for the client
    shutil.copy(Path(__file__).parent / "programs" / "hub.mjs", program)
    done = subprocess.run(
        [str(node), str(program), hub.url, hub.user("alice"), "alice/from-js", str(12 << 20)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["me"] == "alice"
    assert told["files"] == [".gitattributes", "hello.txt", "large.bin"]
    assert told["hello"] == "hello"
    assert told["same"]
