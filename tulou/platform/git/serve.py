"""Answer a fetch: start `git upload-pack` on the cache and pass on what it writes, never more than one block ahead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import IO

from tulou.platform.git.run import run, spawn

BLOCK = 256 * 1024
_VERSIONS = frozenset({"version=0", "version=1", "version=2"})


def advertise(folder: Path, protocol: str) -> bytes:
    """Return the list of refs, or the capabilities of protocol 2, without the service line."""
    return run("upload-pack", "--stateless-rpc", "--advertise-refs", "--strict", ".", cwd=folder, GIT_PROTOCOL=_known(protocol))


class UploadPack:
    """One `git upload-pack` at work. Whoever starts it must run `blocks` to its end, or call `stop`."""

    def __init__(self, folder: Path, request: IO[bytes], protocol: str) -> None:
        self._process = spawn(
            "upload-pack", "--stateless-rpc", "--strict", ".", cwd=folder, stdin=request, GIT_PROTOCOL=_known(protocol)
        )

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """Yield what git writes. git reports its own errors in this stream, as the protocol wants it."""
        reader = asyncio.StreamReader(limit=BLOCK)
        loop = asyncio.get_running_loop()
        # From here on the transport owns the pipe and closes it; closing it a second time could hit somebody else's.
        output, self._process.stdout = self._process.stdout, None
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), output)
        try:
            while block := await reader.read(BLOCK):
                yield block
        finally:
            transport.close()
            self.stop()

    def stop(self) -> None:
        """End the process if it still runs, and collect it."""
        self._process.kill()
        self._process.wait(timeout=10)
        if self._process.stdout is not None:
            self._process.stdout.close()


def _known(protocol: str) -> str:
    return protocol if protocol in _VERSIONS else "version=0"


