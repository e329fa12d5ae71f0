"""Ask a program whether it answers HTTP yet."""

from __future__ import annotations

import socket
from contextlib import suppress

from tulou.platform.compute.base import Door, NoSuchRun
from tulou.platform.machinery import Machinery

SECONDS = 2.0


def answers(m: Machinery, machine_id: str, port: int) -> bool:
    """Say whether anything that speaks HTTP answers on a port of a run."""
    try:
        door = m.compute.address(machine_id, port)
        with _socket(door) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nConnection: close\r\n\r\n")
            return connection.recv(5).startswith(b"HTTP/")
    except (OSError, NoSuchRun):
        return False


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
