"""Keep one run: start it, write its log, obey the hub, end it in time, say how it ended. It lives on when the hub does not."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
import traceback
from contextlib import suppress
from typing import Any

from tulou.fsio import journal
from tulou.platform.compute.local.cgroup import Group, Tree
from tulou.platform.compute.local.child import launch, namespaces, owner
from tulou.platform.compute.local.child.output import Output
from tulou.platform.compute.local.child.way_out import WayOut

GRACE_S = 10.0
"""How long a run that was asked to stop may take before it is killed."""
_READ = 64 * 1024
_RATE = 4 * 1024 * 1024
"""Bytes of output a second that are taken from a run; one that prints faster waits, as at any slow terminal."""
_DRAIN_S = 1.0
_TICK_S, _LONG_TICK_S = 1.0, 5.0
_FIRST_SWEEP_S, _SWEEP_S = 1.0, 3.0
_SWEEP_SHARE = 9
"""Looking at the disk takes a tenth of the time at most."""


class Keeper:
    """The loop of one run. It has one thread, and waits for nothing but its descriptors and the next deadline."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order
        self._folder = str(order["folder"])
        cgroup = order["cgroup"]
        self._group = Group(Tree(cgroup["v2"], tuple((name, path) for name, path in cgroup["v1"])), cgroup["name"])
        log = os.open(f"{self._folder}/log", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._output = Output(log, limit=order["log_bytes"], secrets=list(order["secrets"].values()))
        self._poll = select.poll()
        self._way_out = WayOut(order["egress"], order["uid"])
        self._control, self._doorbell = _listen(self._folder, "control"), _listen(self._folder, "door")
        self._door = 0
        self._why = ""
        self._paused = False
        self._kill_at: float | None = None
        self._timeout_at = _after(order["timeout_s"])
        self._lease_at = _after(order["lease_s"])
        self._sweep, self._sweep_began, self._sweep_at = 0, 0.0, time.monotonic() + _FIRST_SWEEP_S
        self._allowance, self._allowed_at = float(_RATE), time.monotonic()

    def start(self) -> None:
        """Start the program. Raises launch.Refused, OSError.

        Write order: 1 `kept`, who keeps it   2 group, process   3 `running`   …   4 `ended`, the last word.
        Crash after 1 or 3: the kernel ends the run with its keeper, and the hub reports it lost. After 4: nothing is missing.
        """
        own = os.getpid()
        self._say("kept", pid=own, began=_began(own), boot=_boot())
        limits = self._order["limits"]
        self._group.make(memory=limits["memory"], cpus=limits["cpus"], pids=limits["pids"])
        self._child = launch.start(self._order, self._group)
        try:
            self._way_out.open(self._child.init)
            self._say("running", init=self._child.init, began=_began(self._child.init))
        except BaseException:
            self._child.kill(self._group)
            raise
        os.close(self._child.gate)

    def run(self) -> None:
        """Watch until the end, then write it down and clean up."""
        child = self._child
        for fd in (child.output, child.alive, self._control.fileno(), self._doorbell.fileno()):
            self._poll.register(fd, select.POLLIN)
        while True:
            ready = {fd for fd, _ in self._poll.poll(self._wait_ms())}
            if child.output in ready:
                self._read()
            if self._control.fileno() in ready:
                self._obey()
            if self._doorbell.fileno() in ready:
                self._open_door()
            self._meet_deadlines()
            self._way_out.mend()
            if child.alive in ready:
                break
        self._end()

    def refused(self) -> None:
        """Clean up after a start that failed."""
        self._way_out.close()
        self._leave_group()

    def _leave_group(self) -> None:
        """Delete the group. A process that waits for a disk cannot be killed yet: `forget` tries again."""
        with suppress(OSError):
            self._group.remove()

    def crashed(self, problem: BaseException) -> None:
        """Say where this program failed: the run ends with it, and somebody will ask why."""
        last = traceback.extract_tb(problem.__traceback__)[-1]
        self._say("crashed", why=type(problem).__name__, where=f"{os.path.basename(last.filename)}:{last.lineno}")

    def _say(self, what: str, *, durable: bool = False, **more: Any) -> None:
        line = json.dumps({"what": what, "at": _now(), **more}).encode() + b"\n"
        journal.append(f"{self._folder}/events", line, durable=durable)

    # The clock of deadlines is the steady one: a run does not end early because somebody set the time.
    def _wait_ms(self) -> int:
        now = time.monotonic()
        deadlines = (self._kill_at, self._timeout_at, self._lease_at, self._output.due(), self._thirsty_until())
        tick = _TICK_S if self._order["written"] else _LONG_TICK_S
        return max(0, int((min(at for at in (*deadlines, now + tick) if at) - now) * 1000) + 1)

    def _meet_deadlines(self) -> None:
        now = time.monotonic()
        due = self._output.due()
        if due is not None and now >= due:
            self._output.flush(_now())
        if self._timeout_at is not None and now >= self._timeout_at:
            self._timeout_at = None
            self._stop("timeout")
        if self._lease_at is not None and now >= self._lease_at:
            self._lease_at = None
            self._stop("lease")
        if self._kill_at is not None and now >= self._kill_at:
            self._kill_at = now + 1.0
            self._child.kill(self._group)
        self._look_at_disk(now)
        if self._thirsty_until() is None and not self._child.silent:
            self._poll.register(self._child.output, select.POLLIN)

    def _thirsty_until(self) -> float | None:
        """Return when output is read again, if the run printed more than it may."""
        now = time.monotonic()
        self._allowance = min(float(_RATE), self._allowance + (now - self._allowed_at) * _RATE)
        self._allowed_at = now
        return None if self._allowance > 0 else now + (_READ - self._allowance) / _RATE

    def _read(self) -> None:
        chunk = os.read(self._child.output, _READ)
        if not chunk:
            self._child.silent = True
        self._output.feed(chunk, _now(), time.monotonic())
        self._allowance -= len(chunk)
        if self._allowance <= 0 or self._child.silent:
            self._poll.unregister(self._child.output)

    def _obey(self) -> None:
        peer, _ = self._control.accept()
        with peer:
            peer.settimeout(1.0)
            try:
                word = peer.recv(32).decode("ascii", "replace").strip()
                self._do(word)
                peer.sendall(b"ok\n")
            except OSError:
                return  # the hub went away in the middle of a word; it asks again

    def _do(self, word: str) -> None:
        if word == "stop":
            self._stop("stopped")
        elif word == "kill":
            self._why = self._why or "stopped"
            self._kill_at = time.monotonic()
        elif word == "pause" and not self._paused and not self._why:
            self._child.freeze(self._group)
            self._paused = True
            self._say("paused")
        elif word == "resume" and self._paused:
            self._resume()
        elif word == "renew" and self._lease_at is not None:
            self._lease_at = _after(self._order["lease_s"])

    def _resume(self) -> None:
        self._child.thaw(self._group)
        self._paused = False
        self._say("resumed")

    def _stop(self, why: str) -> None:
        """Ask the program to end, and see to it if it does not. The first reason counts."""
        self._why = self._why or why
        if self._kill_at is None:
            self._kill_at = time.monotonic() + GRACE_S
            if self._paused:
                self._resume()
            self._child.ask()

    def on_sigterm(self, *_: Any) -> None:
        """Take the machine's own wish that everything ends. Nobody asked for that: the hub may start the run again."""
        self._stop("shutdown")

    def _open_door(self) -> None:
        """Start what hands out sockets of the run; from now on it answers, not this loop."""
        self._poll.unregister(self._doorbell)
        uid = self._order["uid"]
        self._door = namespaces.forked(lambda: namespaces.serve_sockets(self._doorbell, self._child.init, uid))

    def _end(self) -> None:
        code, used = self._child.reap()
        self._child.kill(self._group)
        self._drain()
        if self._door:
            os.kill(self._door, signal.SIGKILL)
            os.waitpid(self._door, 0)
        self._way_out.close()
        if self._sweep:
            os.kill(self._sweep, signal.SIGKILL)
            os.waitpid(self._sweep, 0)
        ooms, (memory, peak, seconds) = self._group.ooms(), self._group.usage()
        peak, seconds = peak or used.ru_maxrss * 1024, seconds or used.ru_utime + used.ru_stime
        phase, detail = self._verdict(code, ooms)
        self._take_back()
        self._output.flush(_now())
        self._leave_group()
        usage = {"memory": memory, "memory_peak": peak, "cpu_s": round(seconds, 3)}
        self._say("ended", durable=True, phase=phase, exit_code=code, detail=detail, usage=usage)

    def _take_back(self) -> None:
        """Make what the run wrote the hub's again: the next run that gets it is another user."""
        for step in self._order.get("steps", ()):
            if isinstance(step, dict) and step["mode"] == "rw":
                owner.give(step["source"], os.geteuid(), is_final=True)

    def _look_at_disk(self, now: float) -> None:
        """Measure what the run wrote, in a process that may take its time."""
        limit, written = self._order["limits"]["disk"], self._order["written"]
        if self._sweep:
            pid, status = os.waitpid(self._sweep, os.WNOHANG)
            if pid:
                # Where there is much to look at, one looks less often.
                self._sweep, self._sweep_at = 0, now + max(_SWEEP_S, _SWEEP_SHARE * (now - self._sweep_began))
                # What cannot be measured counts as too much: a run could see to that.
                if os.waitstatus_to_exitcode(status) > 0:
                    self._stop("disk")
        elif limit and written and now >= self._sweep_at and not self._why:
            self._sweep, self._sweep_began = owner.measure(written, limit), now

    def _drain(self) -> None:
        """Read what is left in the pipe; a process that got away may hold it open, so not for ever."""
        deadline = time.monotonic() + _DRAIN_S
        os.set_blocking(self._child.output, False)
        while not self._child.silent and time.monotonic() < deadline:
            try:
                chunk = os.read(self._child.output, _READ)
            except BlockingIOError:
                select.select([self._child.output], [], [], 0.05)
                continue
            self._child.silent = not chunk
            self._output.feed(chunk, _now(), time.monotonic())

    def _verdict(self, code: int | None, ooms: int) -> tuple[str, str]:
        if self._why == "lease":
            return "lost", "its lease was not renewed in time"
        if self._why == "shutdown":
            return "lost", "its machine shut it down"
        if self._why == "disk":
            return "failed", "It wrote more than it may keep."
        if self._why:
            return self._why, ""
        if code == 0:
            return "succeeded", ""
        if ooms:
            return "oom", "It needed more memory than it may use."
        return "failed", ""


def _after(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds


def _now() -> int:
    return int(time.time() * 1000)


def _began(pid: int) -> str:
    """Return when a process began: with its id, that names it, whatever ids are used again."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[19]


def _boot() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def _listen(folder: str, name: str) -> socket.socket:
    """Listen at a UNIX socket in the run's folder; by way of /proc, because such an address has 108 bytes at most."""
    fd = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(f"/proc/self/fd/{fd}/{name}")
    listener.listen(64)
    os.close(fd)
    return listener


def keep(hub: socket.socket) -> None:
    """Read the order from the hub, start the run, tell the hub, and keep the run to its end."""
    order = json.loads(_everything(hub))
    keeper = Keeper(order)
    signal.signal(signal.SIGTERM, keeper.on_sigterm)
    try:
        keeper.start()
    except (launch.Refused, OSError) as problem:
        keeper.refused()
        why = problem.strerror if isinstance(problem, OSError) else str(problem)
        hub.sendall(f"refused {why}".encode())
        return
    hub.sendall(b"running")
    # The hub waits for the end of the line.
    hub.close()
    try:
        keeper.run()
    except BaseException as problem:
        keeper.crashed(problem)
        raise


def _everything(hub: socket.socket) -> bytes:
    said = b""
    while more := hub.recv(_READ):
        said += more
    return said
