"""Read the folder of a run: what its keeper wrote of it, and whether there is a keeper still."""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tulou.fsio import journal
from tulou.platform.compute.base import Observed, Phase, Usage
from tulou.platform.compute.local.cgroup import Group, Tree

_STARTING_S = 60.0
"""A folder that has had no keeper for so long was left by a hub that was killed in the middle of `start`."""

_KILL_S = 5.0


@dataclass(frozen=True, slots=True)
class Told:
    """The events of a run so far, the last of each kind."""

    events: dict[str, dict[str, Any]]
    paused: bool

    @property
    def keeper(self) -> int:
        """The id of the keeping process."""
        return int(self.events["kept"]["pid"])


def told(folder: Path) -> Told | None:
    """Return what the keeper wrote, or None if there is no such run or no keeper yet."""
    try:
        written = journal.lines(str(folder / "events"))
    except FileNotFoundError:
        return None
    events = [event for event in map(_event, written) if event is not None]
    kinds = [event["what"] for event in events]
    paused = [kind for kind in kinds if kind in {"paused", "resumed"}][-1:] == ["paused"]
    return Told(dict(zip(kinds, events, strict=True)), paused)


def _event(line: bytes) -> dict[str, Any] | None:
    """Return what a line says; None for one that a full disk cut in the middle: it was never said."""
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return event


def group_of(order: dict[str, Any]) -> Group:
    """Return the control group of a run."""
    cgroup = order["cgroup"]
    return Group(Tree(cgroup["v2"], tuple((name, path) for name, path in cgroup["v1"])), cgroup["name"])


def read_order(folder: Path) -> dict[str, Any] | None:
    """Return what of the order may lie on a disk."""
    try:
        order: dict[str, Any] = json.loads((folder / "order.json").read_bytes())
    except FileNotFoundError:
        return None
    return order


def observe(folder: Path) -> Observed | None:
    """Return what is known of a run, or None if it is unknown."""
    found = told(folder)
    if found is None or "kept" not in found.events:
        return _unkept(folder)
    if "ended" not in found.events and not is_kept(found):
        # It may have ended between the two looks.
        found = told(folder) or found
    return _ended(folder.name, found) or _living(folder, found)


def _unkept(folder: Path) -> Observed | None:
    try:
        age = time.time() - folder.stat().st_mtime
    except FileNotFoundError:
        return None
    if age < _STARTING_S:
        return Observed(folder.name, "starting")
    return Observed(folder.name, "lost", detail="it was never started", ended_at=int((time.time() - age) * 1000))


def _ended(run_id: str, found: Told) -> Observed | None:
    started = found.events.get("running", found.events["kept"])["at"]
    end = found.events.get("ended")
    if end is not None:
        usage = Usage(**end["usage"])
        return Observed(run_id, end["phase"], end["exit_code"], end["detail"], started, end["at"], usage)
    if not is_kept(found):
        crash = found.events.get("crashed")
        detail = f"what watched over it failed ({crash['why']} at {crash['where']})" if crash else "what watched over it is gone"
        return Observed(run_id, "lost", detail=detail, started_at=started, ended_at=started)
    return None


def _living(folder: Path, found: Told) -> Observed:
    order = read_order(folder)
    usage = Usage(*group_of(order).usage()) if order else Usage()
    phase: Phase = "paused" if found.paused else "running" if "running" in found.events else "starting"
    return Observed(folder.name, phase, started_at=found.events.get("running", found.events["kept"])["at"], usage=usage)


def is_kept(found: Told) -> bool:
    """Whether the keeper lives."""
    return found.events["kept"]["boot"] == _boot() and _is_alive(found.keeper, found.events["kept"]["began"])


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _is_alive(pid: int, began: str) -> bool:
    """Whether a process with this id lives and is the one that began then: ids are used again."""
    try:
        parts = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    if parts[0] == "Z":
        # Where the hub is the first process of a container, orphans are its children.
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        return False
    return bool(parts[19] == began)


def wait(folder: Path, seconds: float) -> None:
    """Wait until a run has no keeper any more."""
    found = told(folder)
    if found is not None and "kept" in found.events and is_kept(found):
        _await_end(found.keeper, found.events["kept"]["began"], seconds)


def put_down(folder: Path) -> None:
    """End a run at once, with all that is left of it outside of its folder. Raises OSError if a process cannot be killed.

    The keeper goes first, so that it starts nothing; the kernel ends the run with it, but tells nobody when it has.
    """
    found, order = told(folder), read_order(folder)
    group = None if order is None else group_of(order)
    if found is not None and "kept" in found.events and found.events["kept"]["boot"] == _boot():
        _await_end(found.keeper, found.events["kept"]["began"], _KILL_S, first=signal.SIGKILL)
        if group is not None:
            group.kill()  # one that is frozen dies only when it thaws
        if "running" in found.events:
            _await_end(found.events["running"]["init"], found.events["running"]["began"], _KILL_S, first=signal.SIGKILL)
    if group is not None:
        group.remove()


def _await_end(pid: int, began: str, seconds: float, first: signal.Signals | None = None) -> None:
    """Wait for the end of a process, after sending it a signal if one is given."""
    if not _is_alive(pid, began):
        return
    try:
        watched = os.pidfd_open(pid)
    except OSError as problem:
        # It went meanwhile: kernels before 6.9 say EINVAL while something of it is left.
        if problem.errno not in {errno.ESRCH, errno.EINVAL}:
            raise
        return
    try:
        if _is_alive(pid, began):
            if first is not None:
                signal.pidfd_send_signal(watched, first)
            select.select([watched], [], [], seconds)
    finally:
        os.close(watched)
