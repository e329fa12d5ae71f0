"""The accessibility checker axe-core, fetched from npm once and pinned by its hash."""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.compat.node import programs
from tests.venvs import ROOT

VERSION = "4.14.1"
INTEGRITY = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
_KEPT = ROOT / ".cache" / "axe" / f"axe-{VERSION}.min.js"
SERIOUS = {"serious", "critical"}


def source() -> str:
    """Return the program. Raises RuntimeError if what came is not what was pinned."""
    if not _KEPT.exists():
        _KEPT.parent.mkdir(parents=True, exist_ok=True)
        _KEPT.write_bytes(_fetch())
    return _KEPT.read_text(encoding="utf-8")


def _fetch() -> bytes:
    _, npm = programs()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*npm, "pack", "--silent", f"axe-core@{VERSION}"], cwd=folder, check=True, capture_output=True)
        packed = (Path(folder) / f"axe-core-{VERSION}.tgz").read_bytes()
    if base64.b64encode(hashlib.sha512(packed).digest()).decode() != INTEGRITY:
        raise RuntimeError("axe-core from npm is not the one that was pinned")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        member = archive.extractfile("package/axe.min.js")
        if member is None:
            raise RuntimeError("axe-core has no axe.min.js")
        return member.read()


def violations(page: Page) -> list[str]:
    """Return the serious violations of the page as it stands, one line each: rule, why, and where."""
    page.evaluate(source())  # through the debugger, not as a script of the page: its policy stays as it is
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['impact']} {rule['id']}: {rule['help']} - {node['html'][:160]} {node['failureSummary'][:200]}"
        for rule in found["violations"]
        if rule["impact"] in SERIOUS
        for node in rule["nodes"][:4]
    ]
