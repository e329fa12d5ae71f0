"""A hub as a process of its own, that can be killed at any moment."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

READY_SECONDS = 30


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class HubProcess:
    """`tulou up` on a data folder and a fixed port, so that clients find it again after a restart."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.log = data.parent / "hub.log"

    def start(self) -> float:
        """Start it, wait until it answers, and return the seconds that took."""
        started = time.monotonic()
        environment = {**os.environ, "TULOU_RATE_LIMIT_API": "0", "TULOU_RATE_LIMIT_RESOLVE": "0", "TULOU_WORKERS": "1"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tulou", "up", "--data", str(self.data), "--port", str(self.port), "--no-demo"],
                stdout=log, stderr=log, env=environment,
            )  # fmt: skip
        while time.monotonic() - started < READY_SECONDS:
            if self._process.poll() is not None:
                raise RuntimeError(f"the hub ended with {self._process.returncode}: {self.log.read_text()[-2000:]}")
            try:
                httpx.get(f"{self.url}/api/agent-harnesses", timeout=2, trust_env=False)
            except httpx.TransportError:
                time.sleep(0.02)  # the condition is a connection, which nothing announces
            else:
                return time.monotonic() - started
        raise TimeoutError("the hub did not start")

    def kill(self) -> None:
        """End it as a power switch would, as far as a process can know."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(timeout=30)
        self._process = None
        return code

    def command(self, *arguments: str) -> str:
        """Run another `tulou` command on the same data folder and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "tulou", *arguments, "--data", str(self.data)],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout
