"""Run programs on this machine. A run is a folder, a control group and a keeper process; this process keeps nothing."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import threading
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tulou.fsio import atomic
from tulou.kernel.errors import ComputeOff
from tulou.platform.compute.base import (
    ENDED,
    Door,
    Level,
    Mount,
    Node,
    NoSuchRun,
    Observed,
    Resources,
    RunSpec,
    Signal,
    StartFailed,
)
from tulou.platform.compute.local import cgroup, doors, egress, host, nursery, order, users
from tulou.platform.compute.local import folder as runs
from tulou.settings import Settings

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_PROBE_S = 30.0
_PROBE = ".overlay"
_SWITCHES = {"kernel.unprivileged_userns_clone": "1", "kernel.apparmor_restrict_unprivileged_userns": "0"}
_PUBLIC = ("folder", "id", "level", "uid", "cgroup", "limits")
"""What of an order is written to the run's folder: no environment, no command."""


class LocalCompute:
    """Compute of one machine. Every method may be called from any thread."""

    def __init__(
        self,
        folder: Path,
        machine: order.Host,
        *,
        node: str,
        total: Resources,
        allowed: list[tuple[str, int]],
        notes: tuple[str, ...],
    ) -> None:
        self.loopback = ""
        self._folder = folder
        self._host = machine
        self._node = node
        self._total = total
        self._notes = notes
        self._allowed = allowed
        self._overlays: bool | None = None
        self._taken: cgroup.Tree | None = None
        self._nursery = nursery.Nursery()
        self._doors: dict[str, doors.DoorKeeper] = {}
        self._lock = threading.Lock()
        self._users = users.Users(folder / ".users") if machine.level == "sandbox" and os.geteuid() == 0 else None

    def nodes(self) -> list[Node]:
        """See Compute.nodes."""
        limits = [found["limits"] for run in self._ids() if (found := self._promised(run)) is not None]
        used = Resources(
            cpus=sum(limit["cpus"] for limit in limits),
            memory_mb=sum(limit["memory"] for limit in limits) // 2**20,
            pids=sum(limit["pids"] for limit in limits),
        )
        return [Node(self._node, self._host.level, self._total, used, self._notes)]

    def _promised(self, run_id: str) -> dict[str, Any] | None:
        seen = runs.observe(self._folder / run_id)
        return None if seen is None or seen.phase in ENDED else runs.read_order(self._folder / run_id)

    def start(self, spec: RunSpec) -> None:
        """See Compute.start.

        Write order: 1 folder, the claim on the id   2 user, `order.json`   3 keeper, which writes `kept`, `running` … `ended`.
        Crash before 3: a folder without a keeper, which is `lost` after a minute; `forget` deletes it. After 3: the run goes on.
        """
        if not _ID.fullmatch(spec.id):
            raise StartFailed("its id has other characters than letters, digits, dots, dashes and underscores")
        level = self._level(spec)
        place = self._folder / spec.id
        try:
            place.mkdir(mode=0o700)
        except FileExistsError:
            return
        try:
            self._start(spec, place, level)
        except BaseException:
            self._delete(place)
            raise

    def _level(self, spec: RunSpec) -> Level:
        if self._host.level != "off":
            return self._host.level
        if spec.program == "theirs":
            raise ComputeOff
        return "process"

    def _start(self, spec: RunSpec, folder: Path, level: Level) -> None:
        uid = self._users.claim(folder) if self._users and level == "sandbox" else None
        wants_layer = level == "sandbox" and any(mount.mode == "overlay" for mount in spec.mounts)
        lays_over = wants_layer and self._lays_over(spec.id)
        group = f"tulou-{self._node}-{spec.id}"
        place = order.Place(level, folder, group, uid, self._gateway(spec, uid), self._groups(), lays_over)
        what = order.compose(spec, self._host, place)
        for own in what.get("make", ()):
            Path(own).mkdir()
            Path(own).chmod(0o755)  # the folder of the run is closed anyway
        for source, target in what.get("copy", ()):
            shutil.copytree(source, target, symlinks=True)
        (folder / "order.json").write_text(json.dumps({name: what[name] for name in _PUBLIC}))
        self._nursery.start(what)

    def _gateway(self, spec: RunSpec, uid: int | None) -> dict[str, Any] | None:
        if spec.network != "egress":
            return None
        number = zlib.crc32(spec.id.encode()) % users.COUNT if uid is None else uid - users.FIRST
        return egress.order(self.loopback, self._allowed, number)

    def _groups(self) -> cgroup.Tree:
        """Return where groups are made. Only a process that runs something changes its own group for that."""
        with self._lock:
            if self._taken is None:
                self._taken = cgroup.take(self._host.cgroups)
            return self._taken

    def _lays_over(self, run_id: str) -> bool:
        """Whether overlays work here, as the first run that wants one finds out: kernel, disk and bubblewrap must all agree."""
        if self._overlays is None and run_id != _PROBE:
            probe = RunSpec(
                _PROBE,
                "probe",
                ("sh", "-c", "echo > /x/hosts"),
                mounts=(Mount(self._host.made_etc, "/x", "overlay"),),
                program="ours",
            )
            folder = self._folder / f"{_PROBE}-{secrets.token_hex(4)}"
            folder.mkdir(mode=0o700)
            try:
                self._start(probe, folder, "sandbox")
                runs.wait(folder, _PROBE_S)
                ended = runs.observe(folder)
                self._overlays = ended is not None and ended.phase == "succeeded"
            except StartFailed:
                self._overlays = False
            finally:
                self._delete(folder)
        return self._overlays is not False

    def observe(self, ids: Iterable[str] | None = None) -> dict[str, Observed]:
        """See Compute.observe."""
        wanted = self._ids() if ids is None else [run_id for run_id in ids if _ID.fullmatch(run_id)]
        found = {run_id: runs.observe(self._folder / run_id) for run_id in wanted}
        return {run_id: seen for run_id, seen in found.items() if seen is not None}

    def _ids(self) -> list[str]:
        return [entry.name for entry in os.scandir(self._folder) if _ID.fullmatch(entry.name)]

    def signal(self, run_id: str, what: Signal) -> None:
        """See Compute.signal."""
        try:
            with doors.connect(self._place(run_id), "control") as line:
                line.sendall(what.encode())
                line.recv(8)
        except (NoSuchRun, FileNotFoundError, ConnectionError, TimeoutError):
            return  # unknown, ended, or about to

    def read_log(self, run_id: str, offset: int, size: int) -> bytes:
        """See Compute.read_log."""
        try:
            with (self._place(run_id) / "log").open("rb") as file:
                return os.pread(file.fileno(), size, offset)
        except (NoSuchRun, FileNotFoundError):
            return b""

    def address(self, run_id: str, port: int) -> Door:
        """See Compute.address. A run without a sandbox has no loopback of its own: its ports are this machine's."""
        seen = runs.observe(self._place(run_id))
        about = runs.read_order(self._place(run_id))
        if seen is None or about is None or seen.phase in ENDED:
            raise NoSuchRun
        if about["level"] == "process":
            return Door("127.0.0.1", port)
        with self._lock:
            door = self._doors.setdefault(run_id, doors.DoorKeeper(self._place(run_id)))
        return Door("127.0.0.1", port, door.make)

    def forget(self, run_id: str) -> None:
        """See Compute.forget."""
        try:
            place = self._place(run_id)
        except NoSuchRun:
            return
        with self._lock:
            door = self._doors.pop(run_id, None)
        if door:
            door.close()
        self._delete(place)

    def _place(self, run_id: str) -> Path:
        if not _ID.fullmatch(run_id):
            raise NoSuchRun
        return self._folder / run_id

    def _delete(self, place: Path) -> None:
        """End what runs and delete what it left.

        Write order: 1 keeper and processes end   2 user is free again   3 folder. Crash between: `forget` does it again.
        """
        runs.put_down(place)
        if self._users:
            self._users.release(place)
        atomic.remove_tree(place)


def open_compute(settings: Settings, folder: Path) -> LocalCompute:
    """Return the compute of this machine as the settings want it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    bwrap = host.bubblewrap()
    problem = host.probe(bwrap) if settings.compute in {"auto", "sandbox"} else ""
    level: Level = "process" if settings.compute == "process" else "off" if settings.compute == "off" or problem else "sandbox"
    tree = cgroup.find() if level != "off" else cgroup.Tree()
    etc = folder / ".etc"
    etc.mkdir(mode=0o700, exist_ok=True)
    for name, content in order.made_etc().items():
        (etc / name).write_bytes(content)
        (etc / name).chmod(0o644)
    total = Resources(
        cpus=float(os.cpu_count() or 1),
        memory_mb=settings.compute_memory_mb or host.memory_mb() * 3 // 4,
        pids=32768,
    )
    machine = order.Host(level, bwrap, tree, etc, host.counts_processes())
    allowed = egress.named(settings)
    return LocalCompute(folder, machine, node=_node(folder), total=total, allowed=allowed, notes=_notes(level, problem, tree))


def _node(folder: Path) -> str:
    """Return the name of this machine for this data folder, made once. It lies in the cache, which no backup takes elsewhere."""
    path = folder.parent / "cache" / "node-id"
    if not path.exists():
        atomic.write_file(path, secrets.token_hex(4).encode())
    return path.read_text()


def _notes(level: Level, problem: str, tree: cgroup.Tree) -> tuple[str, ...]:
    """Say what is not enforced here, and what to do about it."""
    notes = []
    if problem:
        notes.append(f"No sandbox can be made: {problem}. {_advice()}")
    if level == "process":
        notes.append("Programs run without a sandbox: they can read and change whatever the hub can.")
    if level != "off" and not tree.is_there:
        notes.append(
            "There are no control groups to write to: memory is limited for each process alone, processors are not. "
            "As a systemd service, give it `Delegate=yes`."
        )
    return tuple(notes)


def _advice() -> str:
    """Return how to let ordinary users make user namespaces, where the kernel has a switch for that."""
    for switch, wanted in _SWITCHES.items():
        path = Path("/proc/sys") / switch.replace(".", "/")
        if path.exists() and path.read_text().strip() != wanted:
            return f"Set `sysctl {switch}={wanted}`."
    return "In a container, allow it to make user namespaces: for Docker `--security-opt seccomp=unconfined`."
