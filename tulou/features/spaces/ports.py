"""Choose the port on which an application listens."""

from __future__ import annotations

import socket

from tulou.platform.machinery import Machinery


def choose(m: Machinery, wanted: int) -> int:
    """Return `wanted`: in a sandbox every run has a loopback of its own. Without one all share this machine's: a free port."""
    if m.compute.nodes()[0].level != "process":
        return wanted
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
