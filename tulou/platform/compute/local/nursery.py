"""Ask for keepers: one helper process a hub makes them, started with the first run and again if it should end."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

from tulou.platform.compute.base import StartFailed

_ROOT = str(Path(__file__).parents[4])
_PROGRAM = "import sys; sys.path.append({root!r}); from tulou.platform.compute.local.child import nursery; nursery.main()"
_START_S = 150.0


class Nursery:
    """The hub's end of the line to the helper. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line = -1

    def start(self, order: dict[str, Any]) -> None:
        """Start a keeper with its order, and return when its run is on its way. Raises StartFailed."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._hand_over(theirs)
            ours.settimeout(_START_S)
            try:
                ours.sendall(json.dumps(order).encode())
                ours.shutdown(socket.SHUT_WR)
                said = _read(ours)
            except TimeoutError as cause:
                raise StartFailed("it was not ready in time") from cause
            except OSError as cause:
                raise StartFailed("what should watch over it ended") from cause
        if said != b"running":
            raise StartFailed(said.decode("utf-8", "replace").removeprefix("refused ") or "what should watch over it ended")

    def _hand_over(self, theirs: socket.socket) -> None:
        """Give the helper its end of a pair. The helper may have been killed since the last time: then there is a new one."""
        with self._lock:
            for _ in range(2):
                if self._line < 0:
                    self._line = _open()
                    weakref.finalize(self, _close, self._line)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    with socket.socket(fileno=os.dup(self._line)) as line:
                        socket.send_fds(line, [b"k"], [theirs.fileno()])
                    return
                self._line = -1
        raise StartFailed("what should start it does not stay alive")


def _open() -> int:
    """Start the helper, which leaves this process at once, and return our end of the line to it."""
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-I", "-S", "-c", _PROGRAM.format(root=_ROOT)]
        subprocess.run(command, stdin=theirs.fileno(), env={}, cwd="/", timeout=_START_S, check=True)  # noqa: S603 - our own program
    return ours.detach()


def _close(line: int) -> None:
    os.close(line)


def _read(line: socket.socket) -> bytes:
    said = b""
    while more := line.recv(4096):
        said += more
    return said
