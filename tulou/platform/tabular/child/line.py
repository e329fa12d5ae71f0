"""The child's end of its line to the hub: two named pipes in its folder, one to ask and tell, one for answers."""

from __future__ import annotations

import json
import struct
import threading
from pathlib import Path
from typing import Any, BinaryIO

_LENGTH = struct.Struct("<I")


class HubGone(OSError):
    """The hub hung up: there is nobody left to work for."""


class Line:
    """Speaks frames: four bytes of length, then JSON towards the hub, and bytes from it."""

    def __init__(self, folder: Path) -> None:
        self._tell: BinaryIO = (folder / "ask").open("wb", buffering=0)
        self._answers: BinaryIO = (folder / "answer").open("rb")
        self._turn = threading.Lock()

    def job(self) -> dict[str, Any]:
        """Wait for the job and return it."""
        found: dict[str, Any] = json.loads(self._receive())
        return found

    def tell(self, what: str, **facts: Any) -> None:
        """Say something that needs no answer."""
        with self._turn:
            self._send({"what": what, **facts})

    def read(self, file: int, start: int, length: int) -> bytes:
        """Return bytes of one of the files of the job."""
        with self._turn:
            self._send({"what": "read", "file": file, "start": start, "length": length})
            content = self._receive()
        if len(content) != length:
            raise OSError("the hub could not read the file")
        return content

    def _send(self, message: dict[str, Any]) -> None:
        content = json.dumps(message, separators=(",", ":")).encode()
        view = memoryview(_LENGTH.pack(len(content)) + content)
        while view:
            view = view[self._tell.write(view) or 0 :]

    def _receive(self) -> bytes:
        head = self._answers.read(_LENGTH.size)
        if len(head) != _LENGTH.size:
            raise HubGone
        length = _LENGTH.unpack(head)[0]
        content = self._answers.read(length)
        if len(content) != length:
            raise HubGone
        return content
