"""Answer a fetch: start `git upload-pack` on the cache and pass on what it writes, never more than one block ahead."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import IO

import anyio

from tulou.platform.git.run import run, spawn

BLOCK = 256 * 1024
CAPABILITIES_ONLY = "version=2"
"""In this version the first answer names no refs: it is the same for every repository."""
_VERSIONS = frozenset({"version=0", "version=1", "version=2"})


def advertise(folder: Path, protocol: str) -> bytes:
    """Return the list of refs, or the capabilities of protocol 2, without the service line."""
    return run("upload-pack", "--stateless-rpc", "--advertise-refs", "--strict", ".", cwd=folder, GIT_PROTOCOL=_known(protocol))


class UploadPack:
    """One `git upload-pack` at work. Whoever starts it must call `stop`."""

    def __init__(self, folder: Path, request: IO[bytes], protocol: str) -> None:
        self._process, self._output = spawn(
            "upload-pack", "--stateless-rpc", "--strict", ".", cwd=folder, stdin=request, GIT_PROTOCOL=_known(protocol)
        )
        os.set_blocking(self._output.fileno(), False)

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """Yield what git writes. git reports its own errors in this stream, as the protocol wants it."""
        while True:
            try:
                block = os.read(self._output.fileno(), BLOCK)
            except BlockingIOError:
                # Not a pipe transport of the event loop: uvloop's closes the descriptor behind our back, which by
                # then may be somebody else's file.
                await anyio.wait_readable(self._output)
                continue
            if not block:
                return
            yield block

    def stop(self) -> None:
        """End the process if it still runs, and collect it."""
        self._process.kill()
        self._process.wait(timeout=10)
        self._output.close()


def _known(protocol: str) -> str:
    return protocol if protocol in _VERSIONS else "version=0"
