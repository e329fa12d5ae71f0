"""Start the program of a run: in its group, as its user, in bubblewrap or plainly."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tulou.platform.compute.local.cgroup import Group
from tulou.platform.compute.local.child import owner, seccomp
from tulou.platform.compute.local.child.namespaces import become

_READY_S = 120.0
"""Before bubblewrap starts, the run's user is made the owner of what it may write to: that may be a million files."""
_SCORE = "500"


class Refused(Exception):
    """The run could not be started. The message is for its owner."""


@dataclass(slots=True)
class Child:
    """A program that was started. `pid` is our own child, `init` the process with which all of them end."""

    pid: int
    init: int
    output: int
    """What it prints, both streams in one pipe."""
    alive: int
    """Readable when `pid` has ended."""
    gate: int
    """A sandboxed program starts when this is closed."""
    isolated: bool
    silent: bool = False
    """Nobody can write to `output` any more."""

    def ask(self) -> None:
        """Ask the program to end: SIGTERM. bubblewrap passes no signals on, so they go to the children of its first process."""
        if not self.isolated:
            _signal_group(self.pid, signal.SIGTERM)
            return
        # Without any it has not come so far as to start the program: then nothing is lost.
        for pid in _children(self.init) or [self.init]:
            _signal(pid, signal.SIGTERM if pid != self.init else signal.SIGKILL)

    def kill(self, group: Group) -> None:
        """Kill every process of the run. With the first process of a namespace the kernel kills all others."""
        if self.isolated:
            _signal(self.init, signal.SIGKILL)
        else:
            _signal_group(self.pid, signal.SIGKILL)
        group.kill()

    def freeze(self, group: Group) -> None:
        """Stop every process where it is."""
        if group.is_there:
            group.freeze()
        else:
            self._each(signal.SIGSTOP)

    def thaw(self, group: Group) -> None:
        """Let every process go on."""
        if group.is_there:
            group.thaw()
        else:
            self._each(signal.SIGCONT)

    def _each(self, number: signal.Signals) -> None:
        if self.isolated:
            for pid in _descendants(self.init):
                _signal(pid, number)
        else:
            _signal_group(self.pid, number)

    def reap(self) -> tuple[int, resource.struct_rusage]:
        """Return the exit code, 128 and the number for a signal, as shells say it; and what was used."""
        _, status, used = os.wait4(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code, used


def start(order: dict[str, Any], group: Group) -> Child:
    """Start what was ordered and return when it is on its way. Raises Refused, OSError."""
    output, theirs = os.pipe()
    isolated = order["level"] == "sandbox"
    status, theirs_status = os.pipe()
    waiting, gate = os.pipe()
    pid = _fork(order, group, theirs, lambda: _isolated(order, theirs_status, waiting) if isolated else _plain(order))
    os.close(waiting)
    os.close(theirs)
    os.close(theirs_status)
    said = _first_line(status)
    if isolated and not said:
        raise Refused(_last_words(order, output, pid))
    init = int(json.loads(said)["child-pid"]) if isolated else pid
    if isolated and order["uid"] is None and order["counts_processes"] and not group.is_there:
        # It waits at the gate. Set only now, the limit counts the processes of the run's own user namespace.
        _lower(init, resource.RLIMIT_NPROC, order["limits"]["pids"])
    return Child(pid, init, output, os.pidfd_open(pid), gate, isolated=isolated)


def _fork(order: dict[str, Any], group: Group, output: int, last_step: Callable[[], None]) -> int:
    pid = os.fork()
    if pid != 0:
        return pid
    try:
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        group.join()
        _limit(order, group)
        _be_killed_first()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        last_step()
    except OSError as problem:
        os.write(2, f"cannot start: {problem.strerror}\n".encode())
    finally:
        os._exit(127)


def _limit(order: dict[str, Any], group: Group) -> None:
    """Limit this process in what no control group limits: the size of a file; without groups, all that a process can be."""
    limits = order["limits"]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if limits["disk"]:
        _lower(0, resource.RLIMIT_FSIZE, limits["disk"])
    if not group.is_there:
        _lower(0, resource.RLIMIT_AS, limits["memory"])
        if order["uid"] is not None:
            _lower(0, resource.RLIMIT_NPROC, limits["pids"])


def _be_killed_first() -> None:
    """Let the kernel, when the whole machine wants memory, take a run's before the hub's."""
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write(_SCORE)


def _lower(pid: int, kind: int, value: int) -> None:
    _, hard = resource.prlimit(pid, kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.prlimit(pid, kind, (value, value))


def _isolated(order: dict[str, Any], status: int, waiting: int) -> None:
    bwrap = str(order["bwrap"])
    seen = [step for step in order["steps"] if isinstance(step, dict)]
    if order["uid"] is None:
        places = [one["source"] for one in seen]
    else:
        from tulou.platform.compute.local.child import stage  # noqa: PLC0415 - loading ctypes is a fifth of a keeper's start

        for one in seen:
            if one["mode"] == "rw":
                owner.give(one["source"], order["uid"])
        bwrap, places = stage.with_program(order["uid"], bwrap, seen)
    arguments, filter_fd = _memory("arguments", _arguments(order, places)), _memory("filter", seccomp.program())
    for fd in (arguments, filter_fd, status, waiting):
        os.set_inheritable(fd, True)
    fds = ("--args", arguments, "--json-status-fd", status, "--seccomp", filter_fd, "--block-fd", waiting)
    call = ["bwrap", *map(str, fds), "--", *order["argv"]]
    become(order["uid"])
    os.execve(bwrap, call, {})  # noqa: S606 - bubblewrap, whose arguments are made here


def _plain(order: dict[str, Any]) -> None:
    os.setsid()
    os.umask(0o022)
    environment = {**order["env"], **order["secrets"]}
    os.chdir(order["cwd"])
    os.execvpe(order["argv"][0], order["argv"], environment)  # noqa: S606 - the program of a run, in the environment made for it


def _arguments(order: dict[str, Any], places: list[str]) -> bytes:
    following = iter(places)
    arguments: list[str] = []
    for step in order["steps"]:
        if isinstance(step, dict):
            arguments += _shown(step, next(following), is_root=order["uid"] is not None)
        else:
            arguments += step
    arguments += order["last"]
    for name, value in {**order["env"], **order["secrets"]}.items():
        arguments += ["--setenv", name, value]
    return b"".join(argument.encode() + b"\0" for argument in arguments)


def _shown(step: dict[str, Any], place: str, *, is_root: bool) -> list[str]:
    if step["mode"] == "overlay" and not is_root:
        return ["--overlay-src", place, "--overlay", f"{step['above']}/up", f"{step['above']}/work", step["target"]]
    return ["--ro-bind" if step["mode"] == "ro" else "--bind", place, step["target"]]


def _memory(name: str, content: bytes) -> int:
    """Return a descriptor of a file that is nowhere on a disk."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC)
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _first_line(status: int) -> bytes:
    """Return what bubblewrap says of its first process; nothing if the pipe is closed: by an end, or by starting a plain program.

    The pipe stays open, because bubblewrap writes to it again.
    """
    said = b""
    while b"\n" not in said:
        if not select.select([status], [], [], _READY_S)[0]:
            raise Refused("the sandbox was not ready in time")
        more = os.read(status, 4096)
        if not more:
            return b""
        said += more
    return said.partition(b"\n")[0]


def _last_words(order: dict[str, Any], output: int, pid: int) -> str:
    """Return why nothing was started, without any path of this machine."""
    os.waitpid(pid, 0)
    os.set_blocking(output, False)
    try:
        said = os.read(output, 4096)
    except BlockingIOError:
        said = b""
    why = said.decode("utf-8", "replace").strip()
    is_about_paths = any(step["source"] in why for step in order["steps"] if isinstance(step, dict))
    return "the sandbox could not be set up" if is_about_paths or not why else why


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def _children(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _descendants(pid: int) -> list[int]:
    found = _children(pid)
    return found + [below for child in found for below in _descendants(child)]
