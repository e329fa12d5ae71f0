"""Name the environment that a list of packages makes, and keep the list until it is installed."""

from __future__ import annotations

import hashlib
import platform
import re
import sys
from pathlib import Path

from tulou.features.runs import base, sources
from tulou.features.runs.model import HOST_IMAGE
from tulou.fsio import atomic
from tulou.kernel.limits import MIB
from tulou.platform.compute.base import StartFailed
from tulou.platform.machinery import Machinery

ENV, ROOMS = "env", "root"
"""Parts of what is built from a Dockerfile."""
LOCK_BYTES = 8 * MIB
_HASHED = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def python(image: str) -> str:
    """Return the interpreter that environments on an image are made with: on this machine, the hub's own."""
    return str(base.interpreter()) if image == HOST_IMAGE else "python3"


def key(lock: str, image: str, salt: str, repo_id: str, commit: str) -> str:
    """Return the name of the environment that a lock makes.

    Equal locks share one. One with a line that no hash covers (a folder of the repository, a git address) is that commit's own:
    what it installs is not said by the lock alone.
    """
    shared = "" if is_complete(lock) else f"{repo_id}@{commit}"
    interpreter = sys.version if image == HOST_IMAGE else ""
    facts = f"{image}\n{interpreter}\n{platform.machine()}\n{salt}\n{shared}\n{lock}"
    return hashlib.sha256(facts.encode()).hexdigest()


def is_complete(lock: str) -> bool:
    """Say whether every requirement of a lock names the hashes of what may be installed."""
    for line in lock.replace("\\\n", " ").splitlines():
        text = line.strip()
        if text and not text.startswith(("#", "--")) and (text.startswith("-") or not _HASHED.search(text)):
            return False
    return True


def keep_lock(m: Machinery, env: str, lock: str) -> None:
    """Keep a lock for the run that installs it. A cache: after a loss the build begins again."""
    folder = _locks(m)
    atomic.make_dirs(folder)
    atomic.replace_cached(folder / env, lock.encode())


def drop_lock(m: Machinery, env: str) -> None:
    """Forget a lock that was installed, or will not be."""
    atomic.remove(_locks(m) / env)


def _find_lock(m: Machinery, rest: str) -> Path:
    path = _locks(m) / rest
    if not path.is_file():
        raise StartFailed("the list of packages that it should install is gone: restart the Space")
    return path


def _locks(m: Machinery) -> Path:
    return m.settings.data.resolve() / "cache" / "locks"


def _layer(m: Machinery, rest: str) -> Path:
    layers, _, part = rest.partition("/")
    path = sources.out_folder(m, layers) / part
    path.mkdir(parents=True, exist_ok=True)
    return path


def _tree(m: Machinery, rest: str) -> Path:
    env, _, part = rest.partition("/")
    path = sources.env_folder(m, env) / part
    if not path.is_dir() or path.is_symlink():
        raise StartFailed("its image is gone from this machine: build it again")
    return path


RESOLVERS: dict[str, sources.Resolver] = {"lock": _find_lock, "layer": _layer, "tree": _tree}
"""What builds see beside what every run can ask for; registered in app.py."""
