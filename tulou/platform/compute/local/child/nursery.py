"""Make keepers by forking: a program that loads Python once, not for each run. It ends with its hub; keepers do not."""

from __future__ import annotations

import os
import signal
import socket

from tulou.platform.compute.local import handover
from tulou.platform.compute.local.child import keeper


def main() -> None:
    """Wait for the ends of pairs of sockets, one byte each, and make a keeper of a copy of this process for each."""
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
    os.umask(0o077)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    hub = socket.socket(fileno=os.dup(0))
    _silence()
    while True:
        fds = handover.receive(hub, 1)
        if fds is None:
            return
        for fd in fds:
            if os.fork() == 0:
                hub.close()
                _keep(fd)
            os.close(fd)


def _keep(fd: int) -> None:
    """Be a keeper until the end of its run. What the order says is known to this copy only."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        with socket.socket(fileno=fd) as line:
            keeper.keep(line)
        code = 0
    finally:
        os._exit(code)


def _silence() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
