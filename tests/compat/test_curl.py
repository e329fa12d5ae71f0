"""People with nothing but curl can read, resume and write."""

from __future__ import annotations

import json
import subprocess

import pytest

pytestmark = [pytest.mark.story]


def curl(*arguments: str) -> str:
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail-with-body", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def filled(hub):
    token = hub.user("alice")
    hub.repo("alice/notes", "dataset")
    lines = [
        {"key": "header", "value": {"summary": "First notes", "description": ""}},
        {"key": "file", "value": {"path": "notes.txt", "content": "0123456789" * 100, "encoding": "utf-8"}},
    ]
    body = "\n".join(json.dumps(line) for line in lines)
    curl(
        "-H",
        f"Authorization: Bearer {token}",
        "-H",
        "Content-Type: application/x-ndjson",
        "--data-binary",
        body,
        f"{hub.url}/api/datasets/alice/notes/commit/main",
    )
    return f"{hub.url}/datasets/alice/notes/resolve/main/notes.txt"


def test_curl_downloads_a_file(filled):
    assert curl("--location", filled) == "0123456789" * 100


def test_curl_resumes_a_download_that_was_cut(filled, tmp_path):
    target = tmp_path / "notes.txt"
    target.write_text("0123456789" * 30)
    curl("--location", "--continue-at", "-", "--output", str(target), filled)
    assert target.read_text() == "0123456789" * 100


def test_curl_does_not_download_again_what_did_not_change(filled, tmp_path):
    tags = ["--etag-compare", str(tmp_path / "etag"), "--etag-save", str(tmp_path / "etag")]
    curl("--location", *tags, "--output", str(tmp_path / "first"), filled)
    code = curl("--location", *tags, "--output", str(tmp_path / "second"), "--write-out", "%{http_code}", filled)
    assert code == "304"
