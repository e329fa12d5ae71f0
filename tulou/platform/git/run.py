"""The only place that starts git: empty environment, pinned configuration, never a shell."""

from __future__ import annotations

import os
import resource
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
    # Filters by path or by depth of tree make the server walk; only these two cost nothing.
    "uploadpackfilter.allow=false",
    "uploadpackfilter.blob:none.allow=true",
    "uploadpackfilter.blob:limit.allow=true",
    "uploadpack.allowAnySHA1InWant=false",
    "uploadpack.allowReachableSHA1InWant=true",
    "core.bigFileThreshold=16m",
    "pack.threads=1",
    "pack.windowMemory=128m",
    "pack.deltaCacheSize=64m",
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


def run(
    *arguments: str,
    cwd: Path,
    stdin: bytes | IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
    timeout: float = 600,
    memory: int | None = None,
    **env: str,
) -> bytes:
    """Run git to its end and return its standard output, or write it to `stdout`.

    `memory` limits its own memory in bytes. Raises GitFailed, subprocess.TimeoutExpired.
    """
    content, source = (stdin, subprocess.PIPE) if isinstance(stdin, bytes) else (None, stdin or subprocess.DEVNULL)
    with subprocess.Popen(  # noqa: S603 - a fixed program and checked arguments
        command(*arguments), cwd=cwd, env=environment(**env),
        stdin=source, stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:
        if memory is not None:
            # From outside, because code between fork and exec is not safe in a program with threads.
            _limit_memory(process.pid, memory)
        try:
            out, err = process.communicate(content, timeout=timeout)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise GitFailed(arguments[0], process.returncode, err.decode("utf-8", "replace")[-4000:])
    return out or b""


def _limit_memory(pid: int, memory: int) -> None:
    try:
        resource.prlimit(pid, resource.RLIMIT_DATA, (memory, memory))
    except ProcessLookupError:
        return  # it has ended already


def spawn(*arguments: str, cwd: Path, stdin: IO[bytes], **env: str) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """Start git and return it with its output. Its messages are discarded: git tells clients what went wrong in its output.

    The caller owns both: drain the output, wait for the process.
    """
    process = subprocess.Popen(  # noqa: S603 - a fixed program and checked arguments
        command(*arguments), cwd=cwd, env=environment(**env), bufsize=0,
        stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    if process.stdout is None:
        raise RuntimeError("a process that was started with a pipe has none")
    return process, process.stdout
