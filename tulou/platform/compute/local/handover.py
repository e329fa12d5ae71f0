"""Take descriptors that another process hands over a UNIX socket."""

from __future__ import annotations

import os
import socket


def receive(line: socket.socket, most: int) -> list[int] | None:
    """Return what came with one byte, or None at the end of the line. No program that is started later gets them.

    Python 3.11 drops the flags of `recv_fds`, MSG_CMSG_CLOEXEC among them. What starts in between gets nothing either: the
    helpers have one thread, and the hub starts programs with every other descriptor closed.
    """
    said, fds, _, _ = socket.recv_fds(line, 1, most)
    for fd in fds:
        os.set_inheritable(fd, False)
    return list(fds) if said else None
