"""Ask a program whether it answers HTTP yet."""

from __future__ import annotations

import socket
from contextlib import suppress

from tulou.platform.compute.base import Door, NoSuchRun
from tulou.platform.machinery import Machinery

SECONDS = 2.0
BLOCKS = 16
"""Parts of an answer that are taken at most."""


def answers(m: Machinery, machine_id: str, port: int) -> bool:
    """Say whether anything that speaks HTTP answers on a port of a run."""
    try:
        door = m.compute.address(machine_id, port)
        with _socket(door) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nConnection: close\r\n\r\n")
            is_http = connection.recv(5).startswith(b"HTTP/")
            _hear_out(connection)
            return is_http
    except (OSError, NoSuchRun):
        return False


def _hear_out(connection: socket.socket) -> None:
    """Take the rest of a short answer: a connection that breaks off is an error in the log of many a server."""
    with suppress(OSError):
        for _ in range(BLOCKS):
            if not connection.recv(1 << 16):
                return


def _socket(door: Door) -> socket.socket:
    made = door.make() if door.make else socket.socket()
    try:
        made.settimeout(SECONDS)
        made.connect((door.host, door.port))
    except BaseException:
        with suppress(OSError):
            made.close()
        raise
    return made
