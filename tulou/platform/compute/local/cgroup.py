"""Control groups of all kinds: version 2 where it limits memory, processes and processors, else version 1."""

from __future__ import annotations

import errno
import os
import signal
import time
from dataclasses import dataclass

_ROOT = "/sys/fs/cgroup"
_NEEDED = frozenset({"memory", "pids", "cpu"})
_V1 = ("memory", "pids", "cpu", "cpuacct", "freezer")
_LEAF = "main"
_PERIOD_US = 100_000
_WEIGHT = 10
"""Of 100, which the hub has: where both want a processor, visitors of the hub go first."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Below which folders groups of runs are made. `v2` is empty, or `v1` is, or both: then there are no limits."""

    v2: str = ""
    v1: tuple[tuple[str, str], ...] = ()

    @property
    def is_there(self) -> bool:
        """Whether groups can be made at all."""
        return bool(self.v2 or self.v1)


def find() -> Tree:
    """Return where this process may make groups, without changing anything."""
    own = _own()
    for mount in (_ROOT, f"{_ROOT}/unified"):
        if set(_read(f"{mount}/cgroup.controllers").split()) >= _NEEDED:
            base = _existing(mount, own.get("", "/"))
            base = os.path.dirname(base) if os.path.basename(base) == _LEAF and base != mount else base
            return Tree(v2=base) if _is_ours(base) else Tree()
    mounts = ((name, f"{_ROOT}/{name}") for name in _V1)
    folders = tuple((name, _existing(mount, own.get(name, "/"))) for name, mount in mounts if os.path.isdir(mount))
    writable = {name for name, folder in folders if os.access(folder, os.W_OK)}
    return Tree(v1=folders) if writable >= {"memory", "pids", "cpu", "freezer"} else Tree()


def take(tree: Tree) -> Tree:
    """Make a tree ready for groups and return it, or an empty one if that fails.

    On version 2 this process, and whoever is in its group, moves into a leaf of it: only leaves may hold processes.
    """
    try:
        if tree.v2 and not set(_read(f"{tree.v2}/cgroup.subtree_control").split()) >= _NEEDED:
            _enable(tree.v2)
    except OSError:
        return Tree()
    return tree


def _own() -> dict[str, str]:
    """Return the path of this process's group by controller; the one of version 2 has no name."""
    parts = (line.split(":", 2) for line in _read("/proc/self/cgroup").splitlines())
    return {name: path for _, names, path in parts for name in names.split(",")}


def _existing(mount: str, path: str) -> str:
    """Return the folder of a group; in a container the path may be one of the host, which is not there."""
    folder = os.path.join(mount, path.lstrip("/")).rstrip("/")
    return folder if os.path.isdir(folder) else mount


def _is_ours(base: str) -> bool:
    """Whether groups can be made here, and the controllers are there to be handed down."""
    has = set(_read(f"{base}/cgroup.controllers").split()) >= _NEEDED
    return has and all(os.access(path, os.W_OK) for path in (base, f"{base}/cgroup.procs", f"{base}/cgroup.subtree_control"))


def _enable(base: str) -> None:
    wanted = " ".join(f"+{name}" for name in sorted(_NEEDED))
    try:
        _write(f"{base}/cgroup.subtree_control", wanted)
    except OSError:
        # "No internal processes": whoever is in this group goes into a leaf of it.
        os.makedirs(f"{base}/{_LEAF}", exist_ok=True)
        for pid in _read(f"{base}/cgroup.procs").split():
            _write(f"{base}/{_LEAF}/cgroup.procs", pid)
        _write(f"{base}/cgroup.subtree_control", wanted)


