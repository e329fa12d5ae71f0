"""Sockets that were made inside a run's network namespace, asked for over one connection a run."""

from __future__ import annotations

import os
import socket
import threading
import weakref
from pathlib import Path

from tulou.platform.compute.local import handover

_PATIENCE_S = 10.0


def connect(folder: Path, name: str) -> socket.socket:
    """Connect to a UNIX socket in a run's folder; by way of /proc: such an address has 108 bytes at most. Raises OSError."""
    fd = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.settimeout(_PATIENCE_S)
        made.connect(f"/proc/self/fd/{fd}/{name}")
    except OSError:
        made.close()
        raise
    finally:
        os.close(fd)
    return made


class DoorKeeper:
    """Asks one run's door for sockets, from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._end: weakref.finalize[[], DoorKeeper] | None = None

    def make(self) -> socket.socket:
        """Return a fresh TCP socket that connects inside of the run, and does not block. Raises OSError if the run ended."""
        with self._lock:
            if self._line is None:
                self._line = connect(self._folder, "door")
                self._end = weakref.finalize(self, self._line.close)
            try:
                self._line.sendall(b"?")
                fds = handover.receive(self._line, 1)
            except OSError:
                self._hang_up()
                raise
            if not fds:
                self._hang_up()
                raise ConnectionRefusedError("the run has ended")
        made = socket.socket(fileno=fds[0])
        made.setblocking(False)
        return made

    def close(self) -> None:
        """Forget the connection."""
        with self._lock:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._line is not None and self._end is not None:
            self._end()
            self._line = None
