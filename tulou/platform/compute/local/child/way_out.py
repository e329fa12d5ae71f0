"""Start the gateway of a run that may reach the network, and start it again should it end."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from typing import Any

from tulou.platform.compute.local.child import namespaces

_AGAIN_S = 1.0
_PROGRAM = "import sys; sys.path.append({root!r}); from tulou.platform.compute.local.child import gateway; gateway.main()"


class WayOut:
    """The gateway of one run; nothing at all for a run without a network."""

    def __init__(self, order: dict[str, Any] | None, uid: int | None) -> None:
        self._order = order
        self._uid = uid
        self._listeners: list[socket.socket] = []
        self._pid = 0
        self._started = 0.0

    def open(self, init: int) -> None:
        """Listen inside of the run. Raises OSError."""
        if self._order is not None:
            self._listeners = namespaces.listeners(init, [(host, port) for host, port in self._order["listen"]])
            self._start()

    def _start(self) -> None:
        """Start the gateway as a program of its own: what a hostile program talks to shares no memory with the run's secrets."""
        self._started = time.monotonic()
        fds = [listener.fileno() for listener in self._listeners]
        order = {**(self._order or {}), "fds": fds, "uid": self._uid}
        reader, writer = os.pipe()
        self._pid = namespaces.forked(lambda: _become_gateway(reader, fds))
        os.close(reader)
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(json.dumps(order).encode())

    def mend(self) -> None:
        """Start the gateway again if it ended; what listens has waited meanwhile."""
        if self._pid and time.monotonic() > self._started + _AGAIN_S and os.waitpid(self._pid, os.WNOHANG)[0]:
            self._start()

    def close(self) -> None:
        """End the gateway."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)


def _become_gateway(order: int, fds: list[int]) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(order, 0)
    os.dup2(null, 1)
    os.dup2(null, 2)
    for fd in fds:
        os.set_inheritable(fd, True)
    os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", _PROGRAM.format(root=sys.path[-1])], {})  # noqa: S606 - our own program
