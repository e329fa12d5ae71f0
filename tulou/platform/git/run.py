"""The only place that starts git: empty environment, pinned configuration, never a shell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import IO

PINNED = (
    "transfer.fsckObjects=true",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.useReplaceRefs=false",
    "core.attributesFile=/dev/null",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.allow=never",
    "safe.directory=*",
    "uploadpack.allowFilter=true",
    "uploadpack.allowAnySHA1InWant=false",
    "uploadpack.allowReachableSHA1InWant=true",
    "core.bigFileThreshold=16m",
    "pack.threads=1",
)


class GitFailed(Exception):
    """git ended with an error. `stderr` is for the log, not for users."""

    def __init__(self, command: str, code: int, stderr: str) -> None:
        super().__init__(f"git {command} ended with {code}: {stderr}")
        self.code = code
        self.stderr = stderr


def command(*arguments: str) -> list[str]:
    """Return the argument vector of a git call with our configuration."""
    pinned = [part for setting in PINNED for part in ("-c", setting)]
    return ["git", *pinned, *arguments]


def environment(**extra: str) -> dict[str, str]:
    """Return the whole environment of a git child."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ATTR_NOSYSTEM": "1",
        **extra,
    }


def run(*arguments: str, cwd: Path, stdin: bytes | IO[bytes] | None = None, timeout: float = 600, **env: str) -> bytes:
    """Run git to its end and return its standard output. Raises GitFailed."""
    given = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin if stdin is not None else subprocess.DEVNULL}
    done = subprocess.run(  # noqa: S603 - a fixed program and checked arguments
        command(*arguments), cwd=cwd, env=environment(**env), capture_output=True, timeout=timeout, check=False, **given
    )
    if done.returncode != 0:
        raise GitFailed(arguments[0], done.returncode, done.stderr.decode("utf-8", "replace")[-4000:])
    return done.stdout


def spawn(*arguments: str, cwd: Path, **env: str) -> subprocess.Popen[bytes]:
    """Start git with pipes on all three ends. The caller owns the process: feed it, drain it, wait for it."""
    return subprocess.Popen(  # noqa: S603 - a fixed program and checked arguments
        command(*arguments), cwd=cwd, env=environment(**env),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
