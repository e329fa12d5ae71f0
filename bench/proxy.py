"""A TCP proxy that counts what the client sends, headers and all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Self

_BLOCK = 1 << 18


class CountingProxy:
    """Forwards every connection to a port of this machine, in two threads each."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.sent = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                inside, _ = self._listener.accept()
            except OSError:  # closed: the measurement is over
                return
            outside = socket.create_connection(("127.0.0.1", self._target))
            threading.Thread(target=self._pump, args=(inside, outside, self._count), daemon=True).start()
            threading.Thread(target=self._pump, args=(outside, inside, len), daemon=True).start()

    def _count(self, block: bytes) -> None:
        with self._lock:
            self.sent += len(block)

    def _pump(self, source: socket.socket, sink: socket.socket, note: Callable[[bytes], object]) -> None:
        try:
            while block := source.recv(_BLOCK):
                note(block)
                sink.sendall(block)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # either side hung up: the other learns it here
            source.close()
            sink.close()