class Group:
    """The group of one run. Every method does nothing where there are no groups."""

    def __init__(self, tree: Tree, name: str) -> None:
        self._v2 = f"{tree.v2}/{name}" if tree.v2 else ""
        self._v1 = {controller: f"{folder}/{name}" for controller, folder in tree.v1}
        self._folders = [self._v2] if self._v2 else list(self._v1.values())

    @property
    def is_there(self) -> bool:
        """Whether there are limits at all."""
        return bool(self._folders)

    def make(self, *, memory: int, cpus: float, pids: int) -> None:
        """Make the group with its limits; one that a killed hub left behind goes first. Raises OSError."""
        self.remove()
        for folder in self._folders:
            os.mkdir(folder)
        quota = max(1000, int(cpus * _PERIOD_US))
        if self._v2:
            _write(f"{self._v2}/memory.max", memory)
            _write_if_there(f"{self._v2}/memory.swap.max", 0)
            _write_if_there(f"{self._v2}/memory.oom.group", 1)
            _write(f"{self._v2}/pids.max", pids)
            _write(f"{self._v2}/cpu.max", f"{quota} {_PERIOD_US}")
            _write(f"{self._v2}/cpu.weight", _WEIGHT)
        elif self._v1:
            _write(f"{self._v1['memory']}/memory.limit_in_bytes", memory)
            _write_if_there(f"{self._v1['memory']}/memory.memsw.limit_in_bytes", memory)
            _write(f"{self._v1['pids']}/pids.max", pids)
            _write(f"{self._v1['cpu']}/cpu.cfs_period_us", _PERIOD_US)
            _write(f"{self._v1['cpu']}/cpu.cfs_quota_us", quota)
            _write(f"{self._v1['cpu']}/cpu.shares", _WEIGHT * 1024 // 100)

    def join(self) -> None:
        """Put this process into the group. Raises OSError."""
        for folder in self._folders:
            _write(f"{folder}/cgroup.procs", 0)

    def freeze(self) -> None:
        """Stop every process where it is."""
        if self._v2:
            _write(f"{self._v2}/cgroup.freeze", 1)
        elif self._v1:
            _write(f"{self._v1['freezer']}/freezer.state", "FROZEN")

    def thaw(self) -> None:
        """Let every process go on."""
        if self._v2:
            _write_if_there(f"{self._v2}/cgroup.freeze", 0)
        elif self._v1:
            _write_if_there(f"{self._v1['freezer']}/freezer.state", "THAWED")

    def kill(self) -> None:
        """Kill every process, frozen or not."""
        if self._v2 and os.path.exists(f"{self._v2}/cgroup.kill"):
            _write_if_there(f"{self._v2}/cgroup.kill", 1)
        else:
            for folder in self._folders:
                for pid in _read(f"{folder}/cgroup.procs").split():
                    _kill(int(pid))
        self.thaw()

    def remove(self, patience_s: float = 5.0) -> None:
        """Kill what is in the group and delete it. Raises OSError if a process cannot be killed in that time."""
        deadline = time.monotonic() + patience_s
        for folder in self._folders:
            while os.path.isdir(folder):
                try:
                    os.rmdir(folder)
                except FileNotFoundError:
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    self.kill()
                    _wait_a_little()

    def ooms(self) -> int:
        """Return how many processes were killed for want of memory."""
        if self._v2:
            return _field(f"{self._v2}/memory.events", "oom_kill")
        return _field(f"{self._v1['memory']}/memory.oom_control", "oom_kill") if self._v1 else 0

    def usage(self) -> tuple[int, int, float]:
        """Return bytes of memory, the most there were, and seconds of processor."""
        if self._v2:
            now = _number(f"{self._v2}/memory.current")
            return now, _number(f"{self._v2}/memory.peak") or now, _field(f"{self._v2}/cpu.stat", "usage_usec") / 1e6
        if self._v1:
            memory = self._v1["memory"]
            seconds = _number(f"{self._v1['cpuacct']}/cpuacct.usage") / 1e9 if "cpuacct" in self._v1 else 0.0
            return _number(f"{memory}/memory.usage_in_bytes"), _number(f"{memory}/memory.max_usage_in_bytes"), seconds
        return 0, 0, 0.0


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _wait_a_little() -> None:
    # A killed process leaves its group a moment later; nothing tells when.
    signal.sigtimedwait([], 0.005)


def _read(path: str) -> str:
    """Return the content of a control file; nothing where it is not there or no longer."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _number(path: str) -> int:
    text = _read(path).strip()
    return int(text) if text.isdecimal() else 0


def _field(path: str, name: str) -> int:
    found = [line.split()[1] for line in _read(path).splitlines() if line.startswith(f"{name} ")]
    return int(found[0]) if found else 0


def _write(path: str, value: int | str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, str(value).encode())
    finally:
        os.close(fd)


def _write_if_there(path: str, value: int | str) -> None:
    """Write to a control file, unless the group is gone, or goes at this moment."""
    try:
        _write(path, value)
    except OSError as problem:
        if problem.errno not in {errno.ENOENT, errno.ENODEV}:
            raise
